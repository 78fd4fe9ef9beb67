"""Money and time of calls, before they are made."""

from __future__ import annotations

from dataclasses import dataclass

from graphlab._checks import check_nonnegative

__all__ = ["CostEstimate", "Price"]


@dataclass(frozen=True)
class Price:
    """Money per million tokens, in any currency.

    Attributes:
        prompt (float): Price of a million tokens that the model reads.
        completion (float): Price of a million tokens that it writes.

    Raises:
        TypeError, ValueError: If a price is negative or no number.
    """

    prompt: float
    completion: float

    def __post_init__(self) -> None:
        check_nonnegative(self.prompt, "prompt")
        check_nonnegative(self.completion, "completion")

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Money for a number of tokens.

        Args:
            prompt_tokens (int): Tokens that the model reads.
            completion_tokens (int): Tokens that it writes.

        Returns:
            float: Money, in the currency of the price.
        """
        check_nonnegative(prompt_tokens, "prompt_tokens")
        check_nonnegative(completion_tokens, "completion_tokens")
        return (prompt_tokens * self.prompt + completion_tokens * self.completion) / 1e6


@dataclass(frozen=True)
class CostEstimate:
    """Calls, tokens, money and time that a run would need; nothing was sent to find out.

    Attributes:
        prompts (int): Prompts given.
        cached (int): Prompts answered by the cache.
        calls (int): Distinct calls left.
        prompt_tokens (int): Tokens to send; an estimate (with tiktoken if it is installed,
            otherwise a token for four characters).
        completion_tokens (int, optional): Most tokens that may come back; None without a limit on
            them.
        cost (float, optional): Money for both, at most as far as the tokens are right; None
            without a price or limit.
        minutes (float, optional): Least time that the rate limits allow; None without limits.
    """

    prompts: int
    cached: int
    calls: int
    prompt_tokens: int
    completion_tokens: int | None
    cost: float | None
    minutes: float | None
