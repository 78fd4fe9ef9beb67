"""Compiles the Triton kernels for sm_90 without a GPU and tells what their code takes.

Run as ``python tests/ops/tensor_cores/_resources.py``; one line per kernel: its name, registers,
bytes of spills, bytes of shared memory, and how many instructions multiply on tensor cores. Rows
begin at multiples of 64 bytes, as the library passes them on.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from graphlab.ops.tensor_cores import attention, attention_kernels, pair_kernels, pairs

#: Types of arguments that are not pointers to float32.
KINDS = {"scale": "fp32"} | dict.fromkeys(("n", "m", "dim", "rows", "heads", "width"), "i32")
KINDS |= dict.fromkeys(("first", "stop"), "*i32")
PTXAS = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "ptxas"


def resources(name: str, kernel: Any, constants: dict[str, Any], half: str = "fp16") -> str:
    """Compile one kernel."""
    constants = dict(constants)
    options = {"num_warps": constants.pop("num_warps")}
    kinds = KINDS | {"qkv": f"*{half}"}
    signature = {
        word: "constexpr" if word.isupper() else kinds.get(word, "*fp32")
        for word in kernel.arg_names
    }
    aligned = {word for word, kind in signature.items() if kind.startswith("*")} | {"dim", "width"}
    attributes = {
        (at,): [["tt.divisibility", 16]]
        for at, word in enumerate(kernel.arg_names)
        if word in aligned
    }
    source = ASTSource(fn=kernel, signature=signature, constexprs=constants, attrs=attributes)
    compiled = triton.compile(source, target=GPUTarget("cuda", 90, 32), options=options)
    text = compiled.asm["ptx"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kernel.ptx"
        path.write_text(text, encoding="utf-8")
        said = subprocess.run(
            [PTXAS, "-v", "--gpu-name=sm_90a", path, "-o", f"{folder}/out"],
            capture_output=True,
            text=True,
            check=True,
        ).stderr
    spills = sum(map(int, re.findall(r"(\d+) bytes spill", said)))
    (registers,) = re.findall(r"Used (\d+) registers", said)
    products = len(re.findall(r"^\s*(?:wgmma\.mma_async|mma\.sync)", text, re.MULTILINE))
    return f"{name} {registers} {spills} {compiled.metadata.shared} {products}"


def of_pairs() -> Iterator[str]:
    """Widths of one chunk and of several, every precision."""
    logsum, gradient = pair_kernels.kernels()
    both = dict.fromkeys(("HAS_ROWS", "ROWS_WEIGHTED", "HAS_COLUMNS", "COLUMNS_WEIGHTED"), True)
    for precision in get_args(pairs.Precision):
        for dim in (64, 128, 384):
            common = {"DIAGONAL": 1, **pairs.products(precision)}
            tile = pairs.tiles(dim, backward=False)
            constants = common | tile | {"WEIGHTED": True}
            yield resources(f"logsum-{precision}-{dim}", logsum, constants)
            tile = pairs.tiles(dim, backward=True)
            yield resources(f"gradient-{precision}-{dim}", gradient, common | tile | both)


def of_attention() -> Iterator[str]:
    """Heads of every width that has tiles of its own, both kinds of half precision."""
    names = ("forward", "query", "key", "value")
    for half, widths in (("fp16", (16, 64, 128)), ("bf16", (128,))):
        for width in widths:
            for name, kernel in zip(names, attention_kernels.kernels(), strict=True):
                tile = attention.tiles(width, backward=name != "forward")
                yield resources(f"{name}-{half}-{width}", kernel, tile, half)


if __name__ == "__main__":
    for line in {"pairs": of_pairs, "attention": of_attention}[sys.argv[1]]():
        print(line, flush=True)
