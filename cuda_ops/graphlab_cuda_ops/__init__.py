"""Where the compiled kernels of graphlab lie, and what they were built for.

The package holds shared libraries and describes them; it neither imports torch nor loads anything.
:mod:`graphlab.ops` decides whether a library fits and loads it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["SCHEMA_VERSION", "build_info", "cpu_library", "cuda_library"]

_HERE = Path(__file__).resolve().parent


def build_info() -> dict[str, Any]:
    """What the libraries were built with.

    Returns:
        The keys ``schema_version`` (int), ``torch`` (str), ``compiler`` (str), ``nvcc`` (str or
        None) and ``cuda_archs`` (list of str), or an empty dict if the kernels were never built.
    """
    path = _HERE / "_build_info.json"
    if not path.is_file():
        return {}
    info: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return info


def _library(name: str) -> Path | None:
    path = _HERE / name
    return path if path.is_file() else None


def cpu_library() -> Path | None:
    """The library with the CPU kernels, or None if it was not built."""
    return _library("_C.abi3.so")


def cuda_library() -> Path | None:
    """The library with the CUDA kernels, or None if it was not built.

    It must only be loaded into a CUDA build of torch: the CPU build lacks the symbols it needs.
    """
    return _library("_C_cuda.abi3.so")


#: Version of the operator schemas the kernels implement; 0 if the kernels were never built.
SCHEMA_VERSION: int = int(build_info().get("schema_version", 0))
