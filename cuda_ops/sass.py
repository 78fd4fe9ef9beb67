"""Counts how many loads of a kernel are on their way at a time; ``loads.json`` is the promise.

A sum over the rows that entries name waits for memory, not for arithmetic: a warp that asks for
the next row only after it has used the last one takes twice as long as one that asks for two.
Nothing in the source shows what the compiler makes of that; the machine code does. Within each
innermost loop, loads are counted that are issued before the first use of one of their results.
Instructions are taken in the order of the code, as if nothing branched within a loop.

The disassembler comes with CUDA, and with Triton.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ptxas import short_name

#: Families whose kernels gather rows; an object each.
FAMILIES = ("edge", "propagate", "relational", "interval", "budget")
#: More than so many are not promised: they hide the latency, and compilers differ in the rest.
MOST = 8

_FUNCTION = re.compile(r"Function : (\S+)")
_ARCH = re.compile(r"code for (sm_\w+)")
_LINE = re.compile(r"\s+/\*([0-9a-f]{4,})\*/\s+(.*?) ?;")
_PREDICATE = re.compile(r"^@!?U?P\w+ ")
_BACK = re.compile(r"^BRA\S*\s.*?(0x[0-9a-f]+)")
_REGISTER = re.compile(r"\bR(\d+)\b")
_WORDS = {"64": 2, "128": 4}

Code = list[tuple[int, str]]  # addresses and instructions without their predicates
Table = dict[str, dict[str, int]]


def find_disassembler() -> Path | None:
    """``cuobjdump`` of CUDA or of Triton, beside which ``nvdisasm`` lies."""
    home, triton = os.environ.get("CUDA_HOME"), importlib.util.find_spec("triton")
    folders = [os.environ.get("PATH", ""), f"{home}/bin" if home else ""]
    if triton is not None and triton.origin:
        folders.append(str(Path(triton.origin).parent / "backends" / "nvidia" / "bin"))
    found = shutil.which("cuobjdump", path=os.pathsep.join(filter(None, folders)))
    return Path(found) if found else None


def disassemble(tool: Path, target: Path) -> str:
    """Machine code of all architectures in an object."""
    path = os.pathsep.join([str(tool.parent), os.environ.get("PATH", "")])
    done = subprocess.run(  # noqa: S603 (a tool of the compiler's makers, on our own object)
        [str(tool), "-sass", str(target)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PATH": path},
    )
    return done.stdout


def functions(text: str) -> list[tuple[str, str, Code]]:
    """Symbol, architecture and code of every kernel."""
    kernels: list[tuple[str, str, Code]] = []
    arch, code = "", Code()
    for line in text.splitlines():
        if found := _ARCH.search(line):
            arch = found[1]
        elif found := _FUNCTION.search(line):
            code = []
            kernels.append((found[1], arch, code))
        elif found := _LINE.match(line):
            code.append((int(found[1], 16), _PREDICATE.sub("", found[2])))
    return kernels


def loops(code: Code) -> Iterator[Code]:
    """Bodies of innermost loops: from where a branch leads back to, up to the branch."""
    jumps = ((address, _BACK.match(text)) for address, text in code)
    spans = [(int(found[1], 16), last) for last, found in jumps if found]
    spans = [(first, last) for first, last in spans if first <= last]
    for first, last in spans:
        inside = [(a, b) for a, b in spans if first <= a and b <= last and (a, b) != (first, last)]
        if not inside:
            yield [line for line in code if first <= line[0] <= last]


def in_flight(body: Code) -> int:
    """Most loads from memory that are issued before one of their results is used."""
    pending: set[str] = set()
    count = most = 0
    for _, text in body:
        operation, _, operands = text.partition(" ")
        registers = _REGISTER.findall(operands)
        is_store = operation.startswith(("ST", "RED"))
        used = set(registers if is_store else registers[1:])
        if used & pending:
            pending, count = set(), 0
        if operation.startswith("LDG") and registers:
            words = max((_WORDS.get(part, 1) for part in operation.split(".")), default=1)
            first = int(registers[0])
            pending |= {str(number) for number in range(first, first + words)}
            count += 1
            most = max(most, count)
    return most


def table(texts: Iterable[str]) -> Table:
    """Loads in flight by kernel and architecture, of kernels that load within a loop."""
    found: Table = {}
    for text in texts:
        for symbol, arch, code in functions(text):
            loads = max(map(in_flight, loops(code)), default=0)
            if loads > 0:
                kernel = found.setdefault(short_name(symbol), {})
                # Files that share a kernel compile it each.
                kernel[arch] = min(loads, MOST, kernel.get(arch, MOST))
    return found


def problems(found: Table, promised: Mapping[str, Mapping[str, int]]) -> list[str]:
    """What is wrong, in sentences; empty when all is well.

    Architectures that the promise does not name are not looked at.
    """
    wrong = []
    known = {arch for row in promised.values() for arch in row}
    for kernel, row in sorted(found.items()):
        for arch, loads in sorted(row.items()):
            least = promised.get(kernel, {}).get(arch)
            if least is None and arch in known:
                wrong.append(f"{kernel} on {arch} is not in loads.json: check_cuda --write")
            elif least is not None and loads < least:
                wrong.append(f"{kernel} on {arch} has {loads} loads in flight, not {least}")
    return wrong


def read_objects(tool: Path, folder: Path) -> Table:
    """The table of all objects in a folder that gather rows."""
    paths = [folder / f"{family}.o" for family in FAMILIES]
    return table(disassemble(tool, path) for path in paths if path.is_file())


def write_table(found: Table, path: Path) -> None:
    """Write ``loads.json``, one line per kernel."""
    lines = [f"{json.dumps(name)}: {json.dumps(found[name])}" for name in sorted(found)]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
