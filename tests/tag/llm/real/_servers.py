"""The two servers of the benchmarks; tests that need them say so where they skip."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks._harness import local_servers

__all__ = ["llama_cpp", "transformers_serve"]


@contextmanager
def llama_cpp() -> Iterator[str]:
    """Address of llama.cpp's server."""
    try:
        server = local_servers.llama_cpp()
        url = server.__enter__()
    except local_servers.NotInstalledError as error:
        pytest.skip(str(error))
    try:
        yield url
    finally:
        server.__exit__(None, None, None)


@contextmanager
def transformers_serve(folder: Path) -> Iterator[tuple[str, str]]:
    """Address and model of the server of transformers."""
    try:
        server = local_servers.transformers_serve(folder)
        found = server.__enter__()
    except local_servers.NotInstalledError as error:
        pytest.skip(str(error))
    try:
        yield found
    finally:
        server.__exit__(None, None, None)
