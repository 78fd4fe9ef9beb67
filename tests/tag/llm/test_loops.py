"""A client among loops and threads, and its end."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor

import pytest

from graphlab.tag.llm._cache import ReplyCache
from graphlab.tag.llm._loop_thread import LoopThread
from graphlab.tag.llm._session import Session
from tests.tag.llm._client import client
from tests.tag.llm._server import serving

pytest.importorskip("openai", reason="needs the extra tag")


def test_sync_calls_work_inside_a_running_loop(server):
    async def cell():
        with client(server) as c:
            return c.complete("in a notebook")

    assert asyncio.run(cell()).text == "echo: in a notebook"


def test_async_calls_do_not_block_their_loop():
    async def main(c):
        ticks = 0

        async def tick():
            nonlocal ticks
            while True:
                await asyncio.sleep(0.005)
                ticks += 1

        ticking = asyncio.ensure_future(tick())
        replies = await asyncio.gather(c.acomplete("a"), c.acomplete_many(["b", "c"]))
        ticking.cancel()
        return ticks, replies

    with serving(lambda n, b: {"delay": 0.1}) as server, client(server) as c:
        ticks, (one, two) = asyncio.run(main(c))
        assert ticks > 2
        assert [one.text, *(r.text for r in two)] == ["echo: a", "echo: b", "echo: c"]
        assert [r.cached for r in asyncio.run(c.acomplete_many(["a", "d"]))] == [True, False]


def test_cancelled_callers_lose_no_answer_that_was_paid():
    async def main(c):
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(c.acomplete_many([str(i) for i in range(100)]), 0.1)

    with serving(lambda n, b: {"delay": 0.2}) as server, client(server, concurrency=4) as c:
        asyncio.run(main(c))
        done = c.complete_many([str(i) for i in range(4)])
        # The four calls under way went on; the other 96 were never made.
        assert (server.calls, all(r.ok for r in done)) == (4, True)


def test_one_failing_prompt_list_does_not_disturb_the_next(server):
    with client(server) as c:
        with pytest.raises(TypeError, match="text or a list of messages"):
            c.complete_many(["fine", 3])
        with pytest.raises(ValueError, match="role and content"):
            c.complete([{"role": "user"}])
        with pytest.raises(ValueError, match=r"\['a'\] repeat"):
            c.complete_many(["x", "y"], ids=["a", "a"])
        with pytest.raises(ValueError, match="ids must have 2 entries, got 1"):
            c.complete_many(["x", "y"], ids=["a"])
        assert c.complete("fine").ok
    assert server.calls == 1


def test_a_dropped_client_ends_its_thread(server):
    import gc

    c = client(server)
    c.complete("x")
    assert any(t.name == "graphlab-llm" for t in threading.enumerate())
    del c
    gc.collect()
    assert not any(t.name == "graphlab-llm" for t in threading.enumerate())


def test_an_answer_that_is_being_written_at_the_end_is_kept(server, tmp_path, monkeypatch):
    writing, going_on, put = threading.Event(), threading.Event(), ReplyCache.put

    def slowly(cache, rows):
        writing.set()
        assert going_on.wait(10)
        put(cache, rows)

    def ask(c):
        try:
            c.complete("hello")
        finally:
            going_on.set()

    monkeypatch.setattr(ReplyCache, "put", slowly)
    with ThreadPoolExecutor(1) as pool, client(server, cache=tmp_path / "c.db") as c:
        asked = pool.submit(ask, c)
        assert writing.wait(10)
        c.close()
        assert isinstance(asked.exception(), CancelledError)
    monkeypatch.undo()
    with client(server, cache=tmp_path / "c.db") as c:
        assert c.complete("hello").cached
    assert server.calls == 1


def test_what_runs_when_a_loop_is_stopped_is_cancelled():
    runner = LoopThread()
    endless = asyncio.run_coroutine_threadsafe(asyncio.Event().wait(), runner.loop)
    runner.stop()
    assert endless.cancelled() and runner.loop.is_closed()


def test_a_session_may_be_closed_from_its_own_loop():
    closed = threading.Event()

    class Closing:
        async def close(self):
            closed.set()

    session = Session(Closing)
    session.close()  # nothing has begun, so nothing ends
    assert not session.started and not closed.is_set()
    runner, _ = session.start()

    async def close():
        session.close()

    runner.run(close())
    runner._thread.join(10)
    assert closed.is_set() and runner.loop.is_closed()
