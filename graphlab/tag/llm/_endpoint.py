"""Address and key of calls, and the advice where neither can work."""

from __future__ import annotations

import os
from collections.abc import Callable
from urllib.parse import urlsplit

from graphlab.tag.llm._transport import Transport
from graphlab.tag.llm.reply import LLMError

__all__: list[str] = []

KEY_VARIABLE = "OPENAI_API_KEY"
_URL_VARIABLES = ("GRAPHLAB_LLM_BASE_URL", "OPENAI_BASE_URL")
_NO_KEY = "none"  # local servers need a key in the header, and take any


def check_url(base_url: str | None) -> str | None:
    """Address that was given, else that of the environment, else None for the SDK's own.

    Raises:
        ValueError: If it is no plain http(s) address.
    """
    if base_url is None:
        base_url = next((os.environ[v] for v in _URL_VARIABLES if os.environ.get(v)), None)
    if base_url is None:
        return None
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("base_url must be an http(s) address such as http://localhost:8000/v1")
    if parts.username or parts.password or parts.query:
        raise ValueError("base_url must hold no user, password or query: keys come from the "
                         "environment")  # fmt: skip
    return base_url


def connector(base_url: str | None, variable: str, timeout: float) -> Callable[[], Transport]:
    """Function that connects; the key is read when it is called."""

    def connect() -> Transport:
        key = _read_key(variable)
        if not key and base_url is None:
            raise LLMError(f"set the environment variable {variable}, or name a server: base_url")
        return Transport(base_url, key or _NO_KEY, timeout)

    return connect


def _read_key(variable: str) -> str:
    """Key in the environment; keys read from files come with the end of their line.

    A header cannot carry other characters: the error would quote them all, escaped, so that the
    secret in it could not be found and cut out.
    """
    key = os.environ.get(variable, "").strip()
    if not all("!" <= character <= "~" for character in key):
        raise LLMError(
            f"the environment variable {variable} must hold a key of visible ASCII characters"
        )
    return key


def advice(error: str, kind: str, variable: str, address: str | None) -> str:
    """Error that no call can survive, with what to do about it."""
    where = address or "OpenAI's address"
    return f"{error}; " + {
        "key": f"is the environment variable {variable} set to a valid key?",
        "quota": f"the account behind the key in {variable} has nothing left to spend",
        "address": "redirects are not followed, give the final address as base_url",
        "parameter": "give LLMClient temperature=None, seed=None or max_tokens=None for a field "
        "that the server refuses, or take it out of parameters",
        "form": "ask in another way: LLMClient(reply_format='prompt')",
        "dead": f"is a server running at {where}? Answers that had arrived are kept; "
        "Retry(breaker=0) asks on, Retry(timeout=...) waits longer",
    }.get(kind, f"check model and base_url (it usually ends in /v1), {where}")
