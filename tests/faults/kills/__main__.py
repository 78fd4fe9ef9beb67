"""Kill writers and commands with SIGKILL at random moments, with a fixed seed, and count losses.

    python -m tests.faults.kills --kills 50              all writers, then all commands
    python -m tests.faults.kills --part writers          every writer of files
    python -m tests.faults.kills --part commands         the smoke preset of every script
    python -m tests.faults.kills --only pamc --kills 5   one of them
    python -m tests.faults.kills --record FILE           skips what FILE holds, and adds to it

A writer must leave a whole version, at least as new as the last one. A command that is started
again must end with the files of an uninterrupted run, bit for bit (times left out). Ends with 1 if
anything is lost.
"""

from __future__ import annotations

import os
import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path

from experiments._harness.scripts import command_modules
from tests.faults.kills.commands import SCRIPTS, kill_command
from tests.faults.kills.processes import kill_writers
from tests.faults.kills.writers import WRITERS
from tests.faults.record import Record


def kill_all_writers(kills: int, seed: int, only: list[str], record: Record) -> None:
    """Kill the writers of files that the record does not hold yet."""
    for name, writer in WRITERS.items():
        if (only and name not in only) or record.holds("writers", name, seed, kills=kills):
            continue
        inside, lost = 0, 0
        with tempfile.TemporaryDirectory() as folder:
            try:
                inside = kill_writers(writer, Path(folder), kills, seed)
            except AssertionError as error:
                lost = 1
                print(f"{name}: LOST {error}", flush=True)
        record.add("writers", name, seed, kills=kills, inside=inside, lost=lost)
        print(f"{name}: {kills} kills, {inside} inside a write, {lost} lost", flush=True)


def kill_all_commands(kills: int, seed: int, only: list[str], record: Record) -> None:
    """Kill the scripts that the record does not hold yet."""
    modules = command_modules()
    for name in SCRIPTS:
        if (only and name not in only) or record.holds("commands", name, seed, kills=kills):
            continue
        arguments = ["--preset", "smoke", "--device", "cpu"]
        with tempfile.TemporaryDirectory() as folder:
            report = kill_command(modules[name], arguments, Path(folder), kills, seed)
        lost = report.lost or []
        record.add(
            "commands", name, seed, kills=report.kills, resumed=report.resumed, ends=report.ends,
            lost=len(lost),
        )  # fmt: skip
        print(
            f"{name}: {report.kills} kills of a run of {report.seconds:.1f} s, {report.resumed} "
            f"attempts resumed, {report.ends} ends, {len(lost)} lost {' '.join(lost)[:300]}",
            flush=True,
        )


def main() -> int:
    """Kill, print a line each, and count."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50, help="kills of each")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--part", choices=("writers", "commands", "all"), default="all")
    parser.add_argument("--only", nargs="*", default=[], help="names of writers or scripts")
    parser.add_argument("--record", type=Path, help="file of counts to add to")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    record = Record(options.record)
    for part, run in (("writers", kill_all_writers), ("commands", kill_all_commands)):
        if options.part in (part, "all"):
            run(options.kills, options.seed, options.only, record)
    print(f"{record.total('kills')} kills, {record.total('lost')} lost")
    return 1 if record.total("lost") else 0


if __name__ == "__main__":
    sys.exit(main())
