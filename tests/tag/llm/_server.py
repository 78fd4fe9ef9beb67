"""The chat server of the benchmarks in a thread, with scripts for single calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks._harness.llm_server import Act, ChatServer, completion, echo, faulty

__all__ = ["Act", "ChatServer", "completion", "echo", "faulty", "script", "serving"]


@contextmanager
def serving(plan: Callable[[int, dict[str, Any]], Act] | None = None) -> Iterator[ChatServer]:
    server = ChatServer(plan)
    try:
        yield server
    finally:
        server.close()


def script(*acts: Act) -> Callable[[int, dict[str, Any]], Act]:
    """The first calls meet these in order; all later ones are echoed."""
    return lambda number, body: acts[number] if number < len(acts) else echo(body)
