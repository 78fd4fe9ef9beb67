"""Context of a node: the classes around it."""

from __future__ import annotations

from typing import Literal

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from graphlab._checks import check_choice, check_edge_index, check_int, check_same_device
from graphlab.contrastive.pretext.propagated import check_classes, check_labels, one_hot
from graphlab.ops import SparseRows, propagate

__all__ = ["TwoHop", "context_histogram"]

TwoHop = Literal["pattern", "walk"]


def context_histogram(
    edge_index: Tensor,
    labels: Tensor,
    *,
    num_classes: int | None = None,
    hops: int = 2,
    two_hop: TwoHop = "pattern",
) -> Tensor:
    r"""Share of each class among the nodes around every node.

    .. math:: h_i \propto \sum_{j \in N_1(i)} e_{y_j} + \sum_{j \in N_2(i)} e_{y_j}

    Nodes without a label do not count; a node that is a neighbour and a neighbour's neighbour
    counts twice.

    Args:
        edge_index (Tensor): ``(2, E)`` edges, both directions; self-loops are left out, so a node
            has no say in its own context.
        labels (Tensor): ``(N,)`` int64 or int32, -1 where unknown.
        num_classes (int, optional): C; one more than the largest label by default.
        hops (int): 1 or 2.
        two_hop (str): Nodes at two hops: ``"pattern"`` takes every node that some walk of two steps
            reaches once, as in the paper; ``"walk"`` once per walk, in time linear in the edges.

    Returns:
        Tensor: Float64 ``(N, C)``; rows sum to one, or are zero where no labelled node is around:
        leave them out of a loss. (The authors' program makes them NaN.)

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed, or a class has no labelled
            node.

    Complexity: O(E C) time for one hop and for walks; ``"pattern"`` holds all pairs at two hops.

    Source: Jin et al., "Self-supervised learning on graphs: deep insights and new direction", 2020
    (SelfTask, "ContextLabel").

    Example:
        >>> path = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
        >>> context_histogram(path, torch.tensor([0, 0, 1]), hops=1)
        tensor([[1.0000, 0.0000],
                [0.5000, 0.5000],
                [1.0000, 0.0000]], dtype=torch.float64)
    """
    labels = check_labels(labels)
    num_classes = check_classes(labels, num_classes)
    edges = check_edge_index(edge_index, labels.numel())
    check_same_device(edge_index=edges, labels=labels)
    hops = check_int(hops, "hops", minimum=1, maximum=2)
    check_choice(two_hop, "two_hop", ("pattern", "walk"))
    edges = torch.unique(edges[:, edges[0] != edges[1]], dim=1)
    rows = SparseRows.from_edge_index(edges, labels.numel())
    classes = one_hot(labels, num_classes)
    count = propagate(classes, rows)
    if hops == 2 and two_hop == "walk":
        # The walks that come back to the node itself say nothing about its surroundings.
        count = count + propagate(count, rows) - rows.rowptr.diff()[:, None] * classes
    elif hops == 2:
        count = count + propagate(classes, _two_hops(rows))
    total = count.sum(1, keepdim=True)
    return torch.where(total > 0, count / total.clamp(min=1), count)


def _two_hops(rows: SparseRows) -> SparseRows:
    """Every other node that a walk of two steps reaches, once."""
    cpu = rows.to("cpu")
    size = (rows.num_rows, rows.num_rows)
    ones = np.ones(rows.num_edges, dtype=np.float32)
    matrix = sp.csr_matrix((ones, cpu.col.numpy(), cpu.rowptr.numpy()), shape=size)
    square = (matrix @ matrix).tocsr()
    row, col = square.nonzero()
    apart = row != col
    pairs = torch.from_numpy(np.stack([row[apart], col[apart]]).astype(np.int64))
    return SparseRows.from_edge_index(pairs.to(rows.device), rows.num_rows)
