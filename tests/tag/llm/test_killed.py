"""Runs that are killed or interrupted."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from graphlab.tag import LLMClient
from tests._data import REPOSITORY
from tests.tag.llm._server import serving

pytest.importorskip("openai", reason="needs the extra tag")


JOB = """
import sys
from graphlab.tag import Limits, LLMClient, Retry
url, cache, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
retry, limits = Retry(timeout=5.0, backoff=0.01), Limits(concurrency=8)
c = LLMClient("m", base_url=url, cache=cache, retry=retry, limits=limits)
replies = c.complete_many([f"node {i}" for i in range(count)])
print(sum(r.ok for r in replies), flush=True)
c.close()
"""


#: Seconds for a process: some computers have other work.
PATIENCE = 900


@contextmanager
def started(server, path, count, number=1) -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that do the same, and do not outlive the test."""
    processes = [start(server, path, count) for _ in range(number)]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()
            process.stdout.close()


def start(server, path, count) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", JOB, server.url, str(path), str(count)]
    environment = {**os.environ, "no_proxy": "127.0.0.1", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True
    )


def wait_for(server, calls) -> None:
    deadline = time.monotonic() + PATIENCE
    while server.calls < calls:
        assert time.monotonic() < deadline, f"{server.calls} of {calls} calls"
        time.sleep(0.002)


@pytest.mark.slow
@pytest.mark.parametrize("kills", [3, 20])
def test_a_killed_run_resumes_with_the_missing_calls(tmp_path, kills):
    count, path, draw = 150 * kills, tmp_path / "c.db", random.Random(0)
    with serving(lambda n, b: {"delay": 0.02}) as server:
        for kill in range(1, kills + 1):
            with started(server, path, count):
                wait_for(server, server.calls + draw.randrange(1, 100))
            time.sleep(0.1)  # the server notices
            with LLMClient("m", base_url=server.url, cache=path) as c:
                found = c.estimate([f"node {i}" for i in range(count)])
            committed = found.cached
            # Whatever was answered and not committed was under way: at most eight calls.
            assert server.calls - committed <= 8 * kill
        with started(server, path, count) as (process,):
            out, _ = process.communicate(timeout=PATIENCE)
        assert out.split()[-1] == str(count)
        assert count <= server.calls <= count + 8 * kills
        # No call was made more often than it was interrupted.
        assert sum(times - 1 for times in server.answered.values()) <= 8 * kills
        before = server.calls
        with LLMClient("m", base_url=server.url, cache=path) as c:
            assert all(r.cached for r in c.complete_many([f"node {i}" for i in range(count)]))
        assert server.calls == before


@pytest.mark.slow
def test_two_processes_share_a_cache_and_pay_once(tmp_path):
    count, path = 200, tmp_path / "c.db"
    with serving(lambda n, b: {"delay": 0.02}) as server:
        with started(server, path, count, 4) as processes:
            outputs = [p.communicate(timeout=PATIENCE)[0].split()[-1] for p in processes]
        assert outputs == [str(count)] * 4
        assert server.calls == count


@pytest.mark.slow
def test_an_interrupt_keeps_what_was_answered(tmp_path):
    import signal

    with serving(lambda n, b: {"delay": 0.02}) as server:
        with started(server, tmp_path / "c.db", 1000) as (process,):
            wait_for(server, 50)
            process.send_signal(signal.SIGINT)
            process.wait(timeout=PATIENCE)
        assert process.returncode != 0
        calls = server.calls
        assert 0 < calls < 1000
        with LLMClient("m", base_url=server.url, cache=tmp_path / "c.db") as c:
            found = c.estimate([f"node {i}" for i in range(1000)])
        assert calls - found.cached <= 8
