"""Kill writers with SIGKILL at random moments: no file may be damaged, and the next writer works.

``python -m tests.faults.kills`` does the same to whole commands.
"""

from __future__ import annotations

import hashlib
import os
import random
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from graphlab._download import download
from tests.faults.kills.processes import kill_writers, killed
from tests.faults.kills.writers import WRITERS

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL and fork")

KILLS = [4, pytest.param(50, marks=pytest.mark.slow)]
#: Writers that are killed in the fast lane; the others take the same paths.
FEW = ("bytes", "estimator", "cache of replies", "checkpoint of a script")


@pytest.mark.parametrize(
    ("name", "kills"),
    [(name, 4) for name in FEW]
    + [pytest.param(name, 50, marks=pytest.mark.slow) for name in WRITERS],
)
def test_a_killed_writer_leaves_whole_files(tmp_path, name, kills):
    interrupted = kill_writers(WRITERS[name], tmp_path, kills)
    if kills > 10 and WRITERS[name].tidies:  # or the kills proved nothing
        assert interrupted


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
        wait = partial(slow_server.reached.wait, 10.0)
        killed(fetch, (slow_server.url, path), wait, preload="tests.faults.test_kill")
        assert not path.exists() or path.read_bytes() == BODY
        assert download(slow_server.url, path, DIGEST, backoff=0.0).read_bytes() == BODY
        resumed += any(slow_server.starts)
        assert {item.name for item in tmp_path.iterdir()} == {
            name for i in range(index + 1) for name in (f"file{i}", f".file{i}.lock")
        }
    assert resumed
