"""The CUDA kernels without a GPU: compiled as C++ with a shim, run on the CPU, compared.

This checks index arithmetic, splits, barriers and the order of sums; on meta tensors, launches for
sizes that no memory holds; and arithmetic with more than 2^31 elements on memory that is not there.
It says nothing about speed, and cannot replace a run on a device.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.utils.cpp_extension import include_paths

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
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
    "-DGRAPHLAB_MAX_BLOCKS_Y=3",
]


FAMILIES = (
    "edge",
    "cluster",
    "pairwise",
    "softplus",
    "ranking",
    "meta",
    "overlap",
    "projection",
    "propagate",
    "relational",
    "interval",
    "budget",
    "walk",
    "attention",
)


def compile_library(family: str, folder: Path, *flags: str) -> Path:
    compiler = os.environ.get("CXX", "c++").split()
    if shutil.which(compiler[0]) is None:
        pytest.skip(f"no C++ compiler ({compiler[0]})")
    library = folder / f"{family}.so"
    includes = [f"-I{HERE / '_shim'}", f"-I{SOURCES}", f"-I{SOURCES.parent}"]
    for path in include_paths():
        includes += ["-isystem", path]
    source = ["-include", "prelude.h", "-x", "c++", str(SOURCES / f"{family}.cu")]
    lib = Path(torch.__file__).parent / "lib"
    link = ["-o", str(library), f"-L{lib}", "-ltorch", "-ltorch_cpu"]
    run([*compiler, *FLAGS, *flags, *includes, *source, *link])
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
@pytest.mark.parametrize("family", FAMILIES)
def test_cuda_kernels_agree_with_the_definition(family: str, tmp_path: Path) -> None:
    library = compile_library(family, tmp_path)
    # A process of its own: the library replaces the CPU implementations.
    out = run(
        [sys.executable, str(HERE / "_cases.py"), family, str(library)],
        PYTHONPATH=str(ROOT),
        GRAPHLAB_DISABLE_KERNELS="1",
        OMP_NUM_THREADS="1",
    )
    assert "comparisons agree" in out


LIMITS = (2**31 - 1, 65_535, 65_535)  # blocks along x, y and z that CUDA takes


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_launches_are_within_the_limits_at_any_size(family: str, tmp_path: Path) -> None:
    real = ("-UGRAPHLAB_CHUNK_LOGITS", "-UGRAPHLAB_MAX_BLOCKS_Y")
    flags = ("-O0", "-DSHIM_ONLY_TELL_LAUNCHES", *real)
    library = compile_library(family, tmp_path, *flags)
    out = run(
        [sys.executable, str(HERE / "_launches.py"), family, str(library)],
        PYTHONPATH=str(ROOT),
        GRAPHLAB_DISABLE_KERNELS="1",
        OMP_NUM_THREADS="1",
    )
    lines = [line for line in out.splitlines() if line.startswith(("call ", "launch ", "done"))]
    assert lines[-1] == "done"
    call, launched = "", set()
    for line in lines:
        if line.startswith("call "):
            call = line
        if not line.startswith("launch "):
            continue
        *grid, threads = map(int, line.split()[1:])
        launched.add(call)
        assert threads == 256, call
        for blocks, limit in zip(grid, LIMITS, strict=True):
            assert 1 <= blocks <= limit, f"{call}: {grid}"
    calls = {line for line in lines if line.startswith("call ")}
    assert {c for c in calls if not c.endswith("empty")} <= launched


@pytest.mark.slow
def test_indices_beyond_32_bits(tmp_path: Path) -> None:
    compiler = os.environ.get("CXX", "c++").split()
    if shutil.which(compiler[0]) is None:
        pytest.skip(f"no C++ compiler ({compiler[0]})")
    program, lib = tmp_path / "wide", Path(torch.__file__).parent / "lib"
    includes = [f"-I{HERE / '_shim'}", f"-I{SOURCES}", f"-I{SOURCES.parent}"]
    for path in include_paths():
        includes += ["-isystem", path]
    flags = [flag for flag in FLAGS if flag not in ("-fPIC", "-shared")]
    source = ["-include", "prelude.h", str(HERE / "_shim" / "wide_indices.cpp")]
    link = ["-o", str(program), f"-L{lib}", f"-Wl,-rpath,{lib}", "-ltorch", "-ltorch_cpu", "-lc10"]
    run([*compiler, *flags, *includes, *source, *link])
    assert "all indices are right" in run([str(program)])


#: 32-bit loop variables: positions within a tile, a slice or a table in shared memory, and hops.
WITHIN_A_TILE = {
    "cluster.cu": 2,
    "cluster_outer.cuh": 2,
    "meta_tile.cuh": 2,
    "overlap.cu": 6,
    "pair_tile.cuh": 1,
    "projection.cu": 1,
    "tile.cuh": 6,
}


@pytest.mark.parametrize("path", sorted(SOURCES.glob("*.cu*")), ids=lambda path: path.name)
def test_no_index_of_an_element_has_32_bits(path: Path) -> None:
    text = re.sub(r"//.*", "", path.read_text(encoding="utf-8"))
    # Built-in indices are unsigned: a product of two of them, or with a constant, wraps.
    built_in = r"(?:blockIdx|threadIdx|gridDim|blockDim)\.[xyz]"
    assert re.findall(rf"{built_in}\s*\*\s*(?:{built_in}|k[A-Z]\w*|\d+)", text) == []
    names = "i|j|k|at|row|column|entry|index|begin|end|first|base"
    narrow = re.findall(rf"\b(?:int|int32_t|unsigned|uint32_t) (?:{names})\b", text)
    assert len(narrow) == WITHIN_A_TILE.get(path.name, 0), narrow
