"""The prepared graph: one CSR layout that every graph operator reads.

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
    check_int,
    check_same_device,
    check_tensor,
)

__all__ = ["CSRGraph"]

_MAX_NODES = 2**31 - 1


@dataclass(frozen=True)
class CSRGraph:
    r"""Sparse rows with a symmetric pattern, ready for the graph operators.

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

    Build it with :meth:`from_edge_index`.
    """

    rowptr: Tensor
    col: Tensor
    weight: Tensor | None = None
    weight_t: Tensor | None = None
    scale: Tensor | None = None

    @property
    def num_nodes(self) -> int:
        """Number of rows."""
        return self.rowptr.numel() - 1

    @property
    def num_edges(self) -> int:
        """Number of stored entries, self-loops and explicit zeros included."""
        return self.col.numel()

    @property
    def device(self) -> torch.device:
        """Device of the tensors."""
        return self.rowptr.device

    @property
    def reversible(self) -> bool:
        """Whether reverse weights follow from the forward ones and a vector of node scales."""
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
        num_nodes = check_int(num_nodes, "num_nodes", minimum=0, maximum=_MAX_NODES)
        edge_index = check_edge_index(edge_index, num_nodes)
        if edge_weight is not None:
            edge_weight = check_edge_weight(edge_weight, edge_index.size(1))
        check_same_device(edge_index=edge_index, edge_weight=edge_weight, scale=scale)
        key = edge_index[0] * num_nodes + edge_index[1]
        key, weight = _coalesce(key, edge_weight)
        key, weight, reverse = _complete(key, weight, num_nodes)
        weight_t = _reverse_weight(weight, reverse)
        if scale is not None:
            _check_scale(scale, key, weight, weight_t, num_nodes)
            weight_t = None
        return CSRGraph(
            rowptr=_pointers(key, num_nodes),
            col=(key % num_nodes).int() if num_nodes else key.int(),
            weight=weight,
            weight_t=weight_t,
            scale=scale,
        )

    def to(self, device: torch.device | str) -> CSRGraph:
        """Copy to a device."""
        parts = (self.rowptr, self.col, self.weight, self.weight_t, self.scale)
        return CSRGraph(*(None if part is None else part.to(device) for part in parts))  # type: ignore[arg-type]

    def edge_index(self) -> Tensor:
        """Return the entries as ``(2, E)`` int64, sorted by row, then column."""
        rows = torch.arange(self.num_nodes, device=self.device)
        row = torch.repeat_interleave(rows, self.rowptr.diff(), output_size=self.num_edges)
        return torch.stack([row, self.col.long()])


def _coalesce(key: Tensor, weight: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Sort the keys and merge equal ones; untouched when already strictly ascending."""
    if key.numel() < 2 or bool((key[1:] > key[:-1]).all()):
        return key, weight
    unique, position = torch.unique(key, return_inverse=True)
    if weight is None:
        return unique, None
    # The sum runs over a sorted permutation, so its order, and its last bit, are reproducible.
    order = torch.argsort(position, stable=True)
    merged = weight.new_zeros(unique.numel()).index_add(0, position[order], weight[order])
    return unique, merged


def _complete(
    key: Tensor, weight: Tensor | None, num_nodes: int
) -> tuple[Tensor, Tensor | None, Tensor]:
    """Add missing reverse entries with weight zero; return the reverse permutation as well."""
    mirrored = _mirror(key, num_nodes)
    order = torch.argsort(mirrored)
    if torch.equal(mirrored[order], key):
        return key, weight, order
    full = torch.unique(torch.cat([key, mirrored]))
    weight = key.new_ones(key.numel(), dtype=torch.float32) if weight is None else weight
    place = torch.searchsorted(full, key)
    weight = weight.new_zeros(full.numel()).index_copy(0, place, weight)
    return full, weight, torch.argsort(_mirror(full, num_nodes))


def _mirror(key: Tensor, num_nodes: int) -> Tensor:
    if num_nodes == 0:
        return key
    return (key % num_nodes) * num_nodes + torch.div(key, num_nodes, rounding_mode="floor")


def _reverse_weight(weight: Tensor | None, reverse: Tensor) -> Tensor | None:
    """Weight of the reverse of every entry; ``None`` when the weights are symmetric."""
    if weight is None:
        return None
    mirrored = weight.detach()[reverse]
    return None if torch.equal(mirrored, weight.detach()) else mirrored


def _check_scale(
    scale: Tensor,
    key: Tensor,
    weight: Tensor | None,
    weight_t: Tensor | None,
    num_nodes: int,
) -> None:
    scale = check_tensor(scale, "scale")
    if scale.dim() != 1 or scale.numel() != num_nodes:
        raise ValueError(f"scale must have shape ({num_nodes},), got {tuple(scale.shape)}")
    if not bool((scale > 0).all()):
        raise ValueError(f"scale must be positive, got a minimum of {float(scale.min())}")
    if key.numel() == 0 or weight is None:
        return
    forward = scale[torch.div(key, num_nodes, rounding_mode="floor")] * weight.detach()
    backward = scale[key % num_nodes] * (weight.detach() if weight_t is None else weight_t)
    if not torch.allclose(forward, backward, rtol=1e-4, atol=0.0):
        worst = int((forward - backward).abs().argmax())
        raise ValueError(
            "scale must satisfy scale[i] * w[i, j] = scale[j] * w[j, i]; at entry "
            f"{worst} the sides are {float(forward[worst])} and {float(backward[worst])}"
        )


def _pointers(key: Tensor, num_nodes: int) -> Tensor:
    """Row pointers of sorted keys, ``(N + 1,)``."""
    borders = torch.arange(num_nodes + 1, device=key.device) * num_nodes
    return torch.searchsorted(key, borders)
