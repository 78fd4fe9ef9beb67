"""Reads what ``ptxas -v`` says of every kernel and holds it against ``resources.json``.

A kernel must not spill, and must leave room for as many blocks on a multiprocessor as the file
promises: exact registers differ between compilers, blocks are what speed hangs on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

#: Threads per block of every kernel (kThreads in csrc/cuda/common.cuh).
THREADS = 256
WARPS = THREADS // 32
REGISTERS = 65536  # of a multiprocessor, sm_80 and later
REGISTER_UNIT = 256  # registers are given to a warp in this unit
WARPS_PER_MULTIPROCESSOR = 64
#: Shared memory of a multiprocessor, and what the system takes per block.
SHARED = {"sm_80": 164 * 1024, "sm_90": 228 * 1024}
SHARED_PER_BLOCK = 1024

_ENTRY = re.compile(r"Compiling entry function '(\S+)' for '(\w+)'")
_STACK = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
_USED = re.compile(r"Used (\d+) registers")
_SHARED = re.compile(r"(\d+) bytes smem")
_TYPES = {"f": "float", "d": "double"}


@dataclass(frozen=True)
class Kernel:
    """Resources of one kernel on one architecture; bytes are per thread or, shared, per block."""

    name: str
    arch: str
    registers: int
    shared: int
    stack: int
    spills: int

    @property
    def blocks(self) -> int:
        """Blocks of 256 threads that fit a multiprocessor at a time."""
        per_warp = -(-self.registers * 32 // REGISTER_UNIT) * REGISTER_UNIT
        most = min(REGISTERS // (per_warp * WARPS), WARPS_PER_MULTIPROCESSOR // WARPS)
        room = SHARED.get(self.arch, min(SHARED.values()))
        return min(most, room // (self.shared + SHARED_PER_BLOCK))


def short_name(symbol: str) -> str:
    """Readable form of a mangled kernel, such as ``edge_sum_kernel<float, 4, 1>``."""
    for end in (match.end() for match in re.finditer("_kernel(?=[IE])", symbol)):
        # A mangled name follows its length; digits before it may belong to a file's hash.
        for start in range(end - len("_kernel"), 1, -1):
            if symbol[:start].endswith(str(end - start)):
                return symbol[start:end] + _template(symbol[end:])
    return symbol


def _template(rest: str) -> str:
    match = re.match(r"I(.*?)EEv", rest)
    if match is None:
        return ""
    # A type of our own comes as NS0_, the length of its name and the name.
    found = re.findall(r"Li(\d+)E|NS\d*_\d+([A-Za-z]*[a-z])E|\d(BFloat16)|([fd])", match[1] + "E")
    words = (number or own or kind or _TYPES[letter] for number, own, kind, letter in found)
    return f"<{', '.join(words)}>"


def parse(text: str) -> list[Kernel]:
    """Kernels in the order of a compiler's report.

    Raises:
        ValueError: If a kernel is announced and its registers are not told.
    """
    kernels, symbol, arch, frame, spills = [], None, "", 0, 0
    for line in text.splitlines():
        if entry := _ENTRY.search(line):
            if symbol is not None:
                raise ValueError(f"ptxas did not tell the registers of {short_name(symbol)}")
            (symbol, arch), frame, spills = entry.groups(), 0, 0
        elif stack := _STACK.search(line):
            frame, spills = int(stack[1]), int(stack[2]) + int(stack[3])
        elif (used := _USED.search(line)) and symbol is not None:
            shared = _SHARED.search(line)
            size = int(shared[1]) if shared else 0
            kernels.append(Kernel(short_name(symbol), arch, int(used[1]), size, frame, spills))
            symbol = None
    if symbol is not None:
        raise ValueError(f"ptxas did not tell the registers of {short_name(symbol)}")
    return kernels


def table(kernels: Iterable[Kernel]) -> dict[str, dict[str, dict[str, int]]]:
    """The content of ``resources.json``: by kernel and architecture."""
    found: dict[str, dict[str, dict[str, int]]] = {}
    # Files that share a kernel compile it each: the hungriest one counts.
    for k in sorted(kernels, key=lambda k: (k.name, k.arch, k.registers)):
        row = {"registers": k.registers, "shared": k.shared, "stack": k.stack, "blocks": k.blocks}
        found.setdefault(k.name, {})[k.arch] = row
    return found


def problems(
    kernels: Iterable[Kernel], promised: Mapping[str, Mapping[str, Mapping[str, int]]]
) -> list[str]:
    """What is wrong, in sentences; empty when all is well.

    Architectures that the promise does not name are checked for spills alone.
    """
    kernels, found = list(kernels), []
    known = {arch for row in promised.values() for arch in row}
    for k in kernels:
        where = f"{k.name} on {k.arch}"
        if k.spills:
            found.append(f"{where} spills {k.spills} bytes of registers")
        if k.arch not in known:
            continue
        row = promised.get(k.name, {}).get(k.arch)
        if row is None:
            found.append(f"{where} is not in resources.json: write it with check_cuda --write")
        elif k.blocks < row["blocks"]:
            found.append(
                f"{where} leaves room for {k.blocks} blocks, {row['blocks']} are promised "
                f"({k.registers} registers, {k.shared} bytes of shared memory)"
            )
        elif k.stack > row["stack"]:
            found.append(f"{where} takes {k.stack} bytes of stack, {row['stack']} are promised")
    names = {k.name for k in kernels}
    found += [f"{name} is in resources.json only" for name in promised if name not in names]
    return found


def read_reports(folder: Path) -> list[Kernel]:
    """Kernels of every report in a folder."""
    return [
        kernel
        for path in sorted(folder.glob("*.ptxas"))
        for kernel in parse(path.read_text(encoding="utf-8"))
    ]


def write_table(kernels: Iterable[Kernel], path: Path) -> None:
    """Write ``resources.json``, one line per kernel."""
    lines = [f"{json.dumps(name)}: {json.dumps(row)}" for name, row in table(kernels).items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
