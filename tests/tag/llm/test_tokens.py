"""Tokens of a conversation: by tiktoken where it knows the model, else by characters; a bound."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace

import pytest

from graphlab.tag.llm._tokens import estimate_tokens, most_tokens

TALK = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "one two three"}]


@pytest.fixture
def tiktoken(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A tokenizer of words that knows the models whose names begin with ``known``."""
    module = ModuleType("tiktoken")
    module.__spec__ = ModuleSpec("tiktoken", None)

    def encoding_for_model(name: str) -> SimpleNamespace:
        if not name.startswith("known"):
            raise KeyError(name)

        def encode(text: str, disallowed_special: tuple[str, ...]) -> list[str]:
            assert disallowed_special == ()  # <|endoftext|> in a text is no command
            return text.split()

        return SimpleNamespace(encode=encode)

    module.encoding_for_model = encoding_for_model  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tiktoken", module)
    return module


def test_a_known_model_is_counted_by_its_tokenizer(tiktoken: ModuleType) -> None:
    assert estimate_tokens(TALK, "known tokens") == (2 + 8) + (3 + 8)


def test_an_unknown_model_is_counted_by_characters(tiktoken: ModuleType) -> None:
    assert estimate_tokens(TALK, "own tokens") == (8 // 4 + 8) + (13 // 4 + 1 + 8)


def test_the_bound_is_one_token_for_every_byte() -> None:
    assert most_tokens([{"role": "user", "content": "日本"}]) == 6 + 16
    assert most_tokens([{"role": "user", "content": "\ud83d"}]) == 3 + 16  # half a character
    assert most_tokens(TALK) >= estimate_tokens(TALK, "any tokens")
