"""A run against a server that is dead ends after a few calls."""

from __future__ import annotations

import asyncio

__all__: list[str] = []


class Breaker:
    """Counts failures that follow each other without an answer between; opens at a limit.

    Attempts count as long as nobody has ever answered. A server that has answered is given all
    attempts of a call, in which it may come back; then failed calls count. Requests that it refuses
    without saying why count as long as it has accepted none: some later ones may be better.

    Args:
        limit (int): Failures after which no call has a chance; 0 never opens.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._alive = self._useful = False
        self._silent = self._failed = 0
        self._opened = asyncio.Event()

    def answered(self) -> None:
        """There is a server, whatever it said."""
        self._alive = True
        self._silent = 0

    def succeeded(self) -> None:
        """An answer came."""
        self.answered()
        self._useful = True
        self._failed = 0

    def unanswered(self) -> bool:
        """An attempt met nobody; True if that was the last one."""
        self._silent += 1
        return not self._alive and self._opens(self._silent)

    def failed(self, *, lasting: bool) -> bool:
        """A call failed for good; True if that was the last one.

        Args:
            lasting (bool): Whether the server fails, and not maybe this request.
        """
        if self._useful and not lasting:
            return False
        self._failed += 1
        return self._opens(self._failed)

    async def pause(self, seconds: float) -> bool:
        """Wait before another attempt; True if the run ended meanwhile."""
        if not self._limit:
            await asyncio.sleep(seconds)
            return False
        try:
            await asyncio.wait_for(self._opened.wait(), seconds)
        except asyncio.TimeoutError:
            return False
        return True

    def _opens(self, count: int) -> bool:
        if not self._limit or count < self._limit:
            return False
        self._opened.set()  # wakes the calls that are waiting for another attempt
        self._opened = asyncio.Event()
        # The counts begin anew for the next run: its user may have started the server.
        self._silent = self._failed = 0
        return True
