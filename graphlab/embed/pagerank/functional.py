"""Personalised PageRank in one call."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from graphlab.embed._adjacency import read_adjacency
from graphlab.embed.pagerank._transition import (
    Dangling,
    check_restart,
    check_steps,
    check_teleport,
    stationary,
    transition,
)

__all__ = ["personalized_pagerank"]


def personalized_pagerank(
    edge_index: Any,
    restart: Tensor,
    *,
    num_nodes: int | None = None,
    edge_weight: Tensor | None = None,
    teleport: float = 0.15,
    steps: int | None = None,
    tol: float = 1e-8,
    dangling: Dangling = "source",
) -> Tensor:
    r"""Personalised PageRank: where a walk is that returns to its start with a fixed probability.

    .. math:: p = c \sum_{k \ge 0} (1 - c)^k (P^T)^k r, \qquad P = D^{-1} A

    The series is cut where the mass that is left over, :math:`(1 - c)^K`, is below ``tol``, in one
    pass over the edges per power for all columns. It has a gradient with respect to ``restart``.

    Args:
        edge_index (Tensor or graph): ``(2, E)`` edges from row 0 to row 1, or any graph that
            :meth:`FastRP.fit` reads. Repeated edges are summed, self-loops allowed.
        restart (Tensor): ``(N, B)`` float32 or float64, one distribution over the nodes a column;
            not negative. Columns are divided by their sums.
        num_nodes (int, optional): N; by default that of the graph, else the rows of ``restart``.
        edge_weight (Tensor, optional): ``(E,)``, not negative, finite.
        teleport (float): Probability c of a return, strictly between 0 and 1. (networkx's
            ``alpha`` is 1 - c.)
        steps (int, optional): Powers K, at most 10,000; by default as many as ``tol`` needs.
        tol (float): Mass that may be left over.
        dangling (str): What a walk does at a node without out-edges: ``"source"`` returns to
            ``restart``, ``"uniform"`` moves to any node, ``"self"`` stays.

    Returns:
        Tensor: ``(N, B)``, dtype of ``restart``; columns sum to 1.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range.

    Complexity: O(K (E + N) B) time, three matrices of the size of the result; with a gradient
    K of them.
    Determinism: bitwise for a given device, whatever the number of threads.

    Reference: Haveliwala, "Topic-Sensitive PageRank", WWW 2002.

    Example:
        >>> import torch
        >>> path = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
        >>> found = personalized_pagerank(path, torch.eye(3)[:, :1])
        >>> [f"{value:.3f}" for value in found.flatten().tolist()]
        ['0.345', '0.459', '0.195']
    """
    teleport = check_teleport(teleport)
    count = check_steps(steps, tol, teleport)
    if num_nodes is None and isinstance(edge_index, Tensor) and isinstance(restart, Tensor):
        num_nodes = restart.size(0) if edge_index.dim() == 2 and edge_index.size(0) == 2 else None
    adjacency = read_adjacency(edge_index, edge_weight, num_nodes)
    start = check_restart(restart, adjacency.num_nodes)
    return stationary(transition(adjacency, dangling), start, teleport, count)
