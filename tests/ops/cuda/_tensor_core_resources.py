"""Compiles the Triton kernels for sm_90 without a GPU and tells what their code takes.

Run as ``python tests/ops/cuda/_tensor_core_resources.py [PRECISION ...]``; one line per kernel: its
name, registers, bytes of spills, bytes of shared memory, and how many instructions multiply tiles
on tensor cores.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, get_args

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from graphlab.ops import tensor_cores
from graphlab.ops.tensor_core_kernels import kernels

WHOLE, REAL = ("n", "m", "dim"), ("scale",)


def signature(kernel: Any) -> dict[str, str]:
    kinds = {name: "constexpr" for name in kernel.arg_names if name.isupper()}
    kinds |= dict.fromkeys(WHOLE, "i32") | dict.fromkeys(REAL, "fp32")
    return {name: kinds.get(name, "*fp32") for name in kernel.arg_names}


def resources(name: str, kernel: Any, constants: dict[str, Any]) -> str:
    warps = constants.pop("num_warps")
    source = ASTSource(fn=kernel, signature=signature(kernel), constexprs=constants)
    compiled = triton.compile(
        source, target=GPUTarget("cuda", 90, 32), options={"num_warps": warps}
    )
    text = compiled.asm["ptx"]
    ptxas = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "ptxas"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kernel.ptx"
        path.write_text(text, encoding="utf-8")
        said = subprocess.run(
            [ptxas, "-v", "--gpu-name=sm_90a", path, "-o", f"{folder}/out"],
            capture_output=True,
            text=True,
            check=True,
        ).stderr
    spills = sum(map(int, re.findall(r"(\d+) bytes spill", said)))
    (registers,) = re.findall(r"Used (\d+) registers", said)
    products = len(re.findall(r"^\s*(?:wgmma\.mma_async|mma\.sync)", text, re.MULTILINE))
    return f"{name} {registers} {spills} {compiled.metadata.shared} {products}"


def main() -> None:
    logsum, gradient = kernels()
    for precision in sys.argv[1:] or get_args(tensor_cores.Precision):
        for width in (64, 128):
            common = {"DIAGONAL": 1, **tensor_cores.products(precision)}
            tile = tensor_cores.tiles(width, backward=False)
            print(
                resources(f"logsum-{precision}-{width}", logsum, common | tile | {"WEIGHTED": True})
            )
            tile = tensor_cores.tiles(width, backward=True)
            sides = ("HAS_ROWS", "ROWS_WEIGHTED", "HAS_COLUMNS", "COLUMNS_WEIGHTED")
            both = dict.fromkeys(sides, True)
            print(
                resources(f"gradient-{precision}-{width}", gradient, common | tile | both),
                flush=True,
            )


if __name__ == "__main__":
    main()
