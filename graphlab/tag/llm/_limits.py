"""How fast to ask, when to ask again, and how much to spend."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

__all__: list[str] = []


class RateLimiter:
    """Spread amounts evenly over time, for calls from one event loop.

    Args:
        per_minute: Amount per minute; ``None`` does not limit.
        burst: Seconds of allowance that may be used at once after a pause.
        clock: Seconds, monotonic.
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
        """Book an amount; the seconds to wait before using it."""
        if self._interval is None:
            return 0.0
        now = self._clock()
        start = max(self._due, now - self._burst)
        self._due = start + amount * self._interval
        return max(0.0, start - now)

    async def wait(self, amount: float) -> None:
        """Book an amount and wait for it."""
        delay = self.reserve(amount)
        if delay > 0:
            await asyncio.sleep(delay)


def retry_delay(
    attempt: int,
    retry_after: float | None,
    base: float,
    ceiling: float,
    draw: Callable[[], float] = random.random,
) -> float:
    """Seconds before the next attempt: what the server asks for, else exponential with jitter.

    Args:
        attempt: Attempts made so far, from 1.
        retry_after: What the server asked for, in seconds.
        base: Mean delay after the first attempt.
        ceiling: Longest delay, also for what the server asks.
        draw: Uniform numbers in [0, 1). They spread the load and never reach a result.

    Returns:
        float: Seconds, in [0, ceiling].
    """
    if retry_after is not None:
        # Never before the time the server names; a little later, not all clients at once.
        return min(ceiling, retry_after + 0.1 * base * draw())
    return float(min(ceiling, base * 2.0 ** min(attempt - 1, 30)) * (0.5 + 0.5 * draw()))


def parse_retry_after(milliseconds: str | None, value: str | None) -> float | None:
    """Seconds that the headers ``retry-after-ms`` and ``Retry-After`` ask for.

    Args:
        milliseconds: Value of ``retry-after-ms``, which wins.
        value: Value of ``Retry-After``: seconds or an HTTP date.

    Returns:
        float | None: Not negative, finite; None if there is nothing usable.
    """
    for text, scale in ((milliseconds, 1e-3), (value, 1.0)):
        try:
            seconds = float(text or "") * scale
        except ValueError:
            continue
        if 0.0 <= seconds < float("inf"):
            return seconds
    try:
        date = parsedate_to_datetime(value or "")
    except (ValueError, TypeError, IndexError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=timezone.utc)
    return max(0.0, (date - datetime.now(timezone.utc)).total_seconds())


class Ledger:
    """Money: reserved before a call at its worst case, settled after it.

    Args:
        budget: Most that may be spent; ``None`` does not limit.
    """

    def __init__(self, budget: float | None) -> None:
        self.budget = budget
        self.spent = 0.0
        self.reserved = 0.0

    def reserve(self, amount: float) -> bool:
        """Set an amount aside if the budget still holds it."""
        # The tolerance forgives rounding of sums, not a cent.
        limit = None if self.budget is None else self.budget * (1 + 1e-9)
        if limit is not None and self.spent + self.reserved + amount > limit:
            return False
        self.reserved += amount
        return True

    def settle(self, reserved: float, spent: float) -> None:
        """Replace a reservation by what was spent."""
        self.reserved -= reserved
        self.spent += spent
