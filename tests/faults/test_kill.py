"""Kill writers with SIGKILL at random moments: no file may be damaged, and the next writer works.

The writers are forked from a clean server process that has imported torch once, so a kill costs
milliseconds and fifty of them are cheap.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest
import torch

from graphlab._download import download
from graphlab._estimator import Estimator
from graphlab._io import (
    atomic_write,
    file_lock,
    load_arrays,
    read_json,
    save_arrays,
    sweep_stale,
    write_json,
)
from graphlab.tag.graphclip import SubgraphStore

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL and fork")

SIZE = 1 << 20  # bytes per write: large enough that most kills land inside one
KILLS = [4, pytest.param(50, marks=pytest.mark.slow)]


class Model(Estimator):
    """An estimator whose tensor and parameter must agree."""

    def __init__(self, version: int = 0) -> None:
        self.version = version

    def _config(self):
        return {"version": self.version}

    def _arrays(self):
        return {"x": torch.full((SIZE // 8,), self.version)}

    @classmethod
    def _restore(cls, config, arrays):
        if not bool((arrays["x"] == config["version"]).all()):
            raise RuntimeError("parameters and arrays are of different saves")
        return cls(**config)


def write_bytes(folder: Path, version: int) -> None:
    atomic_write(folder / "file", version.to_bytes(8, "big") * (SIZE // 8))


def read_bytes(folder: Path) -> int:
    data = (folder / "file").read_bytes()
    assert data == data[:8] * (SIZE // 8)
    return int.from_bytes(data[:8], "big")


def write_document(folder: Path, version: int) -> None:
    write_json(folder / "file", [version] * (SIZE // 64))


def read_document(folder: Path) -> int:
    values = read_json(folder / "file")
    assert values == values[:1] * (SIZE // 64)
    return values[0]


def write_tensors(folder: Path, version: int) -> None:
    x = torch.full((SIZE // 16,), version)
    save_arrays(folder / "file", {"x": x, "y": -x}, {"version": str(version)})


def read_tensors(folder: Path) -> int:
    arrays, metadata = load_arrays(folder / "file")
    version = int(metadata["version"])
    assert bool((arrays["x"] == version).all())
    assert bool((arrays["y"] == -version).all())
    return version


def write_model(folder: Path, version: int) -> None:
    Model(version).save(folder)


def read_model(folder: Path) -> int:
    return Model.load(folder).version


def write_locked(folder: Path, version: int) -> None:
    with file_lock(folder / "lock"):
        write_bytes(folder, version)


def read_locked(folder: Path) -> int:
    with file_lock(folder / "lock", timeout=5.0):
        return read_bytes(folder)


WRITERS = {
    "bytes": (write_bytes, read_bytes),
    "json": (write_document, read_document),
    "arrays": (write_tensors, read_tensors),
    "estimator": (write_model, read_model),
    "locked": (write_locked, read_locked),
}


def write_for_ever(
    write: Callable[[Path, int], None], folder: Path, version: int, ready: Connection
) -> None:
    torch.set_num_threads(1)
    ready.send(None)
    while True:
        version += 1
        write(folder, version)


def killed(
    target: Callable[..., None], arguments: tuple[object, ...], wait: Callable[[], object]
) -> None:
    """Start a process, wait once it is ready, and kill it."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["torch", "tests.faults.test_kill"])
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=target, args=(*arguments, sender))
    process.start()
    sender.close()
    receiver.recv()
    wait()
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    process.close()
    receiver.close()


@pytest.mark.parametrize("kills", KILLS)
@pytest.mark.parametrize(("write", "read"), WRITERS.values(), ids=WRITERS.keys())
def test_a_killed_writer_leaves_a_whole_file(tmp_path, write, read, kills):
    draw = random.Random(0)
    version = 1
    write(tmp_path, version)
    clean = sorted(tmp_path.iterdir())
    interrupted = 0
    for _ in range(kills):
        killed(
            write_for_ever, (write, tmp_path, version), partial(time.sleep, draw.uniform(0, 0.03))
        )
        seen = read(tmp_path)
        assert seen >= version
        version = seen
        interrupted += len(sweep_stale(tmp_path))
        assert sorted(tmp_path.iterdir()) == clean
    if kills > 10:  # or the kills proved nothing
        assert interrupted
    write(tmp_path, version + 1)
    assert read(tmp_path) == version + 1


# --- stores of subgraphs --------------------------------------------------------------------------


def write_store(folder: Path, version: int) -> None:
    size = SIZE // 8
    ends = np.array([0, size])
    nodes = np.full(size, version, np.int32)
    edges = np.full((2, size), version, np.int16)
    SubgraphStore(ends, nodes, ends, edges, np.array([version], np.int32)).save(folder)


def read_store(folder: Path) -> int:
    store = SubgraphStore.load(folder)
    version = int(store.root[0])
    assert (store.node == version).all() and (store.edge == version).all()
    return version


@pytest.mark.parametrize("kills", KILLS)
def test_a_killed_save_of_subgraphs_leaves_a_whole_store(tmp_path, kills):
    draw = random.Random(0)
    version = 1
    write_store(tmp_path, version)
    count = len(list(tmp_path.iterdir()))
    interrupted = 0
    for _ in range(kills):
        wait = partial(time.sleep, draw.uniform(0, 0.03))
        killed(write_for_ever, (write_store, tmp_path, version), wait)
        interrupted += len(list(tmp_path.iterdir())) > count
        seen = read_store(tmp_path)
        assert seen >= version
        version = seen
    if kills > 10:  # or the kills proved nothing
        assert interrupted
    write_store(tmp_path, version + 1)
    assert read_store(tmp_path) == version + 1
    assert len(list(tmp_path.iterdir())) == count  # nothing of the killed is left


# --- downloads ------------------------------------------------------------------------------------

BODY = bytes(range(256)) * 400
DIGEST = hashlib.sha256(BODY).hexdigest()


class SlowServer(ThreadingHTTPServer):
    """Sends the body in drips, from the requested byte on, and tells when it is at ``goal``."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Slow)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/file"
        self.starts: list[int] = []
        self.goal = 0
        self.reached = threading.Event()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that dies is what the test is about."""


class Slow(BaseHTTPRequestHandler):
    server: SlowServer

    def do_GET(self) -> None:
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        self.server.starts.append(start)
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(BODY) - 1}/{len(BODY)}")
        self.send_header("Content-Length", str(len(BODY) - start))
        self.send_header("ETag", '"v1"')
        self.end_headers()
        for position in range(start, len(BODY), 5000):
            if position >= self.server.goal:
                self.server.reached.set()
            self.wfile.write(BODY[position : position + 5000])
            time.sleep(0.002)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def slow_server(monkeypatch) -> Iterator[SlowServer]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with SlowServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def fetch(url: str, path: Path, ready: Connection) -> None:
    os.environ["no_proxy"] = "127.0.0.1"
    ready.send(None)
    download(url, path, DIGEST)
    time.sleep(60)  # wait for the kill


@pytest.mark.parametrize("kills", KILLS)
def test_a_killed_download_is_continued(tmp_path, slow_server, kills):
    draw = random.Random(0)
    resumed = 0
    for index in range(kills):
        path = tmp_path / f"file{index}"
        slow_server.starts.clear()
        slow_server.reached.clear()
        slow_server.goal = draw.randrange(20_000, 100_001)  # the last drip starts at 100 000
        killed(fetch, (slow_server.url, path), partial(slow_server.reached.wait, 10.0))
        assert not path.exists() or path.read_bytes() == BODY
        assert download(slow_server.url, path, DIGEST, backoff=0.0).read_bytes() == BODY
        resumed += any(slow_server.starts)
        assert {item.name for item in tmp_path.iterdir()} == {
            name for i in range(index + 1) for name in (f"file{i}", f".file{i}.lock")
        }
    assert resumed
