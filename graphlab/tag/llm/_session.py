"""Event loop and engine of one client, from its first call to its end."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import Any

from graphlab.tag.llm._engine import Engine
from graphlab.tag.llm._loop_thread import LoopThread

__all__: list[str] = []


class Session:
    """A loop in its thread and an engine, made together at the first call.

    They end when :meth:`close` is called or the session is collected, so ``make_engine`` must not
    refer to what holds it.

    Args:
        make_engine (callable): Makes the engine.
    """

    def __init__(self, make_engine: Callable[[], Engine]) -> None:
        self._make_engine = make_engine
        self._owner = os.getpid()
        self._starting = threading.Lock()  # threads may make their first calls together
        self._running: tuple[LoopThread, Engine] | None = None
        self._finalizer: weakref.finalize[..., Any] | None = None

    def start(self) -> tuple[LoopThread, Engine]:
        """Loop and engine, which are the same for every call.

        Raises:
            RuntimeError: If the process was forked: threads and connections do not cross.
        """
        if os.getpid() != self._owner:
            raise RuntimeError("an LLMClient cannot cross a fork: make one in each process")
        with self._starting:
            if self._running is None:
                engine = self._make_engine()  # may raise; then no thread is left behind
                self._running = (LoopThread(), engine)
                self._finalizer = weakref.finalize(self, _shut_down, *self._running)
            return self._running

    @property
    def started(self) -> bool:
        """Whether there was a call."""
        return self._running is not None

    def close(self) -> None:
        """Stop the calls under way, and close what the engine holds."""
        if self._finalizer is not None:
            self._finalizer()


def _shut_down(thread: LoopThread, engine: Engine) -> None:
    # The last reference to a client may end in any thread, also in that of the loop itself, which
    # cannot wait for its own end.
    if thread.is_current():
        threading.Thread(target=_shut_down, args=(thread, engine)).start()
        return
    thread.run(engine.close())
    thread.stop()
