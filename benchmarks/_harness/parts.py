"""Parts of a benchmark script: options, rows on the screen, the result file."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch

from benchmarks._harness.rows import Row, show
from benchmarks._harness.timing import threads
from experiments._harness.environment import command_line, environment, git_commit
from graphlab._console import open_console
from graphlab._io import check_writable, user_path, write_json

__all__ = ["RESULTS", "check_results", "part_parser", "run_parts", "write_results"]

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results"


def write_results(
    path: str | Path,
    name: str,
    rows: Sequence[Mapping[str, Any]],
    command: str | Sequence[str],
    seeds: Sequence[int],
) -> None:
    """Write the measurements with everything needed to judge and to repeat them.

    Args:
        path (str | Path): JSON file, written atomically.
        name (str): Name of the benchmark module, such as ``"pamc"``.
        rows (Sequence[Mapping[str, Any]]): One dict of JSON values per measurement.
        command (str | Sequence[str]): The whole command, or the arguments after ``python -m
            benchmarks.<name>``.
        seeds (Sequence[int]): Seeds of the inputs.

    Raises:
        ValueError: If a value is not finite.
    """
    text = command if isinstance(command, str) else command_line(f"benchmarks.{name}", command)
    content = {
        "benchmark": name,
        "rows": [dict(row) for row in rows],
        "command": text,
        "seeds": list(seeds),
        "commit": git_commit(),
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        **environment(),
    }
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_json(target, content)


def part_parser(
    doc: str | None,
    parts: Iterable[str],
    count: int | None = None,
    *,
    repeats: int | None = None,
    source: str | None = None,
) -> ArgumentParser:
    """Options of a benchmark script: its parts, threads, where results go.

    Args:
        doc (str, optional): The script's docstring, which its help shows.
        parts (Iterable[str]): Names of its parts.
        count (int, optional): Threads when none are named (default: torch's own number).
        repeats (int, optional): Adds ``--repeats`` with this default.
        source (str, optional): Adds ``--source`` with this default, relative to the repository.

    Returns:
        ArgumentParser: To which a script may add.
    """
    open_console()
    parser = ArgumentParser(description=doc)
    parser.add_argument(
        "--only", nargs="*", choices=list(parts), default=list(parts), help="parts to run"
    )
    parser.add_argument(
        "--threads", type=int, default=count or torch.get_num_threads(), help="threads of torch"
    )
    parser.add_argument("--results", type=user_path, default=None, help="file to write")
    if repeats is not None:
        parser.add_argument("--repeats", type=int, default=repeats, help="timed rounds")
    if source is not None:
        parser.add_argument(
            "--source", type=user_path, default=ROOT / source, help="folder of the real data"
        )
    return parser


def check_results(path: Path) -> None:
    """Leave with a message if results cannot be written: before they are measured."""
    try:
        check_writable(path, "--results")
    except OSError as error:
        sys.exit(str(error))


def run_parts(
    system: str,
    parts: Mapping[str, Callable[..., list[Row]]],
    options: Namespace,
    *arguments: Any,
    seeds: list[int],
    default: Sequence[str] | None = None,
    suffix: str = "",
) -> None:
    """Run the chosen parts, print their rows and write them.

    Args:
        system (str): Name of the benchmark and of its result file.
        parts (Mapping[str, Callable[..., list[Row]]]): Functions from ``arguments`` to rows.
        options (Namespace): What :func:`part_parser` read.
        *arguments (Any): Passed to every part.
        seeds (list[int]): Written into the file.
        default (Sequence[str], optional): Parts that are run when none is named; all of them if
            missing.
        suffix (str): Appended to the name of the file.

    What was measured before a part fails or Ctrl-C is written to a file ``..._unfinished.json``.
    """
    everything = set(options.only) == set(parts if default is None else default)
    name = system if everything else "_".join([system, *options.only])
    path = options.results or RESULTS / f"{name}{suffix}.json"
    check_results(path)
    rows: list[Row] = []
    try:
        with threads(options.threads):
            for part in options.only:
                measured = [{"threads": options.threads, **row} for row in parts[part](*arguments)]
                show(measured)
                rows += measured
    except BaseException:
        if rows:
            kept = path.with_name(f"{path.stem}_unfinished.json")
            write_results(kept, system, rows, sys.argv[1:], seeds)
        raise
    write_results(path, system, rows, sys.argv[1:], seeds)
