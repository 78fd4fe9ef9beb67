"""Tokens of a conversation: an estimate, and a bound that holds for any tokenizer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib.util import find_spec

from graphlab.tag._optional import optional

__all__: list[str] = []

_PER_MESSAGE = 8  # tokens that chat templates add
_CHARACTERS = 4  # of English text per token


def estimate_tokens(messages: Sequence[dict[str, str]], model: str) -> int:
    """Likely tokens of a conversation."""
    count = _counter(model)
    return sum(count(message["content"]) + _PER_MESSAGE for message in messages)


def most_tokens(messages: Sequence[dict[str, str]]) -> int:
    """Most tokens of a conversation: no usual tokenizer spends more than one per byte."""
    return sum(
        len(message["content"].encode("utf-8", "surrogatepass")) + 2 * _PER_MESSAGE
        for message in messages
    )


@lru_cache(maxsize=8)
def _counter(model: str) -> Callable[[str], int]:
    if find_spec("tiktoken") is not None:
        tiktoken = optional("tiktoken", "the token estimate")
        try:
            encoding = tiktoken.encoding_for_model(model)
        except Exception:  # an unknown model, or its table is not at hand offline
            return _by_characters
        return lambda text: len(encoding.encode(text, disallowed_special=()))
    return _by_characters


def _by_characters(text: str) -> int:
    return -(-len(text) // _CHARACTERS)
