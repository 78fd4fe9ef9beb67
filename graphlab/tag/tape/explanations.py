"""Explanations of a language model, one per node."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

from graphlab._repr import short_repr
from graphlab.tag._ids import distinct_ids
from graphlab.tag.llm.cost import CostEstimate
from graphlab.tag.llm.protocol import ChatClient, Reply, SupportsEstimate
from graphlab.tag.tape.prompt import ExplanationPrompt, RankedPrediction
from graphlab.tag.tape.table import Explanation, ExplanationTable, check_ids

__all__ = ["ExplanationGenerator"]

_LISTED = 10


@short_repr
class ExplanationGenerator:
    """Turn texts into ranked classes and explanations, one call per distinct text.

    Calls, retries, cache and budget are the client's: a run that is killed goes on where it was. An
    answer that cannot be used does not stop the others; its row says why. An answer that misses
    the form is read as free text before it is given up.

    Args:
        client (ChatClient): :class:`~graphlab.tag.LLMClient`, or anything like it.
        prompt (ExplanationPrompt): The question.
        structured (bool): Ask for the answer as JSON with the classes as an enumeration. TAPE asks
            for free text.

    Example:
        >>> generator = ExplanationGenerator(client, prompt)  # doctest: +SKIP
        >>> table = generator.run(graph.text, out="explanations.jsonl")  # doctest: +SKIP
        >>> ranked, texts = table.ranked_predictions(), table.texts()  # doctest: +SKIP
    """

    def __init__(
        self, client: ChatClient, prompt: ExplanationPrompt, *, structured: bool = True
    ) -> None:
        self.client = client
        self.prompt = prompt
        self.structured = bool(structured)

    def estimate(self, texts: Sequence[str]) -> CostEstimate:
        """Calls, tokens and money that :meth:`run` would need, without a call.

        Args:
            texts (Sequence[str]): N texts.

        Returns:
            CostEstimate: Calls, tokens and price.

        Raises:
            TypeError: If the client gives no estimates.
        """
        if not isinstance(self.client, SupportsEstimate):
            raise TypeError(f"{type(self.client).__name__} has no method estimate")
        return self.client.estimate(self._prompts(texts, None), schema=self._schema())

    def run(
        self,
        texts: Sequence[str],
        ids: Iterable[Hashable] | None = None,
        out: str | os.PathLike[str] | None = None,
    ) -> ExplanationTable:
        """Ask about every text and wait.

        Args:
            texts (Sequence[str]): N texts.
            ids (Iterable[Hashable], optional): Names of the nodes, distinct; positions by default.
            out (path, optional): File for the table; see :meth:`ExplanationTable.write`.

        Returns:
            ExplanationTable: A row per text, in their order.

        Raises:
            TypeError, ValueError: If a text is missing or empty (the nodes are listed), or ids
                repeat, do not fit, or cannot be written to ``out``.
            LLMError: If no call can succeed.
        """
        names = None if ids is None else [_plain(name) for name in ids]
        if out is not None and names is not None:
            check_ids(names)  # before anything is paid for
        prompts = self._prompts(texts, names)
        keys = distinct_ids(names, len(prompts))
        replies = self.client.complete_many(prompts, schema=self._schema())
        rows = tuple(self._row(key, reply) for key, reply in zip(keys, replies, strict=True))
        table = ExplanationTable(rows, tuple(self.prompt.classes), self.prompt.k)
        if out is not None:
            table.write(out)
        return table

    def _schema(self) -> Any:
        return self.prompt.schema() if self.structured else None

    def _prompts(
        self, texts: Sequence[str], names: list[Hashable] | None
    ) -> list[list[dict[str, str]]]:
        if isinstance(texts, (str, bytes)):
            raise TypeError("texts must be a list of texts, got one text")
        listed = list(texts)
        if names is not None and len(names) != len(listed):
            raise ValueError(f"ids must have {len(listed)} entries, got {len(names)}")
        keys: list[Any] = list(range(len(listed))) if names is None else names
        pairs = list(zip(keys, listed, strict=True))
        empty = [key for key, text in pairs if text is None or not str(text).strip()]
        if empty:
            raise ValueError(
                f"texts must not be empty, but those of {len(empty)} nodes are: {empty[:_LISTED]}"
            )
        wrong = [key for key, text in pairs if not isinstance(text, str)]
        if wrong:
            raise TypeError(f"texts must hold str, but those of nodes {wrong[:_LISTED]} are not")
        return [self.prompt.render(text) for text in listed]

    def _row(self, node: Hashable, reply: Reply) -> Explanation:
        prediction = RankedPrediction((), "")
        if reply.value is not None:
            named = (self.prompt.classes.index(name) for name in reply.value.labels)
            prediction = RankedPrediction(
                tuple(dict.fromkeys(named)), reply.value.explanation.strip()
            )
        elif reply.text.strip() and reply.status != "refused":
            prediction = self.prompt.parse(reply.text)
        usable = prediction.labels or reply.ok
        return Explanation(
            node,
            prediction.status if usable else reply.status,
            prediction.labels,
            prediction.explanation,
            reply.text,
            reply.prompt_tokens,
            reply.completion_tokens,
            reply.error,
        )


def _plain(name: Any) -> Hashable:
    """A number out of an array or a tensor as Python's own, which JSON can hold."""
    value: Hashable = name.item() if hasattr(name, "item") else name
    return value
