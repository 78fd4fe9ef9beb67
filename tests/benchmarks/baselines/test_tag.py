"""The bare SDK gives what the client gives; the parts of the benchmark run."""

from __future__ import annotations

import json

import pytest

from benchmarks import tag as benchmark
from benchmarks.baselines.tag import bare_replies
from graphlab.tag import LLMClient
from tests.tag.llm._server import serving

pytest.importorskip("openai", reason="needs the extra tag")


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def test_the_bare_sdk_asks_the_same():
    prompts = [f"p{i}" for i in range(20)]
    with serving(lambda n, b: {"delay": 0.01}) as server:
        bare = bare_replies(server.url, prompts, 4)
        assert 1 <= server.peak <= 4
        with LLMClient("m", base_url=server.url) as client:
            ours = client.complete_many(prompts)
        assert bare == [reply.text for reply in ours] == [f"echo: {p}" for p in prompts]
        # The same bodies, in whatever order, so that the server's work is the same.
        sides = (server.bodies[:20], server.bodies[20:])
        bare_bodies, our_bodies = (
            sorted(json.dumps(body, sort_keys=True) for body in side) for side in sides
        )
        assert bare_bodies == our_bodies and len(bare_bodies) == 20


def test_texts_of_the_large_part_are_short_and_always_the_same():
    texts = list(benchmark.sentences(25))
    assert texts == list(benchmark.sentences(25)) and len(set(texts)) == 25
    assert {len(text.split()) for text in texts} == {12}


@pytest.mark.slow
@pytest.mark.parametrize("part", benchmark.PARTS)
def test_parts_run_small(part):
    rows = benchmark.PARTS[part](benchmark.Sizes.scaled(0.02))
    assert rows
    json.dumps(rows, allow_nan=False)


def test_a_wrong_result_stops_the_benchmark():
    with pytest.raises(RuntimeError, match="rows are lost"):
        benchmark.check_rows([], ["a"])
