"""How fast a client may ask, and how much it may spend."""

from __future__ import annotations

from dataclasses import dataclass

from graphlab._checks import check_int, check_nonnegative, check_positive

__all__ = ["Limits"]


#: Fields by the keyword arguments of the client that they replace.
LIMITS_ARGUMENTS = {
    name: name for name in ("concurrency", "requests_per_minute", "tokens_per_minute", "budget")
}


@dataclass(frozen=True)
class Limits:
    """Bounds on the calls of one client; none of them changes an answer.

    Attributes:
        concurrency (int): Most calls under way at a time.
        requests_per_minute (float, optional): Calls per minute, attempts included; no limit by
            default.
        tokens_per_minute (float, optional): Tokens per minute, prompt and answer, counted at their
            worst; no limit by default.
        budget (float, optional): Most money that the client may spend, in the currency of its
            :class:`Price`. Every call is counted at its worst before it is made (a token per byte
            of the prompt, ``max_tokens`` of answer), and answers that got lost on the way are
            counted as paid; so the limit holds, and less than the worst case of one call stays
            unused: one that does not fit waits for those under way to give back what they did not
            need. Needs ``price`` and ``max_tokens``.

    Raises:
        TypeError, ValueError: If a value is malformed.

    Example:
        >>> Limits(concurrency=4, requests_per_minute=500)
        Limits(concurrency=4, requests_per_minute=500, tokens_per_minute=None, budget=None)
    """

    concurrency: int = 8
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    budget: float | None = None

    def __post_init__(self) -> None:
        check_int(self.concurrency, "concurrency", minimum=1)
        for name in ("requests_per_minute", "tokens_per_minute"):
            if getattr(self, name) is not None:
                check_positive(getattr(self, name), name)
        if self.budget is not None:
            check_nonnegative(self.budget, "budget")

    def least_minutes(self, calls: int, tokens: int) -> float | None:
        """Minutes that the limits on rates allow at best.

        Args:
            calls (int): Calls to make.
            tokens (int): Their tokens.

        Returns:
            float | None: Minutes; None without a limit on a rate.
        """
        check_nonnegative(calls, "calls")
        check_nonnegative(tokens, "tokens")
        pairs = ((calls, self.requests_per_minute), (tokens, self.tokens_per_minute))
        return max((amount / limit for amount, limit in pairs if limit is not None), default=None)
