"""The normalised adjacency matrix, prepared once for all members and epochs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from graphlab._checks import check_choice, check_edge_index, check_int
from graphlab._repr import short_repr
from graphlab.ops import SparseRows, propagate

__all__ = ["SharedAdjacency"]

KINDS = ("gcn", "sage")


@short_repr
@dataclass(frozen=True)
class SharedAdjacency:
    """A matrix and its transpose, which the derivative reads.

    Attributes:
        rows (SparseRows): The matrix.
        columns (SparseRows): Its transpose.
        kind (str): ``"gcn"`` or ``"sage"``.

    Build it with :meth:`build`; multiply with ``@``.
    """

    rows: SparseRows
    columns: SparseRows
    kind: Literal["gcn", "sage"]

    @staticmethod
    def build(
        edge_index: Tensor, num_nodes: int, kind: Literal["gcn", "sage"] = "gcn"
    ) -> SharedAdjacency:
        """Normalise as PyG's layers do; messages go from ``edge_index[0]`` to ``edge_index[1]``.

        Args:
            edge_index (Tensor): ``(2, E)``.
            num_nodes (int): N.
            kind (str): ``"gcn"`` for the symmetric normalisation with self-loops of ``GCNConv``,
                ``"sage"`` for the mean over neighbours of ``SAGEConv``.

        Returns:
            SharedAdjacency: ``(N, N)`` on the device of ``edge_index``.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed.

        Complexity: O(E log E).
        """
        from torch_geometric.nn.conv.gcn_conv import gcn_norm

        check_choice(kind, "kind", KINDS)
        count = check_int(num_nodes, "num_nodes", minimum=1, maximum=2**31 - 1)
        edge_index = check_edge_index(edge_index, count)
        if kind == "gcn":
            edge_index, weight = gcn_norm(edge_index, None, count)
        else:
            degree = torch.bincount(edge_index[1], minlength=count)
            weight = degree.clamp(min=1).float().reciprocal()[edge_index[1]]
        rows = SparseRows.from_edge_index(edge_index.flip(0), count, weight)
        return SharedAdjacency(rows, SparseRows.from_edge_index(edge_index, count, weight), kind)

    @property
    def num_nodes(self) -> int:
        """Number of rows."""
        return self.rows.num_rows

    def __matmul__(self, h: Tensor) -> Tensor:
        return propagate(h.contiguous(), self.rows, transposed=self.columns)
