"""Scripts that need Triton, each in a process of its own, and what compiled kernels may take."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests._data import REPOSITORY

needs_triton = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None, reason="needs triton, which torch for CUDA brings"
)
SHARED_BYTES = 227 * 1024  # of a block on sm_90


def run(script: str, folder: Path, *words: str, **environment: str) -> str:
    """What a script of this folder says."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__).parent / script), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={
            **os.environ,
            "TRITON_CACHE_DIR": str(folder),
            "PYTHONPATH": os.pathsep.join([str(REPOSITORY), *sys.path]),
            **environment,
        },
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def check_resources(kind: str, count: int, folder: Path) -> None:
    """All kernels of a kind multiply on tensor cores, fit a block, and spill nothing."""
    lines = run("_resources.py", folder, kind).splitlines()
    assert len(lines) == count
    for line in lines:
        _, registers, spills, shared, products = line.split()
        assert int(products) > 0, line
        assert int(registers) <= 255 and int(shared) <= SHARED_BYTES, line
        assert int(spills) == 0, line
