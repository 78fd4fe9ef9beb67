"""The key reaches the server and nothing else."""

from __future__ import annotations

import logging

import pytest

from graphlab.tag.llm import LLMError
from tests.tag.llm._client import client
from tests.tag.llm._server import completion, serving

pytest.importorskip("openai", reason="needs the extra tag")

# ruff: noqa: SIM117


CANARY = "sk-canary-0123456789abcdef"


def test_the_key_reaches_the_server_and_nothing_else(tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.chdir(tmp_path)

    def plan(number, body):
        held = server.headers[-1]["authorization"]
        if number == 1:
            return {"status": 400, "body": {"error": {"message": f"bad key {held}"}}}
        if number >= 3:
            return {"status": 401, "body": {"error": {"message": f"bad key {held}"}}}
        return {"body": completion(f"you sent {held}")}

    with serving(plan) as server:
        with client(server, cache=tmp_path / "c.db", concurrency=1) as c:
            replies = c.complete_many(["a", "b", "c"])
            with pytest.raises(LLMError) as caught:
                c.complete("d")
            c.export_batch(["e"], tmp_path / "batch.jsonl")
            texts = [repr(c), repr(replies), str(caught.value), repr(c.failures()), str(vars(c))]
            files = [p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()]
        assert {h["authorization"] for h in server.headers} == {f"Bearer {CANARY}"}
    assert len(files) >= 3  # the write-ahead log is among them
    files += [p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()]
    assert replies[0].text == "you sent Bearer ***"
    assert not any(CANARY in text for text in texts)
    assert not any(CANARY.encode() in content for content in files)
    assert CANARY not in caplog.text


def test_a_key_may_come_with_the_end_of_its_line(monkeypatch, tmp_path):
    monkeypatch.setenv("OPENAI_API_KEY", f" {CANARY}\n")
    with serving() as server:
        with client(server, cache=tmp_path / "c.db", attempts=1) as c:
            assert c.complete("a").ok
            assert c.failures() == []
        assert server.headers[0]["authorization"] == f"Bearer {CANARY}"


@pytest.mark.parametrize("odd", ["\n", "ü", "\x01", " "])
def test_a_key_that_no_header_carries_is_never_shown(monkeypatch, tmp_path, odd):
    monkeypatch.setenv("OPENAI_API_KEY", CANARY + odd + CANARY)
    with serving() as server:
        with client(server, cache=tmp_path / "c.db", attempts=1) as c:
            with pytest.raises(LLMError, match="OPENAI_API_KEY must hold a key") as caught:
                c.complete("a")
            shown = [str(caught.value), repr(c.failures()), str(caught.getrepr())]
            assert not any(CANARY in text for text in shown)
    assert server.calls == 0
