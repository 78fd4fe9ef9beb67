"""Blocks of a page of the documentation, run against the chat server of the tests."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import graphlab.tag
from tests._data import REPOSITORY
from tests.tag.llm._client import client
from tests.tag.llm._server import ChatServer


def run_blocks(page: str, count: int, server: ChatServer, patch: Any) -> dict[str, Any]:
    """Names after the blocks of a page, whose models are a server and hashed words."""
    encoder: Callable[..., Any] = graphlab.tag.TextEncoder
    patch.setattr(graphlab.tag, "LLMClient", lambda model, **options: client(server))
    patch.setattr(graphlab.tag, "TextEncoder", lambda model, **options: encoder("hashing"))
    text = (REPOSITORY / "docs" / page).read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert len(blocks) == count
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, f"docs/{page}", "exec"), names)
    names["client"].close()
    return names
