"""Answers of a language model about every node, as a table."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from graphlab._io import _dump_json, _load_json, atomic_write, user_path
from graphlab._repr import short_repr
from graphlab.tag._unicode import encodable
from graphlab.tag.tape.ranked import read_ranked_predictions

__all__ = ["Explanation", "ExplanationTable"]

_LISTED = 10
_MOST = 1_000_000  # classes per node: a damaged number must not fill the memory


@short_repr
@dataclass(frozen=True)
class Explanation:
    """The answer about one node.

    Attributes:
        node (Hashable): Its id.
        status (str): ``"ok"``; ``"empty"`` if no class was named; otherwise the status of the reply
            (see :class:`LLMReply`).
        ranked (tuple[int, ...]): Class ids from 0, best first.
        explanation (str): The reasons.
        raw (str): The answer, whole.
        prompt_tokens (int): Tokens read by the model.
        completion_tokens (int): Tokens written by it.
        error (str): What went wrong; empty if nothing did.
    """

    node: Hashable
    status: str
    ranked: tuple[int, ...]
    explanation: str
    raw: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    error: str = ""


@short_repr
@dataclass(frozen=True)
class ExplanationTable:
    """A row per node, in the order of the texts.

    Attributes:
        rows (tuple[Explanation, ...]): The answers.
        classes (tuple[str, ...]): Names of the classes.
        k (int): Most classes asked for.
    """

    rows: tuple[Explanation, ...]
    classes: tuple[str, ...]
    k: int

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Explanation]:
        return iter(self.rows)

    def __getitem__(self, position: int) -> Explanation:
        return self.rows[position]

    def counts(self) -> dict[str, int]:
        """Number of rows by status."""
        counts: dict[str, int] = {}
        for row in self.rows:
            counts[row.status] = counts.get(row.status, 0) + 1
        return counts

    def ranked_predictions(self) -> Tensor:
        """Ranked classes as int64 ``(N, k)``, class id plus one, 0 for none: the feature P."""
        lists = [row.ranked for row in self.rows]
        return read_ranked_predictions(lists, len(self), len(self.classes), self.k, unique=True)

    def texts(self, fallback: Sequence[str] | None = None) -> list[str]:
        """Answers in words, the text of the feature E: the classes, then the reasons.

        Args:
            fallback (Sequence[str], optional): Texts for nodes without an answer, such as their
                own.

        Returns:
            list[str]: N texts.

        Raises:
            ValueError: If nodes have no answer and there is no fallback; they are listed.
        """
        if fallback is not None and len(fallback) != len(self):
            raise ValueError(f"fallback must have {len(self)} texts, got {len(fallback)}")
        lacking = [row.node for row in self.rows if not row.raw.strip()]
        if lacking and fallback is None:
            raise ValueError(
                f"{len(lacking)} nodes have no answer: {lacking[:_LISTED]}; "
                "give fallback texts for them"
            )
        own = [""] * len(self) if fallback is None else fallback
        pairs = zip(self.rows, own, strict=True)
        return [self._text(row) if row.raw.strip() else text for row, text in pairs]

    def _text(self, row: Explanation) -> str:
        if row.explanation.strip() == row.raw.strip():
            return row.explanation  # free text holds its list already
        names = ", ".join(self.classes[label] for label in row.ranked)
        return f"{names}\n\n{row.explanation}".strip() or row.raw.strip()

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write one JSON object per line, behind a line with classes and k, atomically.

        Args:
            path (path): File to write.

        Raises:
            TypeError: If an id of a node is neither a string nor a number.
        """
        check_ids([row.node for row in self.rows])
        lines = [_dump_json({"classes": self.classes, "k": self.k})]
        lines += [_dump_json(dataclasses.asdict(row)) for row in self.rows]
        # Clients of others may give half of a pair of surrogates, which no file takes.
        atomic_write(user_path(path), (encodable("\n".join(lines)) + "\n").encode())

    @staticmethod
    def read(path: str | os.PathLike[str]) -> ExplanationTable:
        """Read what :meth:`write` wrote.

        Args:
            path (path): File to read.

        Returns:
            ExplanationTable: The table.

        Raises:
            ValueError: If the file is something else.
        """
        path = user_path(path)
        try:
            lines = path.read_text(encoding="utf-8").split("\n")
            head, *rows = [_load_json(line) for line in lines if line]
            classes, k = _head(head)
            answers = tuple(_row(row, len(classes)) for row in rows)
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise ValueError(f"{path} is not a table of explanations: {error!s:.400}") from error
        return ExplanationTable(answers, classes, k)


def _head(head: Any) -> tuple[tuple[str, ...], int]:
    classes, k = head["classes"], head["k"]
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
        raise ValueError("classes must be a list of names")
    if not classes:
        raise ValueError("classes must hold at least one name")
    if isinstance(k, bool) or not isinstance(k, int) or not 1 <= k <= _MOST:
        raise ValueError(f"k must be a positive integer, got {k!r:.40}")
    return tuple(classes), k


#: Types of the fields of a row, besides its node and its classes.
_FIELDS = {
    "status": str, "explanation": str, "raw": str, "error": str, "prompt_tokens": int,
    "completion_tokens": int,
}  # fmt: skip


def _row(row: Any, num_classes: int) -> Explanation:
    """A row whose fields are what they are in a table that was written."""
    answer = Explanation(**{**row, "ranked": tuple(row["ranked"])})
    for name, kind in _FIELDS.items():
        if type(getattr(answer, name)) is not kind:
            raise TypeError(f"{name} must be {kind.__name__}, got {getattr(answer, name)!r:.40}")
    if not isinstance(answer.node, (str, int, float)):
        raise TypeError(f"node must be a name or number, got {answer.node!r:.40}")
    for label in answer.ranked:
        if type(label) is not int or not 0 <= label < num_classes:
            raise ValueError(
                f"ranked must hold numbers of {num_classes} classes, got {label!r:.40}"
            )
    return answer


def check_ids(ids: Sequence[Hashable]) -> None:
    """Check that ids of nodes can be written.

    Raises:
        TypeError: If one is neither a string nor a number.
    """
    odd = [name for name in ids if not isinstance(name, (str, int, float))]
    if odd:
        raise TypeError(f"ids of nodes must be strings or numbers to be written, got {odd[0]!r}")
