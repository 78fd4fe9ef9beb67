"""Explanations of a language model, one per node."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

from graphlab._checks import check_int
from graphlab._ordered import refuse_unordered
from graphlab._random import make_generator, random_order
from graphlab._repr import short_repr
from graphlab.tag._ids import distinct_ids
from graphlab.tag._texts import check_texts
from graphlab.tag.llm._asking import ask_all, check_client
from graphlab.tag.llm._thoughts import without_thoughts
from graphlab.tag.llm.answer_check import AnswerCheck, compare_answers
from graphlab.tag.llm.cost import CostEstimate
from graphlab.tag.llm.protocol import ChatClient, Reply, SupportsEstimate
from graphlab.tag.tape.prompt import ExplanationPrompt, RankedPrediction, shown_order
from graphlab.tag.tape.table import Explanation, ExplanationTable, check_ids

__all__ = ["ExplanationGenerator"]

_LISTED = 10
_NOTHING = "(no text)"  # the document of a question about nothing
_MANY = 20  # answers that tell something about the model
_ALIKE = 0.95  # share of one class that is worth a word


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
        seed (int, optional): Seed of the order in which the classes are shown, drawn for every text
            anew: what a model prefers about a place in the list then falls on all classes alike.
            None shows them as given, as TAPE does.

    Raises:
        TypeError: If the client does not answer prompts, or the prompt is of another kind.

    Example:
        >>> generator = ExplanationGenerator(client, prompt)  # doctest: +SKIP
        >>> table = generator.run(graph.text, out="explanations.jsonl")  # doctest: +SKIP
        >>> ranked, texts = table.ranked_predictions(), table.texts()  # doctest: +SKIP
    """

    def __init__(
        self,
        client: ChatClient,
        prompt: ExplanationPrompt,
        *,
        structured: bool = True,
        seed: int | None = 0,
    ) -> None:
        if not isinstance(prompt, ExplanationPrompt):
            raise TypeError(f"prompt must be an ExplanationPrompt, got {type(prompt).__name__}")
        self.client = check_client(client)
        self.prompt = prompt
        self.structured = bool(structured)
        self.seed = None if seed is None else check_int(seed, "seed")

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
        if isinstance(ids, (str, bytes)):
            raise TypeError(f"ids must be a list of names, got {type(ids).__name__}")
        names = None if ids is None else [_plain(name) for name in ids]
        if out is not None and names is not None:
            check_ids(names)  # before anything is paid for
        texts = _listed(texts)
        prompts = self._prompts(texts, names)
        keys = distinct_ids(names, len(prompts))
        replies = ask_all(self.client, prompts, self._schema())
        rows = tuple(self._row(key, reply) for key, reply in zip(keys, replies, strict=True))
        self._warn_of_places(texts, rows)
        table = ExplanationTable(rows, tuple(self.prompt.classes), self.prompt.k)
        if out is not None:
            table.write(out)
        return table

    def check(self, texts: Sequence[str], *, count: int = 24, seed: int = 0) -> AnswerCheck:
        """Ask whether answers depend on the texts: a sample, put in two orders, and nothing.

        The first class named about a text is compared with that named where the classes are shown
        in the reverse order, and with that about an empty document. Costs up to three calls per
        text of the sample; those in the first order are the calls of :meth:`run`.

        Args:
            texts (Sequence[str]): N texts.
            count (int): Most texts of the sample.
            seed (int): Seed of the sample.

        Returns:
            AnswerCheck: The figures. A warning gives them where the answers are not informative.

        Raises:
            TypeError, ValueError: If a text is missing or empty.
            LLMError: If no call can succeed.
        """
        known = check_texts(texts)
        most = min(check_int(count, "count", minimum=1), len(known))
        drawn = random_order(len(known), make_generator(seed), "cpu")
        chosen = drawn[:most].tolist()
        orders = [self._order(known[at]) for at in chosen]
        asked = self._render([known[at] for at in chosen])
        asked += [
            self.prompt.render(known[at], order[::-1])
            for at, order in zip(chosen, orders, strict=True)
        ]
        asked += [self.prompt.render(_NOTHING, order) for order in orders]
        replies = ask_all(self.client, asked, self._schema())
        rows = [self._row(at, reply) for at, reply in enumerate(replies)]
        names = [self.prompt.classes[row.ranked[0]] if row.ranked else None for row in rows]
        shown = [(self.prompt.classes[o[0]], self.prompt.classes[o[-1]]) for o in orders]
        report = compare_answers(
            names[:most], names[most : 2 * most], names[2 * most :], shown, "documents"
        )
        report.warn()
        return report

    def _warn_of_places(self, texts: Sequence[str], rows: Sequence[Explanation]) -> None:
        """Warn, without a further call, where a place in the list or one class answers for all."""
        count, size = 0, len(self.prompt.classes)
        places: Counter[int] = Counter()
        named: Counter[int] = Counter()
        for text, row in zip(texts, rows, strict=True):
            if row.ranked:
                count += 1
                places[self._order(text).index(row.ranked[0])] += 1
                named[row.ranked[0]] += 1
        if count < _MANY:
            return
        place, often = places.most_common(1)[0]
        label, most = named.most_common(1)[0]
        what = ""
        if self.seed is not None and often / count > (1 + 1 / size) / 2:
            what = f"{often} of {count} answers name the class at place {place + 1} of the list"
        elif most / count >= _ALIKE:
            what = f"{most} of {count} answers name {self.prompt.classes[label]!r}"
        if what:
            warnings.warn(
                f"{what}, whatever the text: do they depend on it? "
                "ExplanationGenerator.check(texts) asks",
                RuntimeWarning,
                stacklevel=3,
            )

    def _schema(self) -> Any:
        return self.prompt.schema() if self.structured else None

    def _prompts(
        self, texts: Sequence[str], names: list[Hashable] | None
    ) -> list[list[dict[str, str]]]:
        listed = _listed(texts)
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
        return self._render(listed)

    def _order(self, text: str) -> tuple[int, ...]:
        return shown_order(self.prompt.classes, text, self.seed)

    def _render(self, texts: Sequence[str]) -> list[list[dict[str, str]]]:
        return [self.prompt.render(text, self._order(text)) for text in texts]

    def _row(self, node: Hashable, reply: Reply) -> Explanation:
        prediction = RankedPrediction((), "")
        text = without_thoughts(reply.text)
        value = getattr(reply, "value", None)
        if value is not None:
            named = (self.prompt.classes.index(name) for name in value.labels)
            prediction = RankedPrediction(tuple(dict.fromkeys(named)), value.explanation.strip())
        elif text.strip() and reply.status not in ("refused", "unfinished"):
            prediction = self.prompt.parse(text)
        usable = prediction.labels or reply.ok
        return Explanation(
            node,
            prediction.status if usable else reply.status,
            prediction.labels,
            prediction.explanation,
            text,
            reply.prompt_tokens,
            reply.completion_tokens,
            reply.error,
        )


def _listed(texts: Any) -> list[Any]:
    """Texts in their order, of an iterator too, as they are read more than once.

    Raises:
        TypeError: If it is one text, has no order, or is nothing to go through.
    """
    refuse_unordered(texts, "texts")
    if isinstance(texts, (str, bytes)):
        raise TypeError("texts must be a list of texts, got one text")
    if not isinstance(texts, Iterable):
        raise TypeError(f"texts must be a list of texts, got {type(texts).__name__}")
    return list(texts)


def _plain(name: Any) -> Hashable:
    """A number out of an array or a tensor as Python's own, which JSON can hold."""
    value: Hashable = name.item() if hasattr(name, "item") else name
    return value
