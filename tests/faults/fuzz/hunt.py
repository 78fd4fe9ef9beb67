"""One reader under damaged files: what it raises, how long it takes, how much it allocates."""

from __future__ import annotations

import random
import resource
import signal
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from tests.faults.fuzz.readers import READERS, Reader

#: CPU seconds that one read of a small file may take.
MOST_SECONDS = 10.0
#: Address space that reading a small file may add.
MOST_BYTES = 3 << 30
_MEMORY = Path("/dev/shm")


class Hang(BaseException):
    """Raised by the timer in the middle of a reader."""


@dataclass
class Find:
    """A read that ended as it must not.

    Attributes:
        problem (str): What happened.
        file (str): Name of the damaged file.
        data (bytes): Its bytes.
        trace (str): Where.
    """

    problem: str
    file: str
    data: bytes
    trace: str = ""


@dataclass
class Hunt:
    """Counts of a reader.

    Attributes:
        runs (int): Reads.
        refused (int): Those that raised what they may.
        seconds (float): CPU time.
        finds (dict[str, Find]): The first of every kind.
    """

    runs: int = 0
    refused: int = 0
    seconds: float = 0.0
    finds: dict[str, Find] = field(default_factory=dict)


def hunt(
    name: str, *, seconds: float | None = None, runs: int | None = None, seed: int = 0
) -> Hunt:
    """Damage the files of a reader until the time or the number of runs is over."""
    reader, draw, result = READERS[name], random.Random(f"{seed} {name}"), Hunt()
    begin = time.process_time()
    with tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as at:
        folder = Path(at) / "case"
        folder.mkdir()
        whole = whole_files(reader, folder)
        known = [name for name in whole if name not in reader.skip]
        others = list(whole.values())
        with limited():
            while (runs is None or result.runs < runs) and (
                seconds is None or time.process_time() - begin < seconds
            ):
                file = draw.choice(known)
                data = reader.mutate(whole[file], draw, others)
                find = attempt(reader, folder, whole | {file: data})
                result.runs += 1
                if find is None:
                    continue
                if find.problem == "refused":
                    result.refused += 1
                    continue
                find.file, find.data = file, data
                result.finds.setdefault(_kind(find), find)
    result.seconds = time.process_time() - begin
    return result


def whole_files(reader: Reader, folder: Path) -> dict[str, bytes]:
    reader.files(folder)
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    whole = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reader.read(folder)  # whole files must be read, or nothing is tested
    return whole


def attempt(reader: Reader, folder: Path, files: dict[str, bytes]) -> Find | None:
    """Read some files: None if that works, a find otherwise, ``"refused"`` if it may."""
    for path in folder.rglob("*"):
        path.unlink() if path.is_file() else None
    for name, data in files.items():
        (folder / name).write_bytes(data)
    try:
        with warnings.catch_warnings(), timed():
            warnings.simplefilter("ignore", UserWarning)
            warnings.simplefilter("error", RuntimeWarning)
            warnings.simplefilter("ignore", ResourceWarning)
            reader.read(folder)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        return _judged(reader, folder, error)
    return None


def _judged(reader: Reader, folder: Path, error: BaseException) -> Find:
    trace = traceback.format_exc()
    if isinstance(error, Hang):
        return Find(f"took more than {MOST_SECONDS} s", "", b"", trace)
    if not isinstance(error, reader.allowed):
        return Find(f"{type(error).__name__}: {error!s:.200}", "", b"", trace)
    words = str(error)
    if not any(name in words for name in (str(folder), *reader.names)):
        return Find(f"names no file: {type(error).__name__}: {words:.200}", "", b"", trace)
    if len(words) > 20_000:
        return Find(f"a long message: {len(words)} characters", "", b"", trace)
    return Find("refused", "", b"")


def _kind(find: Find) -> str:
    """Finds of one place are one."""
    frames = [line for line in find.trace.splitlines() if "graphlab/" in line and "File" in line]
    return f"{find.problem.partition(':')[0]} at {frames[-1].strip() if frames else '?'}"


@contextmanager
def timed() -> Iterator[None]:
    """Interrupt a block that computes for too long."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Hang

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, MOST_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@contextmanager
def limited() -> Iterator[None]:
    """Refuse large allocations: what a small file asks for in gigabytes is a find."""
    status = Path("/proc/self/statm")
    before = resource.getrlimit(resource.RLIMIT_AS)
    if status.is_file():
        now = int(status.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + MOST_BYTES, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
