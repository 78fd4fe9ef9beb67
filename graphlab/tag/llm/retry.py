"""How often a call is made again, and an answer corrected."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from graphlab._checks import check_int, check_nonnegative, check_positive

__all__ = ["Retry"]


#: Fields by the keyword arguments of the client that they replace.
RETRY_ARGUMENTS = {
    "max_attempts": "attempts",
    "timeout": "timeout",
    "backoff": "backoff",
    "max_backoff": "max_backoff",
    "max_repairs": "repairs",
}


@dataclass(frozen=True)
class Retry:
    """What is done about calls that fail and answers that do not follow the schema.

    Only these attempts are made: those of the SDK are off.

    Attributes:
        attempts (int): Attempts per call, the first included.
        timeout (float): Seconds for a whole call.
        backoff (float): Seconds before the second attempt, doubled each time, drawn from the upper
            half.
        max_backoff (float): Longest wait in seconds, also for a server that asks for more in
            ``Retry-After``.
        repairs (int): Times the model may correct an answer that does not follow the schema.
        breaker (int): Failures in a row, with no answer between them, that end the run with
            :class:`LLMError`: attempts as long as nobody has ever answered at the address, then
            calls that used up their attempts. 0 goes on for ever.
        step_down (int): Answers that do not follow the schema, and at least half of all, after
            which it is asked for in the next weaker way (``json_schema``, ``json_object``,
            ``prompt``), with a warning; 0 never changes it.

    Raises:
        TypeError, ValueError: If a value is malformed.

    Example:
        >>> Retry(attempts=3, timeout=30.0).repairs
        1
    """

    attempts: int = 8
    timeout: float = 120.0
    backoff: float = 0.5
    max_backoff: float = 60.0
    repairs: int = 1
    breaker: int = 5
    step_down: int = 3

    def __post_init__(self) -> None:
        check_int(self.attempts, "attempts", minimum=1)
        check_positive(self.timeout, "timeout")
        check_nonnegative(self.backoff, "backoff")
        check_nonnegative(self.max_backoff, "max_backoff")
        for name in ("repairs", "breaker", "step_down"):
            check_int(getattr(self, name), name, minimum=0)

    def delay(
        self,
        attempt: int,
        retry_after: float | None = None,
        draw: Callable[[], float] = random.random,
    ) -> float:
        """Seconds before the next attempt: what the server asks for, else exponential with jitter.

        Args:
            attempt (int): Attempts made so far, from 1.
            retry_after (float, optional): Seconds that the server asked for.
            draw (callable): Uniform numbers in [0, 1). They spread the load and never reach a
                result.

        Returns:
            float: Seconds, in ``[0, max_backoff]``.
        """
        check_int(attempt, "attempt", minimum=1)
        if retry_after is not None:
            # Never before the time the server names; a little later, not all clients at once.
            return min(self.max_backoff, retry_after + 0.1 * self.backoff * draw())
        growth = 2.0 ** min(attempt - 1, 30)  # 2**30 seconds pass any ceiling, 2**1024 overflows
        return float(min(self.max_backoff, self.backoff * growth) * (0.5 + 0.5 * draw()))
