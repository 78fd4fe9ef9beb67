"""What is no prompt, name or record is refused before a server hears of it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any

import pytest

from graphlab.tag import LLMClient
from tests.tag.llm._client import client

pytest.importorskip("openai", reason="needs the extra tag")

Call = Callable[[LLMClient], Any]

CALLS: dict[str, tuple[Call, str]] = {
    "no text": (lambda c: asyncio.run(c.acomplete(3)), "prompt"),
    "no schema": (lambda c: asyncio.run(c.acomplete("a", schema=3)), "schema"),
    "no message": (lambda c: asyncio.run(c.acomplete([])), "at least one message"),
    "one text": (lambda c: asyncio.run(c.acomplete_many("ab")), "prompts must be a list"),
    "no list": (lambda c: asyncio.run(c.acomplete_many(3)), "prompts must be a list"),
    "prompts by name": (lambda c: c.complete_many({"a": "b"}), "prompts must be a list, got dict"),
    "prompts in no order": (lambda c: c.estimate({"a"}), "prompts must be a list, got set"),
    "too few ids": (lambda c: asyncio.run(c.acomplete_many(["a", "b"], ids=[1])), "ids"),
    "equal ids": (lambda c: asyncio.run(c.acomplete_many(["a", "b"], ids=[1, 1])), "ids"),
    "ids that are none": (lambda c: asyncio.run(c.acomplete_many(["a"], ids=3)), "ids"),
    "ids without a hash": (lambda c: asyncio.run(c.acomplete_many(["a"], ids=[[]])), "ids"),
    "a text of prompts": (lambda c: c.first_tokens("ab"), "prompts must be a list"),
    "prompts that are none": (lambda c: c.first_tokens(None), "prompts must be a list"),
    "half a token": (lambda c: c.first_tokens(["a"], most=1.5), "most must be"),
    "no token": (lambda c: c.first_tokens(["a"], most=0), "most must be"),
    "ids of tokens": (lambda c: c.first_tokens(["a"], ids=["x", "y"]), "ids"),
    "no records": (lambda c: c.forget(3), "replies must be records, got int"),
    "keys for records": (lambda c: c.forget(["key"]), "replies must hold LLMReply, got str"),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_argument_is_named_and_nothing_is_asked(server, name: str) -> None:
    call, words = CALLS[name]
    with client(server) as c, pytest.raises((TypeError, ValueError), match=words):
        call(c)
    assert server.calls == 0


def test_records_that_are_none_forget_nothing(server) -> None:
    with client(server) as c:
        reply = c.complete("hello")
        with pytest.raises(TypeError, match="replies"):
            c.forget([reply, None])
        assert c.complete("hello").cached
        c.forget([reply])
        assert not c.complete("hello").cached


def test_a_client_of_another_process_is_refused(server, monkeypatch) -> None:
    with client(server) as c:
        other = os.getpid() + 1
        monkeypatch.setattr(os, "getpid", lambda: other)
        with pytest.raises(RuntimeError, match="cannot cross a fork: make one in each process"):
            c.complete("a")
        monkeypatch.undo()
    assert server.calls == 0
