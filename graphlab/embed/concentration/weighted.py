"""Topological concentration seen through the weights of messages."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, overload

import torch
from torch import Tensor

from graphlab._checks import check_edge_index, check_edge_weight, check_same_device
from graphlab._graphs.edges import AUTO, count_nodes, read_edges
from graphlab.embed.concentration._graph import Targets, inverse, prepare
from graphlab.embed.concentration._sums import sum_by
from graphlab.ops import CSRGraph, SparseRows, walk_overlap

__all__ = ["weighted_concentration"]


@overload
def weighted_concentration(
    edge_index: Any,
    edge_weight: Tensor | None = None,
    num_nodes: int | None = None,
    *,
    targets: Tensor | None = None,
    fill: float = math.nan,
    weight: str | None = AUTO,
) -> Tensor: ...
@overload
def weighted_concentration(
    edge_index: Any,
    edge_weight: Tensor | None = None,
    num_nodes: int | None = None,
    *,
    targets: Mapping[str, Tensor | None],
    fill: float = math.nan,
    weight: str | None = AUTO,
) -> dict[str, Tensor]: ...
def weighted_concentration(
    edge_index: Any,
    edge_weight: Tensor | None = None,
    num_nodes: int | None = None,
    *,
    targets: Targets = None,
    fill: float = math.nan,
    weight: str | None = AUTO,
) -> Tensor | dict[str, Tensor]:
    r"""One-hop concentration seen through the weights that messages carry.

    .. math:: C_i = \frac{1}{|\mathcal{N}^t_i|} \sum_{j \in \mathcal{N}_i}
        \tilde w_{ij} \, |\mathcal{N}^t_i \cap \mathcal{N}_j|, \qquad
        \tilde w_{ij} = \frac{w_{ij}}{\sum_{j' \in \mathcal{N}_i} w_{ij'}}

    i receives the messages (``edge_index[1]``), j sends them; self-loops take no part. Tracks how
    re-weighting moves concentration during training. With equal weights it is
    :func:`graphlab.embed.topological_concentration` at one hop for targets other than the training
    edges; for these, the neighbour itself stays in the denominator (factor (d - 1) / d).

    Args:
        edge_index (Tensor or graph): Message edges ``(2, E)``, in both directions; self-loops are
            ignored, weights of duplicates are added. Or a graph, as for
            :func:`graphlab.embed.topological_concentration`.
        edge_weight (Tensor, optional): Non-negative ``(E,)``; may be missing where the graph holds
            weights.
        num_nodes (int, optional): N; one more than the largest index when missing.
        targets (Tensor or dict, optional): As for :func:`graphlab.embed.topological_concentration`.
        fill (float): Value of nodes without target edges or without weight on training edges.
        weight (str, optional): Attribute of a ``Data`` or networkx graph that holds the weights,
            as for :class:`graphlab.embed.FastRP`; ``None`` makes all of them one.

    Returns:
        Tensor or dict: ``(N,)`` float64, for a dict of targets one such tensor per name.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range.

    Complexity: O(sum over target edges (i, j) of the degree of i) time at most.
    Determinism: bitwise for a given device, whatever the number of threads.
    """
    edge_index, edge_weight, num_nodes = read_edges(
        edge_index, edge_weight, num_nodes, weight=weight
    )
    sets = targets.values() if isinstance(targets, Mapping) else [targets]
    num_nodes = count_nodes(num_nodes, edge_index, *sets)
    edge_index = check_edge_index(edge_index, num_nodes)
    if edge_weight is None:
        if weight is not None:
            raise ValueError("edge_weight must be given: edge_index holds no weights of its edges")
        edge_weight = torch.ones(edge_index.size(1), device=edge_index.device)
    value = check_edge_weight(edge_weight, edge_index.size(1)).detach().double()
    check_same_device(edge_index=edge_index, edge_weight=edge_weight)
    keep = edge_index[0] != edge_index[1]
    edge_index, value = edge_index[:, keep], value[keep]
    problem = prepare(edge_index, num_nodes, targets)
    train = problem.train
    # Rows of the receiving nodes: a row holds the weights that its node averages with.
    messages = CSRGraph.from_edge_index(edge_index.flip(0), train.num_nodes, value)
    received = messages.weight if messages.weight is not None else value.new_ones(0)
    row = messages.edge_index()[0]
    total = sum_by(received, row, train.num_nodes)
    share = SparseRows(messages.rowptr, messages.col, received * inverse(total)[row])
    values = {}
    for name, target in problem.targets.items():
        pairs = target.edge_index().flip(0)
        size = target.rowptr.diff().double()
        mean = sum_by(walk_overlap(share, pairs), pairs[0], train.num_nodes) * inverse(size)
        defined = (size > 0) & (total > 0)
        values[name] = torch.where(defined, mean, torch.full_like(mean, fill))
    return problem.unwrap(values)
