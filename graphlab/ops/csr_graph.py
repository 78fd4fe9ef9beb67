"""The prepared graph of losses: sparse rows that know the weight of every reverse edge.

Preparing costs a sort unless the edges are already sorted; modules accept the prepared graph, so
that a training run pays it once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from graphlab._checks import (
    check_edge_index,
    check_edge_weight,
    check_int,
    check_same_device,
    check_tensor,
)
from graphlab.ops.csr import MAX_NODES, SparseRows, check_vector, row_pointers, trusted

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

        Complexity: O(E) time for sorted input, O(E log E) otherwise; O(E) memory.
        """
        num_nodes = check_int(num_nodes, "num_nodes", minimum=0, maximum=MAX_NODES)
        edge_index = check_edge_index(edge_index, num_nodes)
        if edge_weight is not None:
            edge_weight = check_edge_weight(edge_weight, edge_index.size(1))
        check_same_device(edge_index=edge_index, edge_weight=edge_weight, scale=scale)
        row, col, weight = _coalesce(edge_index, edge_weight, num_nodes)
        row, col, weight, weight_t = _complete(row, col, weight, num_nodes)
        if scale is not None:
            _check_scale(scale, num_nodes, row, col, weight, weight_t)
            weight_t = None
        graph = CSRGraph(row_pointers(row, num_nodes), col.int(), weight, weight_t, scale)
        return trusted(graph)


def _coalesce(
    edge_index: Tensor, weight: Tensor | None, num_nodes: int
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Sort edges and merge equal ones; untouched where they strictly ascend already."""
    row, col = edge_index
    key = row * num_nodes + col
    if key.numel() < 2 or bool((key[1:] > key[:-1]).all()):
        return row, col, weight
    if weight is None:
        key = torch.unique_consecutive(key.sort().values)
    else:
        key, order = key.sort(stable=True)
        weight = weight.index_select(0, order)
        key, position = _distinct(key)
        if key.numel() < position.numel():
            # The sum runs over a stable order, so its last bit is reproducible.
            weight = weight.new_zeros(key.numel()).index_add(0, position, weight)
    row = torch.div(key, num_nodes, rounding_mode="floor")
    return row, key - row * num_nodes, weight


def _complete(
    row: Tensor, col: Tensor, weight: Tensor | None, num_nodes: int
) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
    """Add missing reverse entries with weight zero; return the reverse weights as well.

    Entries come sorted. The reverse weights are ``None`` where they equal the weights.
    """
    order = torch.argsort(col.int(), stable=True)
    row_t, col_t = col.index_select(0, order), row.index_select(0, order)
    if torch.equal(row_t, row) and torch.equal(col_t, col):
        weight_t = None if weight is None else weight.detach().index_select(0, order)
        return row, col, weight, _unless_equal(weight_t, weight)
    weight = row.new_ones(row.numel(), dtype=torch.float32) if weight is None else weight
    key, position, position_t = _merge(row * num_nodes + col, row_t * num_nodes + col_t)
    weight_t = weight.detach().index_select(0, order)
    weight_t = weight.new_zeros(key.numel()).index_copy(0, position_t, weight_t)
    weight = weight.new_zeros(key.numel()).index_copy(0, position, weight)
    row = torch.div(key, num_nodes, rounding_mode="floor")
    return row, key - row * num_nodes, weight, _unless_equal(weight_t, weight)


def _merge(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Union of two strictly ascending lists, and the positions of their items in it."""
    both = torch.cat([first, second])
    if both.device.type == "cpu":
        # numpy's stable sort merges ascending runs; torch's does not look for them.
        order = torch.from_numpy(np.argsort(both.numpy(), kind="stable"))
    else:
        order = torch.argsort(both, stable=True)
    key, rank = _distinct(both.index_select(0, order))
    position = torch.empty_like(rank).index_copy_(0, order, rank)
    return key, position[: first.numel()], position[first.numel() :]


def _distinct(ascending: Tensor) -> tuple[Tensor, Tensor]:
    """Distinct values of an ascending list that is not empty, and the position of every item."""
    fresh = ascending[1:] != ascending[:-1]
    position = torch.nn.functional.pad(fresh.cumsum(0), (1, 0))
    # Equal items write the same value: cheaper than a mask, whose positions would be counted.
    values = ascending[: int(position[-1]) + 1].clone().index_copy_(0, position, ascending)
    return values, position


def _unless_equal(weight_t: Tensor | None, weight: Tensor | None) -> Tensor | None:
    """Reverse weights; ``None`` when the weights are symmetric."""
    if weight is None or weight_t is None or torch.equal(weight_t, weight.detach()):
        return None
    return weight_t


def _check_scale(
    scale: Tensor,
    num_nodes: int,
    row: Tensor,
    col: Tensor,
    weight: Tensor | None,
    weight_t: Tensor | None,
) -> None:
    if check_tensor(scale, "scale").shape != (num_nodes,):
        raise ValueError(f"scale must have shape ({num_nodes},), got {tuple(scale.shape)}")
    if not bool((scale > 0).all()):
        raise ValueError(f"scale must be positive, got a minimum of {float(scale.min())}")
    if row.numel() == 0 or weight is None:
        return
    forward = scale[row] * weight.detach()
    backward = scale[col] * (weight.detach() if weight_t is None else weight_t)
    if not torch.allclose(forward, backward, rtol=1e-4, atol=0.0):
        worst = int((forward - backward).abs().argmax())
        raise ValueError(
            "scale must satisfy scale[i] * w[i, j] = scale[j] * w[j, i]; at entry "
            f"{worst} the sides are {float(forward[worst])} and {float(backward[worst])}"
        )
