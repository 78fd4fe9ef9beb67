"""Money of one client: reserved before a call, settled after it."""

from __future__ import annotations

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
