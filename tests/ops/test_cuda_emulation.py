"""The CUDA kernels without a GPU: compiled as C++ with a shim, run on the CPU, compared.

This checks index arithmetic, splits, barriers and the order of sums. It says nothing about speed,
and cannot replace a run on a device.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.utils.cpp_extension import include_paths

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SOURCES = ROOT / "cuda_ops" / "csrc" / "cuda"
FLAGS = [
    "-std=c++20",
    "-O1",
    "-fPIC",
    "-shared",
    "-fvisibility=hidden",
    # The shim's fibers jump between stacks, which fortified longjmp refuses.
    "-U_FORTIFY_SOURCE",
    "-Wno-unknown-pragmas",
    "-DUSE_CUDA",
    "-DTORCH_STABLE_ONLY",
    "-DTORCH_TARGET_VERSION=0x020a000000000000",
    # Small inputs shall take several chunks.
    "-DGRAPHLAB_CHUNK_LOGITS=2048",
]


def compile_library(family: str, folder: Path) -> Path:
    compiler = os.environ.get("CXX", "c++").split()
    if shutil.which(compiler[0]) is None:
        pytest.skip(f"no C++ compiler ({compiler[0]})")
    library = folder / f"{family}.so"
    includes = [f"-I{HERE / '_cuda_shim'}", f"-I{SOURCES}"]
    for path in include_paths():
        includes += ["-isystem", path]
    source = ["-include", "prelude.h", "-x", "c++", str(SOURCES / f"{family}_kernel.cu")]
    lib = Path(torch.__file__).parent / "lib"
    link = ["-o", str(library), f"-L{lib}", "-ltorch", "-ltorch_cpu"]
    run([*compiler, *FLAGS, *includes, *source, *link])
    return library


def run(command: list[str], **environment: str) -> str:
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
    )
    if done.returncode != 0:
        pytest.fail(f"{' '.join(command[:2])} ... ended with {done.returncode}\n{done.stdout}")
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    "family",
    [
        "edge",
        "cluster",
        "pairwise",
        "meta",
        "overlap",
        "projection",
        "propagate",
        "interval",
        "walk",
    ],
)
def test_cuda_kernels_agree_with_the_definition(family: str, tmp_path: Path) -> None:
    library = compile_library(family, tmp_path)
    # A process of its own: the library replaces the CPU implementations.
    out = run(
        [sys.executable, str(HERE / "_cuda_cases.py"), family, str(library)],
        PYTHONPATH=str(ROOT),
        GRAPHLAB_DISABLE_KERNELS="1",
        OMP_NUM_THREADS="1",
    )
    assert "comparisons agree" in out
