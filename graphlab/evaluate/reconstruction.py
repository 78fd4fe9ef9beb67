"""Graph reconstruction: how well the nearest rows of an embedding are the nodes a few hops away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from graphlab._checks import (
    Array,
    check_choice,
    check_edge_index,
    check_int,
    check_same_device,
    from_array,
)
from graphlab._feature_rows import FeatureRows, check_feature_rows, in_memory
from graphlab._ordered import refuse_unordered
from graphlab._repr import short_repr
from graphlab.ops import SparseRows, hop_distances, unit_rows

__all__ = ["MapResult", "reconstruction_map"]

_CHUNK = 1 << 22  # scores that are held at once
_RESAMPLES = 1_000

Relation = Literal["exact", "within"]
Score = Literal["dot", "cosine", "l2"]


@short_repr
@dataclass(frozen=True)
class MapResult:
    """Outcome of :func:`reconstruction_map` for one number of hops.

    Attributes:
        map (float): Mean average precision over the nodes that count, in [0, 1]; NaN without any.
        interval (tuple[float, float]): 95 % of its values under resampling of these nodes.
        precision_at_k (dict[int, float]): Mean share of relevant nodes among the first k.
        random (float): Mean average precision of a random order: what the score is to be read
            against, as it grows with the number of relevant nodes.
        nodes (int): Nodes that count: those that have a relevant node.
    """

    map: float
    interval: tuple[float, float]
    precision_at_k: dict[int, float]
    random: float
    nodes: int


def reconstruction_map(
    z: FeatureRows | Array,
    edge_index: Tensor,
    *,
    hops: Sequence[int] = (1, 2, 3),
    relation: Relation = "exact",
    score: Score = "cosine",
    k: Sequence[int] = (10, 100),
    exclude: Tensor | None = None,
    num_samples: int | None = None,
    seed: int = 0,
) -> dict[int, MapResult]:
    r"""Mean average precision of the nodes some hops away, ranked by an embedding.

    For each node all others are ranked by their score; relevant are those whose distance is the
    number of hops. Equal scores count by their expectation over all orders, so rows that are equal
    (such as zero rows) gain nothing from the numbers of the nodes.

    This measures what an embedding *stores* of the graph that it was made from. For what it
    predicts, give held-out edges as ``edge_index`` with ``hops=(1,)`` and the training edges as
    ``exclude``.

    Args:
        z (Tensor, ndarray or EmbeddingStore): ``(N, D)`` floating point, finite. Read whole: all
            pairs are compared.
        edge_index (Tensor): ``(2, E)`` edges; distances follow them from row 0 to row 1, so an
            undirected graph has both directions.
        hops (sequence of int): Distances, each at least 1.
        relation (str): ``"exact"``: nodes at this distance; ``"within"``: at this distance or less.
        score (str): ``"cosine"``, ``"dot"`` or ``"l2"`` (negative squared distance).
        k (sequence of int): Cut-offs of the precision.
        exclude (Tensor, optional): ``(2, M)`` pairs (node, partner) that are left out of the
            ranking and are not relevant.
        num_samples (int, optional): Number of nodes to rank for, drawn without repetition; all
            when missing.
        seed (int): Seed of the sample and of the resamples, at least 0.

    Returns:
        dict[int, MapResult]: By number of hops.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range.

    Complexity: O(S (N D + N log N + H E)) time for S ranked nodes and H the largest number of hops;
    O(N D + E) memory and some million scores at a time.

    Source: the task "graph reconstruction" as in RESTORE; average precision under ties as the
    expectation over random orders.

    Example:
        >>> path = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
        >>> z = torch.tensor([[0.0], [1.0], [2.5]])
        >>> found = reconstruction_map(z, path, hops=(1, 2), score="l2", k=(1,))
        >>> found[1].map, found[2].map, found[1].precision_at_k
        (1.0, 0.5, {1: 1.0})
    """
    z = in_memory(check_feature_rows(from_array(z, "z"), "z")).detach().double()
    if z.size(0) == 0:
        raise ValueError("z must have at least one row, got none")
    edges = check_edge_index(edge_index, z.size(0))
    wanted = _numbers(hops, "hops")
    cut_offs = _numbers(k, "k")
    check_choice(relation, "relation", ("exact", "within"))
    check_choice(score, "score", ("dot", "cosine", "l2"))
    seed = check_int(seed, "seed", minimum=0)
    if exclude is not None:
        exclude = check_edge_index(exclude, z.size(0), "exclude")
    check_same_device(z=z, edge_index=edges, exclude=exclude)
    nodes = _sample(z.size(0), num_samples, seed, z.device)
    table = _Table(wanted)
    # Row u holds the nodes that an edge from u leads to.
    forward = SparseRows.from_edge_index(edges.flip(0), z.size(0))
    rank = _Scores(unit_rows(z) if score == "cosine" else z, score == "l2")
    step = max(1, _CHUNK // max(z.size(0), 1))
    for part in nodes.split(step):
        open_pairs = _candidates(part, z.size(0), exclude)
        order = rank(part).masked_fill(~open_pairs, -torch.inf).sort(dim=1, descending=True)
        distance = hop_distances(part, forward, max_hops=max(wanted))
        for hop in wanted:
            near = (distance == hop) if relation == "exact" else (distance > 0) & (distance <= hop)
            relevant = (near & open_pairs).gather(1, order.indices)
            table.add(hop, _Ranking(order.values, relevant, open_pairs.sum(1)), cut_offs)
    return {hop: table.result(hop, cut_offs, seed) for hop in wanted}


def _numbers(values: Sequence[int], name: str) -> list[int]:
    """Distinct positive numbers."""
    refuse_unordered(values, name)
    if isinstance(values, (str, bytes)) or not isinstance(values, Sequence):
        raise TypeError(f"{name} must be a sequence of numbers, such as (1, 2), got {values!r}")
    if not values:
        raise ValueError(f"{name} must hold at least one number, got {values!r}")
    numbers = [check_int(value, name, minimum=1) for value in values]
    if len(set(numbers)) != len(numbers):
        raise ValueError(f"{name} must be distinct, got {numbers}")
    return numbers


def _sample(size: int, number: int | None, seed: int, device: torch.device) -> Tensor:
    if number is None:
        return torch.arange(size, device=device)
    number = check_int(number, "num_samples", minimum=1, maximum=size)
    drawn = np.random.default_rng(seed).choice(size, number, replace=False)
    return torch.from_numpy(np.sort(drawn)).to(device)


def _candidates(nodes: Tensor, size: int, exclude: Tensor | None) -> Tensor:
    """Who is ranked for each of some nodes, bool ``(B, N)``: all but itself and the excluded."""
    rows = torch.arange(nodes.numel(), device=nodes.device)
    result = torch.ones((nodes.numel(), size), dtype=torch.bool, device=nodes.device)
    result[rows, nodes] = False
    if exclude is not None:
        row_of = nodes.new_full((size,), -1)
        row_of[nodes] = rows
        here = row_of[exclude[0]] >= 0
        result[row_of[exclude[0, here]], exclude[1, here]] = False
    return result


class _Scores:
    """Scores of some nodes against all; equal rows get equal scores to the last bit."""

    def __init__(self, z: Tensor, squared_distance: bool) -> None:
        # A matrix product may round its last columns otherwise than the rest, so that equal rows
        # would get different scores: every distinct row is scored once.
        self.distinct, self.inverse = torch.unique(z, dim=0, return_inverse=True)
        self.z = z
        self.squared = self.distinct.square().sum(1) if squared_distance else None

    def __call__(self, nodes: Tensor) -> Tensor:
        score = self.z[nodes] @ self.distinct.t()
        if self.squared is not None:  # without the node's own norm, which changes no order
            score = 2 * score - self.squared
        if not bool(score.isfinite().all()):
            raise ValueError("z must have finite inner products: scale its rows")
        every: Tensor = score[:, self.inverse]
        return every


class _Ranking:
    """Relevant nodes in the order of descending scores, with the groups of equal scores.

    Attributes:
        relevant (Tensor): bool ``(B, N)``.
        total (Tensor): Number of relevant nodes, float64 ``(B,)``.
        size (Tensor): Number of ranked nodes, float64 ``(B,)``.
        before, members, hits, hits_before (Tensor): For each position its group's first position,
            its members, the relevant ones, and the relevant ones before it, float64 ``(B, N)``.
    """

    def __init__(self, score: Tensor, relevant: Tensor, size: Tensor) -> None:
        self.relevant = relevant
        self.size = size.double()
        counts = relevant.double().cumsum(1)
        self.total = counts[:, -1]
        first = torch.ones_like(relevant)
        first[:, 1:] = score[:, 1:] != score[:, :-1]
        group = first.long().cumsum(1) - 1
        number = torch.zeros_like(counts).scatter_add_(1, group, torch.ones_like(counts))
        hits = torch.zeros_like(counts).scatter_add_(1, group, relevant.double())
        self.members, self.hits = number.gather(1, group), hits.gather(1, group)
        self.before = (number.cumsum(1) - number).gather(1, group)
        self.hits_before = (hits.cumsum(1) - hits).gather(1, group)

    def average_precision(self) -> Tensor:
        """Expected average precision over all orders of equal scores, ``(B,)``; 0 of none."""
        position = torch.arange(1, self.members.size(1) + 1, device=self.members.device)
        among = position - self.before - 1  # members of the group ahead of this one
        ahead = self.hits_before + among * (self.hits - 1) / (self.members - 1).clamp(min=1)
        terms = self.hits / self.members * (1 + ahead) / position
        return terms.sum(1) / self.total.clamp(min=1)

    def random_average_precision(self) -> Tensor:
        """The same if all scores were equal, ``(B,)``."""
        steps = torch.arange(1, self.members.size(1) + 1, device=self.members.device)
        harmonic = torch.cat([self.size.new_zeros(1), (1 / steps.double()).cumsum(0)])
        share = (self.total - 1) / (self.size - 1).clamp(min=1)
        mean = harmonic[self.size.long()] / self.size.clamp(min=1)
        return mean * (1 - share) + share

    def precision(self, k: int) -> Tensor:
        """Expected share of relevant nodes among the first k, ``(B,)``."""
        last = min(k, self.members.size(1)) - 1
        inside = last + 1 - self.before[:, last]
        partly = inside * self.hits[:, last] / self.members[:, last]
        return (self.hits_before[:, last] + partly) / k


class _Table:
    """Values of every node that counts, by number of hops."""

    def __init__(self, hops: list[int]) -> None:
        self._values: dict[int, list[Tensor]] = {hop: [] for hop in hops}

    def add(self, hop: int, ranking: _Ranking, cut_offs: list[int]) -> None:
        columns = [ranking.average_precision(), ranking.random_average_precision()]
        columns += [ranking.precision(k) for k in cut_offs]
        self._values[hop].append(torch.stack(columns, dim=1)[ranking.total > 0].cpu())

    def result(self, hop: int, cut_offs: list[int], seed: int) -> MapResult:
        values = torch.cat(self._values[hop]).numpy()
        if len(values) == 0:
            nan = float("nan")
            return MapResult(nan, (nan, nan), dict.fromkeys(cut_offs, nan), nan, 0)
        mean = values.mean(axis=0)
        low, high = _interval(values[:, 0], seed)
        precision = dict(zip(cut_offs, mean[2:].tolist(), strict=True))
        return MapResult(float(mean[0]), (low, high), precision, float(mean[1]), len(values))


def _interval(values: npt.NDArray[np.float64], seed: int) -> tuple[float, float]:
    draw = np.random.default_rng(seed)
    # One resample at a time: a table of all would hold a thousand times the values.
    means = [values[draw.integers(0, len(values), len(values))].mean() for _ in range(_RESAMPLES)]
    low, high = np.percentile(means, (2.5, 97.5))
    return float(low), float(high)
