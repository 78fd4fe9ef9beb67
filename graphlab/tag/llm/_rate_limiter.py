"""Amounts spread evenly over time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

__all__: list[str] = []


class RateLimiter:
    """Amounts spread evenly over time, for calls from one event loop.

    Args:
        per_minute (float, optional): Amount per minute; None does not limit.
        burst (float): Seconds of allowance that may be used at once after a pause.
        clock (callable): Seconds, monotonic.
    """

    def __init__(
        self,
        per_minute: float | None,
        burst: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._interval = None if per_minute is None else 60.0 / per_minute
        self._burst = burst
        self._clock = clock
        self._due = clock() - burst

    def reserve(self, amount: float) -> float:
        """Book an amount.

        Args:
            amount (float): Calls or tokens.

        Returns:
            float: Seconds to wait before using it.
        """
        if self._interval is None:
            return 0.0
        now = self._clock()
        # What the time before allowed and nobody used is lost, but for the last ``burst`` seconds:
        # otherwise a long pause would be followed by a rush that the server refuses.
        start = max(self._due, now - self._burst)
        self._due = start + amount * self._interval
        return max(0.0, start - now)

    async def wait(self, amount: float) -> None:
        """Book an amount and wait for it."""
        delay = self.reserve(amount)
        if delay > 0:
            await asyncio.sleep(delay)
