"""Money of one client: reserved before a call, settled after it."""

from __future__ import annotations

import asyncio

__all__: list[str] = []


class Ledger:
    """Money that is reserved before a call at its worst case and settled after it.

    Args:
        budget (float, optional): Most that may be spent; None does not limit.
    """

    def __init__(self, budget: float | None) -> None:
        self.budget = budget
        self.spent = 0.0
        self.reserved = 0.0
        self._open = 0
        self._waiting: list[asyncio.Future[None]] = []

    async def reserve_or_wait(self, amount: float) -> bool:
        """Set an amount aside, where need be after the calls under way have given back theirs.

        Their worst case is mostly more than what they cost: who is refused while they are under way
        would depend on how fast they are answered, and much of the budget would stay unused.
        """
        while not self.reserve(amount):
            if not self._open:
                return False
            change: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(change)
            await change
        return True

    def reserve(self, amount: float) -> bool:
        """Set an amount aside if the budget still holds it."""
        # The tolerance is for rounding errors of the sums, and far below the price of a call.
        limit = None if self.budget is None else self.budget * (1 + 1e-9)
        if limit is not None and self.spent + self.reserved + amount > limit:
            return False
        self.reserved += amount
        self._open += 1
        return True

    def settle(self, reserved: float, spent: float) -> None:
        """Replace a reservation by what was spent."""
        self._open -= 1
        # Without a call under way nothing is reserved: the rounding errors of the sums end here.
        self.reserved = self.reserved - reserved if self._open else 0.0
        self.spent += spent
        waiting, self._waiting = self._waiting, []
        for change in waiting:
            if not change.done():  # its caller may have given up
                change.set_result(None)
