"""What the steps of a method ask of a language model, and nothing more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, runtime_checkable

from graphlab.tag.llm._messages import Prompt
from graphlab.tag.llm.cost import CostEstimate

__all__ = ["ChatClient", "Reply"]


class Reply(Protocol):
    """An answer: whether it can be used, and what it says; see :class:`LLMReply`."""

    @property
    def ok(self) -> bool:
        """Whether there is a usable answer."""

    @property
    def text(self) -> str:
        """Words of the model."""

    @property
    def value(self) -> Any:
        """Validated object where a schema was given and the answer follows it."""

    @property
    def status(self) -> str:
        """``"ok"``, or the kind of failure."""

    @property
    def error(self) -> str:
        """Description of the failure, if there was one."""

    @property
    def prompt_tokens(self) -> int:
        """Tokens read by the model; 0 where nobody counts."""

    @property
    def completion_tokens(self) -> int:
        """Tokens written by the model; 0 where nobody counts."""


class ChatClient(Protocol):
    """Anything that answers prompts, in their order: an :class:`LLMClient`, or a stand-in.

    Every step that asks a language model takes one as its first argument.
    """

    def complete_many(self, prompts: Iterable[Prompt], *, schema: Any = None) -> Sequence[Reply]:
        """One record per prompt.

        Args:
            prompts (Iterable): Texts, or conversations of messages with ``role`` and ``content``.
            schema (type, optional): A pydantic model that answers must follow.

        Returns:
            Sequence[Reply]: As many records as prompts.
        """


@runtime_checkable
class SupportsEstimate(Protocol):
    """A client that also tells what a run would need."""

    def estimate(self, prompts: Iterable[Prompt], *, schema: Any = None) -> CostEstimate:
        """Calls, tokens and money of a run, without a call."""
