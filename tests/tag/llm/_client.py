"""A client that wastes no time on pauses."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from graphlab.tag import Limits, LLMClient, Retry
from tests.tag.llm._server import ChatServer

FAST = Retry(timeout=10.0, backoff=0.005, max_backoff=0.02)


def client(server: ChatServer, **options: Any) -> LLMClient:
    """A client of a server; fields of ``Retry`` and ``Limits`` may be given by their names."""
    retry, limits = (
        {field.name: options.pop(field.name) for field in fields(kind) if field.name in options}
        for kind in (Retry, Limits)
    )
    settings = {"retry": replace(FAST, **retry), "limits": Limits(**limits)}
    return LLMClient(options.pop("model", "m"), base_url=server.url, **settings, **options)
