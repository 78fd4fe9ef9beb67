"""Damage the files of every reader, with a fixed seed, and count what must not happen.

    python -m tests.faults.fuzz --seconds 600          ten minutes of CPU each
    python -m tests.faults.fuzz --only HIF --seed 3    one reader
    python -m tests.faults.fuzz --list                 their names
    python -m tests.faults.fuzz --record FILE          skips what FILE holds, and adds to it

A reader may refuse a file by the exceptions in its docstring, with a message that names the file.
Another exception, a message without a name, ten seconds, three gigabytes or a crash is a find; it
is written to ``--out`` and the command ends with 1. Every reader runs in a process of its own.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from tests.faults.fuzz.hunt import Hunt, hunt
from tests.faults.fuzz.readers import READERS
from tests.faults.record import Record


def _work(name: str, seconds: float, seed: int, sender: Connection) -> None:
    sender.send(hunt(name, seconds=seconds, seed=seed))


def _apart(name: str, seconds: float, seed: int) -> Hunt | int:
    """The counts, or the exit status of a process that died."""
    context = get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(name, seconds, seed, sender))
    process.start()
    sender.close()
    try:
        result: Hunt | int = receiver.recv()
    except EOFError:
        process.join()
        result = process.exitcode or 1
    process.join()
    return result


def main() -> int:
    """Hunt, print a line per reader, and save the finds."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="CPU seconds per reader")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", default=list(READERS), help="names of readers")
    parser.add_argument("--out", type=Path, default=Path("runs/fuzz"), help="folder for finds")
    parser.add_argument("--record", type=Path, help="file of counts to add to")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    if options.list:
        print("\n".join(READERS))
        return 0
    died = 0
    record = Record(options.record)
    for name in options.only:
        if record.holds("readers", name, options.seed, seconds=options.seconds):
            continue
        result = _apart(name, options.seconds, options.seed)
        if isinstance(result, int):
            print(f"{name}: the process died with {result}", flush=True)
            died += 1
            continue
        print(
            f"{name}: {result.runs} files, {result.refused} refused, {len(result.finds)} finds, "
            f"{result.seconds:.0f} s",
            flush=True,
        )
        record.add(
            "readers", name, options.seed, seconds=round(result.seconds, 1), files=result.runs,
            refused=result.refused, finds=len(result.finds),
        )  # fmt: skip
        for number, (kind, find) in enumerate(result.finds.items()):
            options.out.mkdir(parents=True, exist_ok=True)
            base = options.out / f"{name.replace(' ', '_').replace(',', '')}-{number}"
            base.with_suffix(".bin").write_bytes(find.data)
            base.with_suffix(".txt").write_text(
                f"{kind}\n{find.file}\n{find.problem}\n\n{find.trace}", errors="replace"
            )
            where = kind.rpartition(" at ")[2]
            print(f"    {find.problem.splitlines()[0]!a:.150}  [{find.file}] {where:.120}")
    finds = died + record.total("finds")
    print(f"{record.total('files')} files, {finds} finds, {record.total('seconds'):.0f} s of CPU")
    return 1 if finds else 0


if __name__ == "__main__":
    sys.exit(main())
