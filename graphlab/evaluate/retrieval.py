"""Scores of retrieved documents, with intervals over the questions."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence, Set
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from graphlab._checks import check_int, check_list
from graphlab._plain_ids import plain_id

__all__ = ["compare_retrieval", "retrieval_scores"]

_LEVEL = (2.5, 97.5)
_CHUNK = 1 << 20  # drawn questions that are held at once

Rows = Sequence[Sequence[Hashable]]
Gold = Sequence[Collection[Hashable]]
Table = dict[str, NDArray[np.float64]]


def retrieval_scores(
    ids: Rows,
    gold: Gold,
    k: Sequence[int] = (1, 2, 5, 10, 20),
    *,
    groups: Sequence[Hashable] | None = None,
    corpus: Collection[Hashable] | None = None,
    num_bootstrap: int = 1_000,
    seed: int = 0,
) -> dict[str, Any]:
    """Recall, complete answers and reciprocal rank of ranked documents.

    ``recall@k`` is the share of a question's documents among its first k, ``all@k`` tells whether
    all are there, ``mrr`` is one over the rank of the first; each is the mean over the questions.
    Their intervals (95 %) come from resampling questions: with 100 questions they are wide, and a
    difference between two methods needs :func:`compare_retrieval`.

    Args:
        ids (sequence of sequences): Retrieved ids of each question, best first; rows may be
            shorter than the largest k. Tensors and arrays are read as the lists they hold.
        gold (sequence of collections): Ids that answer each question; none may be empty.
        k (sequence of int): Cut-offs.
        groups (sequence, optional): Group of each question, such as its number of hops; a tensor
            or an array, too.
        corpus (collection, optional): All ids that can be retrieved; answers outside are counted
            as ``missing_gold`` (they stay in the denominators).
        num_bootstrap (int): Resamples; 0 gives no intervals.
        seed (int): Seed of the resamples.

    Returns:
        dict: Each score by name; ``<score>_interval`` (low, high); ``num_questions``; with
        ``corpus`` ``missing_gold``; with ``groups`` the same for each in ``groups``.

    Raises:
        TypeError: If a row is no list of ids, or the rows or groups have no order.
        ValueError: If lengths differ, a row holds an id twice, or a question has no answer.

    Example:
        >>> scores = retrieval_scores([["a", "b"], ["c", "d"]], [["a"], ["d", "x"]], k=(1, 2))
        >>> scores["recall@1"], scores["recall@2"], scores["all@2"], scores["mrr"]
        (0.5, 0.75, 0.5, 0.75)
    """
    gold = _plain_rows(gold)
    table = _score_table(ids, gold, k)
    count = len(gold)
    named = None if groups is None else _groups(groups, count)
    check_int(num_bootstrap, "num_bootstrap", minimum=0)
    check_int(seed, "seed", minimum=0)
    result = _summary(table, np.arange(count), num_bootstrap, seed)
    if corpus is not None:
        known = set(_plain_row(corpus))
        result["missing_gold"] = sum(item not in known for row in gold for item in set(row))
    if named is not None:
        members: dict[Hashable, list[int]] = {}
        for question, group in enumerate(named):
            members.setdefault(group, []).append(question)
        result["groups"] = {
            group: _summary(table, np.array(rows), num_bootstrap, seed)
            for group, rows in sorted(members.items(), key=lambda item: str(item[0]))
        }
    return result


def compare_retrieval(
    a: Rows,
    b: Rows,
    gold: Gold,
    k: Sequence[int] = (1, 2, 5, 10, 20),
    *,
    num_bootstrap: int = 10_000,
    seed: int = 0,
) -> dict[str, dict[str, Any]]:
    """Differences between two rankings of the same questions, by a paired bootstrap.

    Args:
        a (sequence of sequences): Retrieved ids of the one method, best first.
        b (sequence of sequences): Those of the other.
        gold (sequence of collections): Ids that answer each question.
        k (sequence of int): Cut-offs.
        num_bootstrap (int): Resamples of the questions, at least 1.
        seed (int): Seed of the resamples.

    Returns:
        dict: For each score ``difference`` (a minus b), ``interval`` (95 %, low and high) and
        ``share_above``, the share of resamples in which a is better.

    Raises:
        TypeError, ValueError: As :func:`retrieval_scores`.
    """
    check_int(num_bootstrap, "num_bootstrap", minimum=1)
    gold = _plain_rows(gold)
    first, second = _score_table(a, gold, k, "a"), _score_table(b, gold, k, "b")
    differences = {name: first[name] - second[name] for name in first}
    resampled = _resampled_means(differences, num_bootstrap, seed)
    result = {}
    for name, difference in differences.items():
        means = resampled[name]
        low, high = np.percentile(means, _LEVEL)
        result[name] = {
            "difference": float(difference.mean()),
            "interval": (float(low), float(high)),
            "share_above": float((means > 0).mean()),
        }
    return result


def _resampled_means(table: Table, number: int, seed: int) -> Table:
    """Means of every score over so many resamples of the questions, ``(number,)`` each.

    A few resamples at a time: the draws are those of one table of all, which would hold thousands
    of times the questions.
    """
    random = np.random.default_rng(check_int(seed, "seed", minimum=0))
    count = len(next(iter(table.values())))
    step = max(1, _CHUNK // count)
    means = {name: np.empty(number) for name in table}
    for start in range(0, number, step):
        part = slice(start, min(start + step, number))
        sample = random.integers(0, count, (part.stop - part.start, count))
        for name, values in table.items():
            means[name][part] = values[sample].mean(axis=1)
    return means


def _summary(
    table: Table, questions: NDArray[np.int64], num_bootstrap: int, seed: int
) -> dict[str, Any]:
    result: dict[str, Any] = {"num_questions": int(questions.size)}
    own = {name: values[questions] for name, values in table.items()}
    resampled = _resampled_means(own, num_bootstrap, seed) if num_bootstrap else {}
    for name, values in own.items():
        result[name] = float(values.mean())
        if name in resampled:
            low, high = np.percentile(resampled[name], _LEVEL)
            result[f"{name}_interval"] = (float(low), float(high))
    return result


def _score_table(ids: Rows, gold: Gold, k: Sequence[int], name: str = "ids") -> Table:
    """Scores of each question, by name of the score."""
    ids = _plain_rows(ids)
    for rows_of, given in ((name, ids), ("gold", gold)):
        for question, entry in enumerate(check_list(given, rows_of, "lists of ids")):
            if isinstance(entry, str) or not isinstance(entry, Iterable):
                raise TypeError(
                    f"{rows_of}[{question}] must be a list of ids, got {entry!r}: write [{entry!r}]"
                )
    if len(ids) != len(gold):
        raise ValueError(f"{name} must have {len(gold)} rows, one a question, got {len(ids)}")
    if not len(gold):
        raise ValueError("gold must have at least one question")
    cuts = [check_int(cut, "k", minimum=1) for cut in check_list(k, "k", "int")]
    if not cuts:
        raise ValueError("k must name at least one cut-off")
    rows = [
        _hits(row, set(answers), q, name)
        for q, (row, answers) in enumerate(zip(ids, gold, strict=True))
    ]
    table: Table = {}
    for cut in cuts:
        share = [(ranks <= cut).sum() / wanted for ranks, wanted in rows]
        table[f"recall@{cut}"] = np.array(share)
    for cut in cuts:
        table[f"all@{cut}"] = (table[f"recall@{cut}"] == 1).astype(np.float64)
    table["mrr"] = np.array([1 / ranks[0] if ranks.size else 0.0 for ranks, _ in rows])
    return table


def _groups(groups: Any, count: int) -> list[Hashable]:
    """Groups of the questions; numbers of a tensor would each be a group of their own."""
    named: list[Hashable] = [plain_id(group) for group in check_list(groups, "groups", "names")]
    if len(named) != count:
        raise ValueError(f"groups must have {count} entries, one a question, got {len(named)}")
    return named


def _plain_rows(rows: Any) -> Any:
    """Rows of ids with the numbers of tensors and arrays as those of Python, which are equal."""
    if isinstance(rows, (Tensor, np.ndarray)):
        return rows.tolist()
    return [_plain_row(row) for row in rows] if isinstance(rows, (list, tuple)) else rows


def _plain_row(row: Any) -> Any:
    if isinstance(row, (Tensor, np.ndarray)):
        return row.tolist()
    if isinstance(row, (str, Set, Mapping)) or not isinstance(row, Iterable):
        return row
    return [_plain_id(item) for item in row]


def _plain_id(item: Any) -> Any:
    if not isinstance(item, Tensor):
        return item
    if item.dim():
        raise TypeError(f"an id must be one number or word, got a tensor of {tuple(item.shape)}")
    return item.item()


def _hits(
    row: Sequence[Hashable], answers: set[Hashable], question: int, name: str
) -> tuple[NDArray[np.int64], int]:
    """Ranks of the answers in a row, from 1, and how many answers there are."""
    if not answers:
        raise ValueError(
            f"gold must name a document for every question, but gold[{question}] is empty"
        )
    if len(set(row)) != len(row):
        twice = next(item for i, item in enumerate(row) if item in row[:i])
        raise ValueError(
            f"{name} must not repeat a document, but {name}[{question}] has {twice!r} twice"
        )
    ranks = [rank for rank, item in enumerate(row, start=1) if item in answers]
    return np.array(ranks, dtype=np.int64), len(answers)
