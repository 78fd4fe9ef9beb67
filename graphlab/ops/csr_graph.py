"""The prepared graph of losses: sparse rows that know the weight of every reverse edge.

Preparing costs a sort unless the edges are already sorted; modules accept the prepared graph, so
that a training run pays it once.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from graphlab._checks import (
    check_edge_index,
    check_edge_weight,
    check_num_nodes,
    check_same_device,
    check_tensor,
)
from graphlab.ops.csr import (
    SparseRows,
    check_vector,
    csr_rows,
    trusted,
)
from graphlab.ops.edge_order import SortedEdges, sort_edges

__all__ = ["CSRGraph"]


@dataclass(frozen=True, eq=False, repr=False)
class CSRGraph(SparseRows):
    r"""Square sparse rows with a symmetric pattern, ready for operators with a derivative.

    Row i holds the edges whose first node is i. Where only one of (i, j) and (j, i) was given,
    the other is stored with weight zero: then the weight of the reverse edge is known at every
    entry, and a derivative needs one pass over the rows, without a transpose and without atomics.

    Attributes:
        rowptr (Tensor): Row pointers, int64 ``(N + 1,)``.
        col (Tensor): Other node of every entry, int32 ``(E,)``, ascending within a row.
        weight (Tensor, optional): Weight :math:`w_{ij}`, ``(E,)``; ones when missing.
        weight_t (Tensor, optional): Weight of the reverse edge :math:`w_{ji}`, ``(E,)``.
        scale (Tensor, optional): ``(N,)`` with :math:`s_i w_{ij} = s_j w_{ji}`: the walk is
            reversible, and ``weight_t`` need not be stored. Without ``weight_t`` and ``scale`` the
            weights are symmetric.
        row_scale (Tensor, optional): Always missing: scales are part of the weights here.
        num_cols (int): N.

    Build it with :meth:`from_edge_index`.
    """

    weight_t: Tensor | None = None
    scale: Tensor | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.row_scale is not None:
            raise ValueError("row_scale must be None in a CSRGraph: use SparseRows")
        if self.num_cols != self.num_rows:
            raise ValueError(
                f"num_cols must be {self.num_rows}, the number of rows, got {self.num_cols}"
            )
        check_vector(self.weight_t, "weight_t", self.num_edges)
        check_vector(self.scale, "scale", self.num_rows)

    @property
    def num_nodes(self) -> int:
        """Number of nodes N."""
        return self.num_rows

    @property
    def reversible(self) -> bool:
        """True where reverse weights follow from the forward ones and a vector of node scales."""
        return self.weight_t is None

    @staticmethod
    def from_edge_index(
        edge_index: Tensor,
        num_nodes: int,
        edge_weight: Tensor | None = None,
        *,
        scale: Tensor | None = None,
    ) -> CSRGraph:
        r"""Sort, merge duplicates by summing their weights, and complete the pattern.

        Args:
            edge_index (Tensor): ``(2, E)`` integers; row 0 is the anchor i, row 1 the other node.
            num_nodes (int): Number of nodes N, at most :math:`2^{31} - 1`.
            edge_weight (Tensor, optional): Non-negative ``(E,)``; it may require a gradient.
                Without it, every edge (also one given several times) has weight one.
            scale (Tensor, optional): Positive ``(N,)`` with :math:`s_i w_{ij} = s_j w_{ji}`, if
                the caller knows the weights to be those of a reversible walk. Checked.

        Returns:
            CSRGraph: On the device of ``edge_index``.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed or out of range.

        Complexity: O(E + N) time and memory in the compiled kernel, which sorts by counting.
        """
        num_nodes = check_num_nodes(num_nodes)
        edge_index = check_edge_index(edge_index, num_nodes, values=False)
        if edge_weight is not None:
            edge_weight = check_edge_weight(edge_weight, edge_index.size(1))
        check_same_device(edge_index=edge_index, edge_weight=edge_weight, scale=scale)
        edges, weight = _symmetric_pattern(edge_index, edge_weight, num_nodes)
        weight_t = _reverse_weight(weight, edges.transpose)
        if scale is not None:
            _check_scale(scale, num_nodes, edges, weight, weight_t)
            weight_t = None
        return trusted(CSRGraph(edges.rowptr, edges.col, weight, weight_t, scale))


def _symmetric_pattern(
    edge_index: Tensor, weight: Tensor | None, num_nodes: int
) -> tuple[SortedEdges, Tensor | None]:
    """Sorted edges, missing reverse ones added with weight zero, and the weights of the entries."""
    edges = sort_edges(edge_index, num_nodes, num_nodes, numbers=weight is not None)
    if edges.symmetric:
        return edges, None if weight is None else edges.sum_by_entry(weight)
    if weight is None:
        # Edges given several times have weight one, as those given once.
        pattern = torch.stack([csr_rows(edges.rowptr, edges.col.numel()), edges.col.long()])
        weight = pattern.new_ones(pattern.size(1), dtype=torch.float32)
    else:
        pattern = edge_index
    both = sort_edges(torch.cat([pattern, pattern.flip(0)], dim=1), num_nodes, num_nodes)
    return both, both.sum_by_entry(torch.cat([weight, torch.zeros_like(weight)]))


def _reverse_weight(weight: Tensor | None, reverse: Tensor | None) -> Tensor | None:
    """Weight of the reverse of every entry; ``None`` when the weights are symmetric."""
    if weight is None or reverse is None:
        return None
    mirrored = weight.detach().index_select(0, reverse)
    return None if torch.equal(mirrored, weight.detach()) else mirrored


def _check_scale(
    scale: Tensor,
    num_nodes: int,
    edges: SortedEdges,
    weight: Tensor | None,
    weight_t: Tensor | None,
) -> None:
    if check_tensor(scale, "scale").shape != (num_nodes,):
        raise ValueError(f"scale must have shape ({num_nodes},), got {tuple(scale.shape)}")
    if not bool((scale > 0).all()):
        raise ValueError(f"scale must be positive, got a minimum of {float(scale.min())}")
    if edges.col.numel() == 0 or weight is None:
        return
    forward = scale[csr_rows(edges.rowptr, edges.col.numel())] * weight.detach()
    backward = scale[edges.col.long()] * (weight.detach() if weight_t is None else weight_t)
    if not torch.allclose(forward, backward, rtol=1e-4, atol=0.0):
        worst = int((forward - backward).abs().argmax())
        raise ValueError(
            "scale must satisfy scale[i] * w[i, j] = scale[j] * w[j, i]; at entry "
            f"{worst} the sides are {float(forward[worst])} and {float(backward[worst])}"
        )
