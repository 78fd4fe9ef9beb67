"""Filtered ranks of true answers among all candidates, without the matrix of scores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from graphlab._checks import (
    Array,
    check_choice,
    check_index,
    check_int,
    check_matrix,
    check_pointers,
    check_same_device,
    check_tensor,
    from_array,
)
from graphlab._repr import short_repr
from graphlab._sorted import sort_values
from graphlab.ops import pairwise_rank

__all__ = ["Ranks", "filtered_ranks", "rank_metrics"]

Tie = Literal["realistic", "pessimistic", "optimistic"]
_TIES = ("realistic", "pessimistic", "optimistic")


@short_repr
@dataclass(frozen=True)
class Ranks:
    """Two counts of every query, from which its rank follows by any rule for ties.

    Attributes:
        greater (Tensor): Candidates that score above the true answer, ``(Q,)`` int64.
        equal (Tensor): Other candidates that score the same, ``(Q,)`` int64.
        candidates (Tensor): Candidates, the true answer among them, ``(Q,)`` int64.
        num_known (int, optional): Distinct triples that were known, and left out where they answer
            a query beside the true one; figures of different filters do not compare.
        num_unseen (int, optional): Queries with an entity that no training triple holds.

    Raises:
        TypeError, ValueError: If the counts are no int64 vectors of one length, or cannot be.

    Example:
        >>> counts = [torch.tensor(c) for c in ([0, 2], [1, 0], [10, 10])]
        >>> Ranks(*counts).rank("pessimistic")
        tensor([2., 3.], dtype=torch.float64)
    """

    greater: Tensor
    equal: Tensor
    candidates: Tensor
    num_known: int | None = None
    num_unseen: int | None = None

    def __post_init__(self) -> None:
        for name in ("greater", "equal", "candidates"):
            counts = check_tensor(getattr(self, name), name)
            if counts.dtype != torch.int64 or counts.shape != (len(self),):
                raise ValueError(
                    f"{name} must be int64 of shape ({len(self)},), got {counts.dtype} "
                    f"{tuple(counts.shape)}"
                )
            if counts.numel() and int(counts.min()) < 0:
                raise ValueError(f"{name} must hold no negative count, got {int(counts.min())}")
        over = self.greater + self.equal >= self.candidates
        if bool(over.any()):
            query = int(over.nonzero()[0])
            raise ValueError(
                f"candidates must exceed greater + equal, but query {query} has "
                f"{int(self.candidates[query])} for {int(self.greater[query])} + "
                f"{int(self.equal[query])}"
            )

    def __len__(self) -> int:
        return self.greater.numel()

    def rank(self, tie: Tie = "realistic") -> Tensor:
        """Ranks from 1, ``(Q,)`` float64.

        Args:
            tie (str): ``"optimistic"`` puts the true answer before all that score the same,
                ``"pessimistic"`` behind them, ``"realistic"`` in the middle.

        Returns:
            Tensor: The ranks; halves are possible in the middle.
        """
        check_choice(tie, "tie", _TIES)
        share = {"optimistic": 0.0, "realistic": 0.5, "pessimistic": 1.0}[tie]
        return self.greater.double() + share * self.equal.double() + 1


def rank_metrics(
    ranks: Ranks, *, tie: Tie = "realistic", k: Sequence[int] = (1, 3, 10)
) -> dict[str, float]:
    """Means over the queries: reciprocal rank, rank, hits, and how many ranks hang on ties.

    ``amri`` is one minus the mean rank over its expectation for random scores (both less 1): 1 is
    perfect, 0 is chance, whatever the number of candidates. Where ``ties`` is not small, the three
    rules differ, and a figure without its rule says little: a model that scores everything alike
    has an optimistic reciprocal rank of 1.

    Args:
        ranks (Ranks): The counts.
        tie (str): See :meth:`Ranks.rank`. ``"realistic"`` is the rule of ogb and PyKEEN,
            ``"pessimistic"`` that of many published programs.
        k (sequence of int): Cut-offs of the hits.

    Returns:
        dict[str, float]: ``mrr``, ``mr``, ``amri`` (NaN if no query has a choice), ``hits@k`` for
        each k, and ``ties``, the share of queries whose answer ties with another candidate.

    Raises:
        TypeError, ValueError: If an argument is malformed, or there is no query.

    Reference: Berrendorf et al., "On the ambiguity of rank-based evaluation of entity alignment or
        link prediction methods", arXiv:2002.06914.

    Example:
        >>> counts = [torch.tensor(c) for c in ([0, 2], [1, 0], [10, 10])]
        >>> {key: round(value, 3) for key, value in rank_metrics(Ranks(*counts), k=(1, 3)).items()}
        {'mrr': 0.5, 'mr': 2.25, 'amri': 0.722, 'hits@1': 0.0, 'hits@3': 1.0, 'ties': 0.5}
    """
    if not isinstance(ranks, Ranks):
        raise TypeError(
            f"ranks must be Ranks, got {type(ranks).__name__}: filtered_ranks and KGEmbedding.rank "
            "give them"
        )
    if not len(ranks):
        raise ValueError("ranks must hold at least one query, got none")
    if isinstance(k, (str, bytes)) or not isinstance(k, Iterable):
        raise TypeError(f"k must be a sequence of cut-offs, such as (1, 3, 10), got {k!r}")
    rank = ranks.rank(tie)
    expected = (ranks.candidates.double() - 1).mean() / 2
    metrics = {
        "mrr": float(rank.reciprocal().mean()),
        "mr": float(rank.mean()),
        "amri": 1 - float(rank.mean() - 1) / float(expected) if float(expected) else float("nan"),
    }
    for cut in k:
        metrics[f"hits@{check_int(cut, 'k', minimum=1)}"] = float((rank <= cut).double().mean())
    metrics["ties"] = float((ranks.equal > 0).double().mean())
    return metrics


@torch.no_grad()
def filtered_ranks(
    query: Array,
    entity: Array,
    truth: Array,
    known: tuple[Array, Array] | None = None,
) -> Ranks:
    r"""Rank true answers by :math:`\langle q_i, e_j \rangle`, other known answers left out.

    Scores are compared one tile at a time: memory does not grow with the number of queries times
    the number of candidates. The true score is computed as all others are, so that equal rows tie
    exactly. NaN compares as false and would put a diverged model first: it is refused.

    Args:
        query (Tensor or ndarray): Floating point ``(Q, D)``, finite.
        entity (Tensor or ndarray): Floating point ``(N, D)``, finite; float64 on either side
            computes in it.
        truth (Tensor or ndarray): Row of the true answer, ``(Q,)`` integers in ``[0, N)``.
        known (tuple, optional): Two tensors or arrays: pointers ``(Q + 1,)`` int64 and rows of
            ``entity``: those of query i stand from ``ptr[i]`` to ``ptr[i + 1]``, the true one among
            them. None filters nothing.

    Returns:
        Ranks: Counts above and equal, and the number of candidates.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range, a value is
            not finite, products overflow, or a query's true answer is not among the known ones.

    Complexity: O(Q N D + K D) time for K known answers, O((Q + N) D + K) memory.
    Determinism: bitwise, whatever the number of threads.

    Example:
        >>> entity = torch.tensor([[1.0], [3.0], [2.0], [2.0]])
        >>> known = torch.tensor([0, 2]), torch.tensor([1, 2])
        >>> ranks = filtered_ranks(torch.ones(1, 1), entity, torch.tensor([2]), known)
        >>> ranks.greater.tolist(), ranks.equal.tolist(), ranks.candidates.tolist()
        ([0], [1], [3])
    """
    query = check_matrix(from_array(query, "query"), "query")
    entity = check_matrix(from_array(entity, "entity"), "entity", cols=query.size(1))
    rows = from_array(truth, "truth")
    truth = check_index(rows, entity.size(0), "truth", length=query.size(0))
    ptr, index = (None, None) if known is None else _pair(known)
    check_same_device(query=query, entity=entity, truth=truth, known_ptr=ptr, known_index=index)
    other_ptr, other = _others(ptr, index, truth, entity.size(0))
    greater, equal = pairwise_rank(query, entity, truth, other_ptr, other)
    return Ranks(greater, equal, entity.size(0) - other_ptr.diff())


def _pair(known: tuple[Array, Array]) -> tuple[Tensor, Tensor]:
    if not isinstance(known, (tuple, list)) or len(known) != 2:
        raise TypeError(
            "known must be a pair of tensors, pointers (Q + 1,) and rows of entity, got "
            f"{type(known).__name__}"
        )
    first, second = from_array(known[0], "known[0]"), from_array(known[1], "known[1]")
    return check_tensor(first, "known[0]"), check_tensor(second, "known[1]")


def _others(
    ptr: Tensor | None, index: Tensor | None, truth: Tensor, count: int
) -> tuple[Tensor, Tensor]:
    """Distinct known answers of every query but the true one, as pointers and rows."""
    if ptr is None or index is None:
        return truth.new_zeros(truth.numel() + 1), truth.new_zeros(0)
    index = check_index(index, count, "known[1]")
    ptr = check_pointers(ptr, index.numel(), "known[0]")
    if ptr.numel() != truth.numel() + 1:
        raise ValueError(f"known[0] must have {truth.numel() + 1} entries, got {ptr.numel()}")
    row = torch.repeat_interleave(ptr.diff())
    found = torch.zeros_like(truth, dtype=torch.bool)
    found[row[index == truth[row]]] = True
    if not bool(found.all()):
        missing = (~found).nonzero().view(-1)
        first = int(missing[0])
        raise ValueError(
            f"known must hold the true answer of every query, but lacks {missing.numel()} of "
            f"{truth.numel()}, first that of query {first} ({int(truth[first])}): give the triples "
            "of all splits"
        )
    other = index != truth[row]
    row, index = row[other], index[other]
    key = row * count + index
    # Keys that ascend are not sorted again: for millions that takes longer than the ranking.
    if bool((key[1:] <= key[:-1]).any()):
        key = sort_values(key).unique_consecutive()
        row, index = key // count, key % count
    counts = torch.bincount(row, minlength=truth.numel())
    return torch.cat([counts.new_zeros(1), counts.cumsum(0)]), index
