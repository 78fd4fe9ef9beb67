"""Random-walk positional encodings of many small graphs at once."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlab._checks import check_edge_index, check_index, check_int
from graphlab.ops.csr import row_pointers
from graphlab.ops.reference.buckets import make_buckets

__all__ = ["random_walk_encoding"]


def random_walk_encoding(
    edge_index: Tensor,
    batch: Tensor,
    num_graphs: int,
    walk_length: int = 32,
    *,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    r"""Probability to be back after 1, 2, ..., K steps of the random walk.

    .. math:: p_{ik} = (M^k)_{ii}, \qquad M = D^{-1} A

    Equals ``AddRandomWalkPE`` of PyG, applied to every graph of the batch. About
    :math:`2 \sqrt K` products of matrices give all K diagonals, because
    :math:`\operatorname{diag}(M^{a+b})` needs only :math:`M^a` and :math:`M^b`.

    Args:
        edge_index (Tensor): ``(2, E)`` integers; no edge joins two graphs. Duplicates add up.
        batch (Tensor): Graph of every node, integers ``(N,)``, ascending.
        num_graphs (int): Number of graphs.
        walk_length (int): K, at least 1.
        dtype (torch.dtype): Of the computation and the result.

    Returns:
        Tensor: ``(N, K)``; zero for a node without edges.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed.

    Complexity: O(sqrt(K) sum of n³ + K sum of n²) time for graphs of n nodes.

    Reference: Dwivedi et al., "Graph neural networks with learnable structural and positional
    representations", ICLR 2022.

    Example:
        >>> edge_index = torch.tensor([[0, 1], [1, 0]])
        >>> random_walk_encoding(edge_index, torch.zeros(2, dtype=torch.int64), 1, 4)[0].tolist()
        [0.0, 1.0, 0.0, 1.0]
    """
    num_graphs = check_int(num_graphs, "num_graphs", minimum=0)
    batch = check_index(batch, num_graphs, "batch")
    edge_index = check_edge_index(edge_index, batch.numel())
    walk_length = check_int(walk_length, "walk_length", minimum=1)
    if bool((batch.diff() < 0).any()):
        raise ValueError("batch must ascend")
    pointers = row_pointers(batch, num_graphs)
    row, col = edge_index
    if bool((batch[row] != batch[col]).any()):
        raise ValueError("edge_index must not join nodes of different graphs")
    # Row-stochastic: every entry of a row has the weight 1 / degree, and duplicates add up.
    degree = torch.bincount(row, minlength=batch.numel()).to(dtype)
    out = torch.zeros(batch.numel(), walk_length, dtype=dtype, device=batch.device)
    home = torch.full((num_graphs,), -1, device=batch.device)
    # One dense power of a part stays within the chunk size.
    for bucket in (part for group in make_buckets(pointers) for part in group.cut()):
        graphs = batch[bucket.node[:, 0]]
        # Where a graph of this bucket lies in its stack of dense matrices; -1 for the others.
        home.fill_(-1)
        home[graphs] = torch.arange(graphs.numel(), device=batch.device)
        chosen = home[batch[row]] >= 0
        owner = home[batch[row[chosen]]]
        first = pointers[batch[row[chosen]]]
        walk = out.new_zeros(graphs.numel(), bucket.node.size(1), bucket.node.size(1))
        index = (owner, row[chosen] - first, col[chosen] - first)
        walk.index_put_(index, 1 / degree[row[chosen]], accumulate=True)
        diagonals = _diagonals(walk, walk_length)
        out[bucket.held(bucket.node)] = bucket.held(diagonals)
    return out


def _diagonals(walk: Tensor, length: int) -> Tensor:
    """Diagonals of the powers 1 to ``length`` of every matrix, ``(G, n, length)``."""
    stride = max(1, round(length**0.5))
    small = [walk]
    for _ in range(min(stride, length) - 1):
        small.append(small[-1] @ walk)
    columns = [power.diagonal(dim1=1, dim2=2) for power in small]
    # The giant steps: powers stride, 2 stride, ..., transposed for products entry by entry.
    step = giant = small[-1].transpose(1, 2).contiguous()
    while len(columns) < length:
        for power in small[: length - len(columns)]:
            columns.append((power * giant).sum(2))
        if len(columns) < length:
            giant = giant @ step
    return torch.stack(columns, dim=2)
