"""The normalised adjacency matrix, prepared once for all members and epochs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from graphlab._checks import check_choice, check_edge_index, check_int
from graphlab.ops import propagate

__all__ = ["SharedAdjacency"]

KINDS = ("gcn", "sage")
Rows = tuple[Tensor, Tensor, Tensor]


@dataclass(frozen=True)
class SharedAdjacency:
    """Rows of a matrix, and those of its transpose for the derivative.

    Attributes:
        rows: ``rowptr``, ``col`` and ``weight`` of the matrix.
        columns: The same of its transpose.
        kind: ``"gcn"`` or ``"sage"``.

    Build it with :meth:`build`; multiply with ``@``.
    """

    rows: Rows
    columns: Rows
    kind: str

    @staticmethod
    def build(edge_index: Tensor, num_nodes: int, kind: str = "gcn") -> SharedAdjacency:
        """Normalise as PyG's layers do; messages go from ``edge_index[0]`` to ``edge_index[1]``.

        Args:
            edge_index: ``(2, E)``.
            num_nodes: N.
            kind: ``"gcn"`` for the symmetric normalisation with self-loops of ``GCNConv``,
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
        source, target = edge_index
        rows = _compressed(target, source, weight, count)
        return SharedAdjacency(rows, _compressed(source, target, weight, count), kind)

    @property
    def num_nodes(self) -> int:
        """Number of rows."""
        return self.rows[0].numel() - 1

    def __matmul__(self, h: Tensor) -> Tensor:
        out: Tensor = _Product.apply(h, self)  # type: ignore[no-untyped-call]
        return out


def _compressed(row: Tensor, col: Tensor, weight: Tensor, count: int) -> Rows:
    order = torch.argsort(row, stable=True)
    borders = torch.arange(count + 1, device=row.device)
    return torch.searchsorted(row[order], borders), col[order].int(), weight[order]


class _Product(torch.autograd.Function):
    """The operator itself would sort its transpose in every backward."""

    @staticmethod
    def forward(ctx: Any, h: Tensor, matrix: SharedAdjacency) -> Tensor:
        ctx.matrix = matrix
        return _multiply(matrix.rows, h)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        return _multiply(ctx.matrix.columns, grad), None


def _multiply(part: Rows, h: Tensor) -> Tensor:
    rowptr, col, weight = part
    return propagate(h.contiguous(), rowptr, col, weight.to(h.dtype))
