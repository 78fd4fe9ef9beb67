"""A client on a healthy server: a record per prompt, each answer paid once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from graphlab.tag import LLMClient
from graphlab.tag.llm import LLMError
from tests.tag.llm._client import client
from tests.tag.llm._server import serving

pytest.importorskip("openai", reason="needs the extra tag")

# ruff: noqa: SIM117


def test_rows_come_back_in_order_with_their_ids(server):
    with client(server) as c:
        replies = c.complete_many(["b", "a", "b"], ids=["x", "y", "z"])
    assert [(r.id, r.text, r.ok) for r in replies] == [
        ("x", "echo: b", True), ("y", "echo: a", True), ("z", "echo: b", True),
    ]  # fmt: skip
    assert server.calls == 2
    assert (replies[1].prompt_tokens, replies[1].completion_tokens) == (10, 5)
    assert replies[1].model == "served-model"


def test_no_prompts_no_calls(server):
    with client(server) as c:
        assert c.complete_many([]) == []
    assert server.calls == 0


def test_concurrency_is_reached_and_never_passed():
    with serving(lambda n, b: {"delay": 0.02}) as server, client(server, concurrency=5) as c:
        assert all(r.ok for r in c.complete_many([str(i) for i in range(40)]))
        assert server.peak == 5


def test_equal_prompts_under_way_are_one_call():
    with serving(lambda n, b: {"delay": 0.1}) as server, client(server, concurrency=16) as c:
        with ThreadPoolExecutor(8) as pool:
            runs = list(pool.map(lambda _: c.complete_many(["same"] * 10), range(8)))
        assert server.calls == 1
        assert sum(len(run) for run in runs) == 80


def test_two_clients_share_one_call_through_the_cache(tmp_path):
    path = tmp_path / "cache.db"
    prompts = [str(i) for i in range(30)]
    with serving(lambda n, b: {"delay": 0.01}) as server:
        with client(server, cache=path) as one, client(server, cache=path) as two:
            with ThreadPoolExecutor(2) as pool:
                runs = list(pool.map(lambda c: c.complete_many(prompts), (one, two)))
        assert server.calls == 30
    assert all(r.ok for run in runs for r in run)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": ""}, "model must be"),
        ({"base_url": "localhost:8000"}, "base_url must be an http"),
        ({"base_url": "http://user:secret@host/v1"}, "no user, password or query"),
        ({"base_url": "http://host/v1?key=secret"}, "no user, password or query"),
        ({"temperature": -1.0}, "temperature"),
        ({"parameters": {"model": "x"}}, "parameters must not hold"),
        ({"parameters": {"stream": True}}, "parameters must not hold"),
        ({"reply_format": "xml"}, "reply_format"),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(ValueError, match=message) as caught:
        LLMClient(**{"model": "m", **options})
    assert "secret" not in str(caught.value)


def test_openai_itself_needs_a_key():
    with LLMClient("m") as c, pytest.raises(LLMError, match="OPENAI_API_KEY"):
        c.complete("x")


def test_the_address_can_come_from_the_environment(server, monkeypatch):
    monkeypatch.setenv("GRAPHLAB_LLM_BASE_URL", server.url)
    with LLMClient("m") as c:
        assert c.complete("x").ok


def test_one_text_is_no_list_of_prompts(server):
    with client(server) as c:
        with pytest.raises(TypeError, match="prompts must be a list of prompts, got one text"):
            c.complete_many("Hello")
        with pytest.raises(TypeError, match="got one text"):
            c.estimate("Hello")
        with pytest.raises(TypeError, match="content of a message must be text, got NoneType"):
            c.complete([{"role": "user", "content": None}])
    assert server.calls == 0


def test_a_database_in_memory_is_refused(server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="cache must be a file, or None"):
        client(server, cache=":memory:")
    assert list(tmp_path.iterdir()) == []
