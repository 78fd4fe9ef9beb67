"""From a hypergraph to the graph that is observed."""

from __future__ import annotations

from typing import Literal, overload

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from graphlab.hyper._incidence import Hypergraph, Incidence, read_incidence

__all__ = ["project"]


@overload
def project(
    hyperedge_index: Hypergraph,
    num_nodes: int | None = None,
    weighted: Literal[False] = False,
    *,
    num_hyperedges: int | None = None,
) -> Tensor: ...


@overload
def project(
    hyperedge_index: Hypergraph,
    num_nodes: int | None = None,
    *,
    weighted: Literal[True],
    num_hyperedges: int | None = None,
) -> tuple[Tensor, Tensor]: ...


def project(
    hyperedge_index: Hypergraph,
    num_nodes: int | None = None,
    weighted: bool = False,
    *,
    num_hyperedges: int | None = None,
) -> Tensor | tuple[Tensor, Tensor]:
    r"""Join two nodes wherever a hyperedge holds both.

    Args:
        hyperedge_index (Tensor or HyperGraphData): Incidence ``(2, nnz)``, nodes above hyperedges.
        num_nodes (int, optional): Number of nodes N; needed with a tensor. Isolated nodes stay.
        weighted (bool): Also count the hyperedges, repeated ones included, that hold both.
        num_hyperedges (int, optional): Number of hyperedges, when some are empty.

    Returns:
        Tensor: ``edge_index (2, 2m)`` int64, both directions, sorted; with ``weighted`` a pair with
        ``edge_weight (2m,)`` int64.

    Raises:
        TypeError, ValueError, IndexError: If the incidence is malformed.

    Complexity: :math:`O(\sum_e |e|^2)` time and memory.

    Example:
        >>> project(torch.tensor([[0, 1, 2], [0, 0, 0]]), 4).shape
        torch.Size([2, 6])
    """
    edges, weight = projection(read_incidence(hyperedge_index, num_nodes, num_hyperedges))
    return (edges, weight) if weighted else edges


def projection(hypergraph: Incidence) -> tuple[Tensor, Tensor]:
    """Edges in both directions, and how many hyperedges hold both ends."""
    sets = hypergraph.hyperedges
    shape = (len(sets), hypergraph.num_nodes)
    member = sparse.csr_array((np.ones(sets.idx.size, dtype=np.int64), sets.idx, sets.ptr), shape)
    # Entry (u, v) of the product counts the hyperedges that hold both.
    product = sparse.csr_array(member.T @ member)
    product.sort_indices()
    row = np.repeat(np.arange(shape[1]), np.diff(product.indptr))
    keep = row != product.indices
    edges = np.stack([row[keep], product.indices[keep].astype(np.int64)])
    return torch.from_numpy(edges), torch.from_numpy(product.data[keep])
