"""A client among loops and threads, and its end."""

from __future__ import annotations

import asyncio
import threading

import pytest

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
