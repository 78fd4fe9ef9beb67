"""Repeats the committed results with their recorded commands and says whether they still stand.

    python -m experiments.reproduce --list
    python -m experiments.reproduce --quick
    python -m experiments.reproduce --full --data ../shared/data
    python -m experiments.reproduce --only pamc_digits fastrp_smoke

``--quick`` takes the files whose recorded runs took at most a minute together, pretraining of the
models that they read included, ``--full`` all of them, and then fills the tables and draws the
pictures of the documents. The same command continues an interrupted one. What
counts as reproduced stands in ``experiments/_harness/comparison.py``.

Exit status: 0 when every chosen figure was reproduced, 1 when one was not or a run failed, 2 when
none was wrong but data or packages were missing.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from graphlab._console import INTERRUPTED
from graphlab._io import check_writable, read_json, write_json

from .._harness.cli import parse_options
from .._harness.environment import git_commit
from .._harness.repeat import (
    CHECKOUT,
    RESULTS,
    ROOT,
    Outcome,
    Recorded,
    Runner,
    by_subprocess,
    committed,
    repeat,
)
from .._harness.results import aligned
from .._harness.scripts import all_scripts

QUICK_SECONDS = 60.0


@dataclass(frozen=True)
class Options:
    """Options of the command.

    Attributes:
        quick (bool): Repeat what took at most a minute.
        full (bool): Repeat everything, then renew tables and pictures of the documents.
        only (tuple[str, ...]): Repeat these files, named without their ending.
        list (bool): Print the files, and the presets without one, and stop.
        data (Path, optional): Folder with all data sets (default: GRAPHLAB_TEST_DATA, else
            ../shared/data).
        out (Path, optional): Folder of the runs (default: one per commit below runs/reproduce).
        accept (bool): Put repeated results instead of the committed ones.
    """

    quick: bool = False
    full: bool = False
    only: tuple[str, ...] = ()
    list: bool = False
    data: Path | None = None
    out: Path | None = None
    accept: bool = False


def chosen(options: Options, files: Sequence[Recorded]) -> list[Recorded]:
    """The files to repeat.

    Raises:
        ValueError: If nothing, or not exactly one way to choose, was given, or a name is unknown.
    """
    if options.quick + options.full + bool(options.only) != 1:
        raise ValueError("give one of --quick, --full and --only NAME ...")
    unknown = set(options.only) - {file.name for file in files}
    if unknown:
        names = ", ".join(file.name for file in files)
        raise ValueError(f"only must be among {names}, got {', '.join(sorted(unknown))}")
    if options.only:
        return [file for file in files if file.name in options.only]
    return [file for file in files if options.full or is_quick(file, files)]


def is_quick(file: Recorded, files: Sequence[Recorded]) -> bool:
    """Whether a file and the pretraining of the models that it reads took at most a minute."""
    return sum(needed.seconds for needed in (file, *file.needs(files))) <= QUICK_SECONDS


def data_folder(named: Path | None) -> Path | None:
    """The folder with all data sets, or None where there is none."""
    if named is not None:
        if not named.is_dir():
            raise ValueError(f"data must be a folder, got {named}")
        return named.resolve()
    fallback = Path(os.environ.get("GRAPHLAB_TEST_DATA") or ROOT.parent / "shared" / "data")
    return fallback.resolve() if fallback.is_dir() else None


def listing(files: Sequence[Recorded]) -> str:
    """The committed files with their cost, and the presets that have none."""
    rows = [
        {
            "file": file.name,
            "seeds": str(len(file.content["seeds"])),
            "seconds": f"{file.seconds:.0f}",
            "quick": "yes" if is_quick(file, files) else "",
            "command": file.content["command"],
        }
        for file in files
    ]
    lines = aligned(rows)
    for script, module in all_scripts().items():
        have = {file.content["preset"] for file in files if file.content["script"] == script}
        without = [preset for preset in module.PRESETS if preset not in have]
        if without:
            lines.append(f"no committed result, {script}: {', '.join(without)}")
    return "\n".join(lines)


def report(outcomes: Sequence[Outcome], *, everything: bool) -> str:
    """The final table: all figures, or those that were not reproduced and the closest call."""
    rows = []
    for outcome in outcomes:
        lines = outcome.lines
        if not everything:
            closest = sorted(lines, key=lambda line: line.difference - line.tolerance)[-1:]
            lines = outcome.outside or closest
        rows += [{"file": outcome.recorded.name, **line.cells()} for line in lines]
    text = aligned(rows) if rows else []
    text += [f"{o.recorded.name}: {o}" for o in outcomes if not o.good]
    good = sum(outcome.good for outcome in outcomes)
    missing = sum(outcome.status == "not run" for outcome in outcomes)
    text.append(f"{good} of {len(outcomes)} files reproduced, {missing} not run")
    return "\n".join(text)


def status(outcomes: Sequence[Outcome]) -> int:
    """The exit status."""
    if any(outcome.status != "not run" and not outcome.good for outcome in outcomes):
        return 1
    return 2 if any(outcome.status == "not run" for outcome in outcomes) else 0


def accept(outcome: Outcome, out: Path, folder: Path = RESULTS) -> None:
    """Replace a committed file; command and paths stay those that others can use."""
    if outcome.status == "repeated" and not outcome.reason:
        old = outcome.recorded
        kept = {key: old.content[key] for key in ("command", "config")}
        write_json(folder / f"{old.name}.json", {**read_json(old.results(out)), **kept})


def renew_pages() -> None:
    """Fill the tables and draw the pictures of the documents from the committed files."""
    for path in (ROOT / "docs" / "tables.py", *sorted((ROOT / "docs").glob("*_picture.py"))):
        command = [sys.executable, str(path)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        last = (done.stderr.strip().splitlines() or ["done"])[-1]
        print(f"docs/{path.name}: {'done' if done.returncode == 0 else last}")


def repeat_all(
    files: Sequence[Recorded], out: Path, options: Options, run: Runner
) -> list[Outcome]:
    """Repeat files one after the other, a line for each."""
    data, outcomes = data_folder(options.data), []
    for number, file in enumerate(files, 1):
        begin = time.perf_counter()
        print(f"[{number}/{len(files)}] {file.name}", end=" ", flush=True)
        outcome = repeat(file, out, data, run)
        print(f"{outcome} ({time.perf_counter() - begin:.0f} s)", flush=True)
        outcomes.append(outcome)
        if options.accept:
            accept(outcome, out)
    return outcomes


def main(arguments: Sequence[str] | None = None, run: Runner = by_subprocess) -> int:
    """Repeat results from the command line; see the top for the exit status."""
    options = parse_options(Options, arguments)
    files = committed()
    if options.list:
        print(listing(files))
        return 0
    try:
        if options.accept and not CHECKOUT:
            raise ValueError("--accept needs a checkout, whose files it replaces")
        files = chosen(options, files)
        # A folder per commit: what other code has finished must not be taken for this one's.
        out = (options.out or Path("runs/reproduce") / (git_commit() or "no_commit")).resolve()
        check_writable(out, "--out", folder=True)
        outcomes = repeat_all(files, out, options, run)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; the same command continues", file=sys.stderr)
        return INTERRUPTED
    (out / "reproduced.txt").write_text(report(outcomes, everything=True) + "\n", encoding="utf-8")
    print(report(outcomes, everything=False))
    print(f"all figures: {out / 'reproduced.txt'}")
    if options.full and CHECKOUT:
        renew_pages()
    return status(outcomes)
