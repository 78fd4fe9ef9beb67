"""Every system once, on data that shows what it is for, offline; one report at the end.

python -m experiments.demo --report runs/demo/report.html
python -m experiments.demo --parts pamc pot
"""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from graphlab._io import check_writable

from .._harness.cli import parse_options
from .._harness.environment import jsonable
from .._harness.names import hint
from .._harness.report import Entry, Report, joint_report
from .._harness.results import Results, aligned
from .._harness.runner import execute
from .._harness.scripts import invocation
from .part import NO_LLM, Part
from .parts import PARTS

_TITLE = "graphlab: every system in one run"
_SOME = "graphlab: some of the systems"
_OPENING = (
    "Everything below was computed now, on this machine, from data that comes with graphlab or the "
    "packages it needs, or that was drawn (which is said then). One to three seeds: the numbers "
    "show what the systems are for and what they stand beside, not how good they are on the graphs "
    "of their papers. Committed results are linked in the README."
    "\n\nNo network was used, and " + NO_LLM + "."
)


@dataclass(frozen=True)
class Options:
    """Options of the demo.

    Attributes:
        parts (tuple[str, ...]): Which systems; all when empty.
        size (str): ``full``, or ``toy`` for a test of the machinery.
        seed (int): Seed of everything.
        out (Path): Folder of the runs.
        report (Path): The page to write.
    """

    parts: tuple[str, ...] = ()
    size: str = "full"
    seed: int = 0
    out: Path = Path("runs/demo")
    report: Path = Path("runs/demo/report.html")


def chosen(names: Sequence[str]) -> tuple[Part, ...]:
    """Parts by name, in the order of the demo.

    Raises:
        ValueError: If a name is unknown.
    """
    known = {part.name: part for part in PARTS}
    unknown = sorted(set(names) - set(known))
    if unknown:
        meant = hint(unknown[0], known)
        names_ = ", ".join(known)
        raise ValueError(f"parts must be among {names_}, got {', '.join(unknown)}{meant}")
    return tuple(part for part in PARTS if not names or part.name in names)


def run_part(part: Part, options: Options) -> Results:
    """Run one part from the start; a failure is part of its results, and so is what is missing."""
    if options.size not in ("full", "toy"):
        raise ValueError(f"size must be full or toy, got {options.size!r}")
    config = part.config if options.size == "full" else part.toy
    missing = part.missing() if options.size == "full" else ""
    if missing:
        settings = jsonable(dataclasses.asdict(config))
        gaps = {"everything": missing} | dict(part.left_out)
        return Results(part.name, options.size, settings, settings.get("protocol"), not_run=gaps)
    results = execute(
        part.run,
        config,
        seeds=range(options.seed, options.seed + (1 if options.size == "toy" else part.seeds)),
        preset=options.size,
        script=part.name,
        out=options.out,
        device="cpu",
        resume=False,
    )
    results.not_run.update(part.left_out)
    results.command = f"{invocation(__name__)} --parts {part.name}"
    return results


def run_parts(parts: Sequence[Part], options: Options) -> tuple[list[Results], Report]:
    """Run all parts and make the page."""
    every, entries = [], []
    for number, part in enumerate(parts, 1):
        print(f"[{number}/{len(parts)}] {part.title} on {part.data}", file=sys.stderr, flush=True)
        results = run_part(part, options)
        every.append(results)
        missing = ", ".join(what for what, why in part.left_out.items() if NO_LLM in why)
        note = f"Left out: {missing}; {NO_LLM}." if missing else ""
        line = part.summary(results)
        entries.append(Entry(part.title, part.data, part.description, line, results, note))
    title = _TITLE if len(entries) == len(PARTS) else _SOME
    return every, joint_report(title, _OPENING, entries)


def table(lines: Sequence[dict[str, str]]) -> list[str]:
    """The summary as text: a line of numbers per system, and below it what they mean."""
    said = "what it means"
    cells = [{key: cell for key, cell in line.items() if key != said} for line in lines]
    header, *rows = aligned(cells)
    text = [header]
    for row, line in zip(rows, lines, strict=True):
        text += [row, f"    {line[said]}"] if said in line else [row]
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo from its command line; 1 when a part failed, 2 when it could not start."""
    options = parse_options(Options, arguments)
    try:
        parts = chosen(options.parts)
        check_writable(options.out, "--out", folder=True)
        check_writable(options.report, "--report")
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    began = time.perf_counter()
    every, page = run_parts(parts, options)
    page.write(options.report)
    print(
        "\n".join(
            table([part.summary(results) for part, results in zip(parts, every, strict=True)])
        )
    )
    print(f"{time.perf_counter() - began:.0f} s; report: {options.report}")
    return 1 if any(results.errors for results in every) else 0
