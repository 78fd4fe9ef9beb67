"""An event loop in a thread of its own, so that sync and async callers share one client."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

__all__: list[str] = []

T = TypeVar("T")


class LoopThread:
    """A loop that runs coroutines for any thread, also for one that runs a loop itself."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="graphlab-llm", daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine and wait for it; an interrupt cancels it."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self.loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    async def run_async(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine without blocking the caller's loop."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, self.loop))

    def is_current(self) -> bool:
        """Whether the caller is in this thread, where waiting for it would never end."""
        return threading.current_thread() is self._thread

    def stop(self) -> None:
        """Cancel what is running and end the thread."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
            tasks = asyncio.all_tasks(self.loop)
            for task in tasks:
                task.cancel()
            if tasks:
                self.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            with suppress(RuntimeError):  # the interpreter is ending and starts no more threads
                self.loop.run_until_complete(self.loop.shutdown_default_executor())
        finally:
            self.loop.close()
