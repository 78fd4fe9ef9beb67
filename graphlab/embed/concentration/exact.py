"""Topological concentration: how much a node's neighbourhood overlaps with its neighbours'."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, overload

import torch
from torch import Tensor

from graphlab._checks import (
    check_choice,
    check_index,
    check_int,
    check_positive,
    check_same_device,
)
from graphlab._progress import waiting
from graphlab.embed.concentration._graph import (
    Targets,
    hop_factor,
    inverse,
    prepare,
)
from graphlab.embed.concentration._sums import sum_by, walk_mass
from graphlab.ops import (
    CSRGraph,
    distinct_ends,
    walk_overlap,
    walk_overlap_visits,
)

__all__ = ["topological_concentration"]


@dataclass(frozen=True)
class _Rule:
    num_hops: int
    beta: float
    count: Literal["walk", "set"]

    @property
    def total(self) -> float:
        return sum(self.beta**k for k in range(self.num_hops))


@overload
def topological_concentration(
    edge_index: Any,
    num_nodes: int | None = None,
    *,
    targets: Tensor | None = None,
    num_hops: int = 1,
    beta: float | None = None,
    count: Literal["walk", "set"] = "walk",
    nodes: Tensor | None = None,
    fill: float = 0.0,
    max_visits: float | None = None,
    direction: Literal["both"] | None = None,
) -> Tensor: ...
@overload
def topological_concentration(
    edge_index: Any,
    num_nodes: int | None = None,
    *,
    targets: Mapping[str, Tensor | None],
    num_hops: int = 1,
    beta: float | None = None,
    count: Literal["walk", "set"] = "walk",
    nodes: Tensor | None = None,
    fill: float = 0.0,
    max_visits: float | None = None,
    direction: Literal["both"] | None = None,
) -> dict[str, Tensor]: ...
def topological_concentration(
    edge_index: Any,
    num_nodes: int | None = None,
    *,
    targets: Targets = None,
    num_hops: int = 1,
    beta: float | None = None,
    count: Literal["walk", "set"] = "walk",
    nodes: Tensor | None = None,
    fill: float = 0.0,
    max_visits: float | None = None,
    direction: Literal["both"] | None = None,
) -> Tensor | dict[str, Tensor]:
    r"""Share of a node's walks that end where walks of its neighbours end, exactly.

    .. math::
        TC_i = \frac{\sum_v P_{iv} \, \frac{1}{d^t_i} \sum_{j \in \mathcal{N}^t_i} Q_{jv}}
                    {s \sum_v P_{iv} - [t = \mathrm{train}]}, \quad
        P = \sum_{k=1}^{K} \beta^{k-1} A^k, \quad Q = \sum_{k=1}^{K} \beta^{k-1} 1[A^k > 0]

    A holds the training edges, t names the targets whose neighbours are averaged, and
    :math:`s = \sum_k \beta^{k-1}`. With ``count="set"`` Q replaces P. This is the sum
    over all pairs of hops that the authors' program evaluates, collapsed into one product.

    At one hop, concentration with respect to the training edges **is** the local clustering
    coefficient. Concentration with respect to test edges uses test edges: it diagnoses, it
    cannot predict.

    Args:
        edge_index (Tensor or graph): Training edges ``(2, E)`` in both directions, without
            self-loops; duplicates count once. Or a PyG ``Data``, a square torch, torch_sparse or
            scipy sparse matrix, in which a stored zero is no edge, or a networkx graph; weights
            are not read.
        num_nodes (int, optional): N; by default that of the graph, else one more than the largest
            index: numbers that look like ids are then refused.
        targets (Tensor or dict, optional): Target edges like ``edge_index``, or several such
            sets by name. ``None`` (also as a value) means the training edges: then the neighbour
            itself, which cannot be shared, is not counted in the denominator, and nodes of
            degree 1 get ``fill``.
        num_hops (int): K, from 1 to 16.
        beta (float, optional): Positive factor per hop; one over the mean training degree when
            missing (isolated nodes included). A graph without edges needs none: all nodes get
            ``fill``.
        count (str): ``"walk"`` counts walks on the side of i, as the authors' program does;
            ``"set"`` counts distinct ends on both sides, as the text reads.
        nodes (Tensor, optional): ``(M,)`` nodes to compute; the others get ``fill``.
        fill (float): Value of nodes without target edges, without training edges, or skipped.
        max_visits (float, optional): Refuse to start if more adjacency entries than this might
            be read (see :func:`graphlab.ops.walk_overlap_visits`; about 10^8 to 10^9 per second).
        direction (str, optional): ``"both"`` takes every edge, also of the targets, in both
            directions; ``None`` refuses edges that lack their reverse.

    Returns:
        Tensor or dict: ``(N,)`` float64, for a dict of targets one such tensor per name.

    Raises:
        ValueError: If edges lack their reverse or are self-loops, an option is out of range, or
            ``max_visits`` would be exceeded.
        TypeError, IndexError: If an argument is malformed or out of range.

    Warns:
        UserWarning: If target edges are training edges as well; if a ``Data`` does not state its
            number of nodes or is a batch of a loader of neighbours, whose values are those of the
            sampled edges.

    Complexity: one hop: sum over target edges of the smaller degree. More hops: at most the
    visits bounded above. O(K N) memory per thread, O(E) besides; no power of A is formed.
    Determinism: bitwise for a given device, whatever the number of threads.

    Reference: Wang, Zhao, Zhang, Derr, "A Topological Perspective on Demystifying GNN-Based Link
        Prediction Performance", ICLR 2024, arXiv:2310.04612.

    Example:
        >>> square = torch.tensor([[0, 1, 1, 2, 2, 3, 3, 0, 0, 2], [1, 0, 2, 1, 3, 2, 0, 3, 2, 0]])
        >>> topological_concentration(square)
        tensor([0.6667, 1.0000, 0.6667, 1.0000], dtype=torch.float64)
    """
    problem = prepare(edge_index, num_nodes, targets, direction)
    train = problem.train
    rule = _Rule(
        check_int(num_hops, "num_hops", minimum=1, maximum=16),
        hop_factor(beta, train),
        check_choice(count, "count", ("walk", "set")),
    )
    if nodes is not None:
        check_same_device(edge_index=train.rowptr, nodes=nodes)
        nodes = check_index(nodes, train.num_nodes, "nodes").unique()
    pairs = {name: _pairs(graph, rule, nodes) for name, graph in problem.targets.items()}
    together = torch.cat(list(pairs.values()), dim=1)
    if max_visits is not None:
        _check_visits(train, together, rule, check_positive(max_visits, "max_visits"))
    # One call for all targets: they share the walks of their nodes.
    # A call of a few milliseconds has nothing to tell, and is not to wait for a thread that would.
    brief = rule.num_hops == 1 and train.num_edges < 100_000
    with waiting("topological concentration", shown=False if brief else None):
        overlap_of_all = walk_overlap(
            train, together, num_hops=rule.num_hops, beta=rule.beta, count=rule.count
        )
    overlaps = overlap_of_all.split([p.size(1) for p in pairs.values()])
    mass = _mass(train, rule)
    values = {}
    for overlap, (name, target) in zip(overlaps, problem.targets.items(), strict=True):
        total = sum_by(overlap, pairs[name][0], train.num_nodes)
        if _halves(rule, nodes):
            total = total + sum_by(overlap, pairs[name][1], train.num_nodes)
        tc = _normalised(total, target, mass, rule, own=target is train)
        values[name] = _filled(tc, target, train, nodes, fill)
    return problem.unwrap(values)


def _halves(rule: _Rule, nodes: Tensor | None) -> bool:
    """Test whether one overlap serves both directions of a target edge."""
    # Common ends are symmetric in i and j as long as each counts once, as at one hop.
    return nodes is None and (rule.num_hops == 1 or rule.count == "set")


def _pairs(target: CSRGraph, rule: _Rule, nodes: Tensor | None) -> Tensor:
    """Pairs (i, j) along the target edges, ascending in j."""
    pairs = target.edge_index().flip(0)
    if _halves(rule, nodes):
        return pairs[:, pairs[0] < pairs[1]]
    if nodes is None:
        return pairs
    wanted = torch.zeros(target.num_nodes, dtype=torch.bool, device=pairs.device)
    wanted[nodes] = True
    return pairs[:, wanted[pairs[0]]]


def _check_visits(train: CSRGraph, pairs: Tensor, rule: _Rule, max_visits: float) -> None:
    visits = walk_overlap_visits(train, pairs, num_hops=rule.num_hops, count=rule.count)
    if visits > max_visits:
        raise ValueError(
            f"up to {visits:.3g} visits at num_hops={rule.num_hops} exceed max_visits="
            f"{max_visits:.3g}; raise it, take fewer hops or a sample of nodes, or use "
            "approx_topological_concentration"
        )


def _mass(train: CSRGraph, rule: _Rule) -> Tensor:
    """Row sums of P, or of Q where distinct ends count; ``(N,)`` float64."""
    if rule.num_hops == 1:
        return train.rowptr.diff().double()  # a node's walks of one hop are its edges
    powers = [rule.beta**k for k in range(rule.num_hops)]
    if rule.count == "set":
        ends = distinct_ends(train, num_hops=rule.num_hops)
        return ends.double() @ torch.tensor(powers, dtype=torch.float64, device=ends.device)
    return walk_mass(train, powers)


def _normalised(
    overlap: Tensor, target: CSRGraph, mass: Tensor, rule: _Rule, *, own: bool
) -> Tensor:
    mean = overlap * inverse(target.rowptr.diff().double())
    # Along a training edge, j ends a one-hop walk of i but none of its own: never a shared end.
    return mean * inverse(rule.total * mass - float(own))


def _filled(
    tc: Tensor, target: CSRGraph, train: CSRGraph, nodes: Tensor | None, fill: float
) -> Tensor:
    # With one training edge, which is the target, nothing is left to share: 0 / 0.
    defined = (target.rowptr.diff() > 0) & (train.rowptr.diff() > (1 if target is train else 0))
    if nodes is not None:
        chosen = torch.zeros_like(defined)
        chosen[nodes] = True
        defined &= chosen
    return torch.where(defined, tc, torch.full_like(tc, fill))
