"""Disks that are full, folders that cannot be written, two writers at once, clocks that jump."""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from graphlab.tag.llm._retry_after import parse_retry_after
from graphlab.tag.llm.retry import Retry
from tests._data import REPOSITORY
from tests.faults.kills.writers import SIZE, WRITERS, Writer

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs limits and permissions of POSIX")

NOBODY = 65534
#: In the fast lane; the others take the same paths.
FEW = ("arrays", "cache of replies")
ALL = [
    *(pytest.param(WRITERS[name], id=name) for name in FEW),
    *(
        pytest.param(writer, id=name, marks=pytest.mark.slow)
        for name, writer in WRITERS.items()
        if name not in FEW
    ),
]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may read: those of pytest are the owner's alone."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def apart(target: Callable[..., None], *arguments: object) -> object:
    """What a function sends from a process of its own."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["torch", "tests.faults.test_disk"])
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=target, args=(*arguments, sender))
    process.start()
    sender.close()
    found = receiver.recv()
    process.join()
    assert process.exitcode == 0
    return found


def attempted(call: Callable[..., object], *arguments: object) -> tuple[str, object]:
    try:
        return "done", call(*arguments)
    except OSError as error:
        return "OSError", str(error)
    except BaseException as error:
        return type(error).__name__, str(error)


def write_within(writer: Writer, folder: Path, limit: int, sender: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    sender.send(attempted(writer.write, folder, 2))


def check_failed(writer: Writer, folder: Path, outcome: object) -> None:
    """The error names a place; the old version is whole, and the next write works."""
    assert isinstance(outcome, tuple)
    kind, words = outcome
    assert kind == "OSError", outcome
    assert str(folder) in str(words)
    assert writer.read(folder) == 1
    assert not [p.name for p in folder.rglob("*") if p.name.endswith(".tmp")]
    writer.write(folder, 2)
    assert writer.read(folder) == 2


@pytest.mark.parametrize("writer", ALL)
def test_a_file_that_may_not_grow(writer, tmp_path):
    writer.write(tmp_path, 1)
    check_failed(writer, tmp_path, apart(write_within, writer, tmp_path, 2_048))


@pytest.mark.slow
@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS.keys())
def test_a_full_disk(writer, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={16 * SIZE}", "tmpfs", str(disk)]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("needs the right to mount a small file system")
    try:
        writer.write(disk, 1)
        filler = disk / "filler"
        with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="space"):
            while True:
                file.write(b"x" * 4096)
        outcome = attempted(writer.write, disk, 2)
        assert outcome[0] == "OSError" and str(disk) in str(outcome[1]), outcome
        assert not [p.name for p in disk.rglob("*") if p.name.endswith(".tmp")]
        filler.unlink()
        assert writer.read(disk) == 1
        writer.write(disk, 2)
        assert writer.read(disk) == 2
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def as_nobody(writer: Writer, folder: Path, sender: Connection) -> None:
    if os.geteuid() == 0:
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    sender.send((attempted(writer.write, folder, 2), attempted(writer.read, folder)))


@pytest.mark.parametrize("writer", ALL)
def test_a_folder_that_cannot_be_written(writer, open_folder):
    folder = open_folder / "data"
    folder.mkdir()
    writer.write(folder, 1)
    for path in folder.rglob("*"):
        path.chmod(0o444)
    folder.chmod(0o555)
    written, read = apart(as_nobody, writer, folder)
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        path.chmod(0o644)
    assert written[0] == "OSError" and str(folder) in str(written[1]), written
    # Databases and locks need the right to write; everything else is read from where it lies.
    assert read == ("done", 1) or (read[0] == "OSError" and str(folder) in str(read[1])), read
    assert writer.read(folder) == 1


def write_many(writer: Writer, folder: Path, count: int, sender: Connection) -> None:
    sender.send(None)
    for version in range(1, count + 1):
        writer.write(folder, version)


#: Whose folder belongs to one process; a lock of the runner sees to it.
OWNED = ("checkpoint of a script",)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in WRITERS if name not in OWNED])
def test_two_writers_at_once(name, tmp_path):
    writer, count = WRITERS[name], 12
    context = get_context("forkserver")
    context.set_forkserver_preload(["torch", "tests.faults.test_disk"])
    processes = []
    for _ in range(2):
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=write_many, args=(writer, tmp_path, count, sender))
        process.start()
        sender.close()
        receiver.recv()
        processes.append(process)
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert writer.read(tmp_path) == count
    assert not [p.name for p in tmp_path.rglob("*") if p.name.endswith(".tmp")]


# --- clocks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("jump", [-10 * 365 * 86_400.0, 10 * 365 * 86_400.0])
def test_caches_do_not_care_what_time_it_is(jump, tmp_path, monkeypatch):
    real = time.time
    for name in ("cache of replies", "cache of embeddings", "shards of embeddings"):
        folder, writer = tmp_path / name, WRITERS[name]
        folder.mkdir()
        writer.write(folder, 1)
        monkeypatch.setattr(time, "time", lambda: real() + jump)
        writer.write(folder, 2)
        assert writer.read(folder) == 2
        monkeypatch.setattr(time, "time", real)
        writer.write(folder, 3)
        assert writer.read(folder) == 3


@pytest.mark.parametrize("year", [1980, 2400, 9999])
def test_a_date_to_wait_for_never_waits_longer_than_the_most(year):
    after = parse_retry_after(None, f"Mon, 01 Jan {year} 00:00:00 GMT")
    assert after is not None and after >= 0
    assert 0 <= Retry(max_backoff=5.0).delay(1, after) <= 5.0


@pytest.mark.parametrize(
    "value", ["Mon, 01 Jan 2024 00:00:00 +99999999999999999999", "٣", "²", "9" * 400, "nan"]
)
def test_no_time_to_wait_for_is_an_error(value):
    after = parse_retry_after(value, value)
    assert after is None or after >= 0


#: Where the wall clock is read: a time that is noted, a date that is parsed.
CLOCKS = {
    "graphlab/tag/llm/_cache.py": "time.time()",
    "graphlab/tag/llm/_retry_after.py": "datetime.now",
}


def test_nothing_else_asks_the_wall_clock():
    pattern = re.compile(r"\btime\.time\(|datetime\.now|utcnow|st_mtime|st_ctime")
    found = {
        path.relative_to(REPOSITORY).as_posix()
        for path in (REPOSITORY / "graphlab").rglob("*.py")
        if pattern.search(path.read_text(encoding="utf-8"))
    }
    assert found == set(CLOCKS)
