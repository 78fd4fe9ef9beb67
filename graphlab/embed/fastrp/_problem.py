"""The products an embedding is computed from: matrix, start and coefficients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from graphlab._precision import working_dtype
from graphlab.embed._adjacency import Adjacency
from graphlab.embed.fastrp._standardize import standardize_columns
from graphlab.embed.fastrp._start import Start
from graphlab.ops import SparseRows, propagate, propagate_merge, propagate_squares

__all__: list[str] = []

#: Binary exponents beyond this leave too little room in single precision.
_FAR = 60


@dataclass(frozen=True)
class Problem:
    """Everything an embedding is computed from.

    Attributes:
        graph (SparseRows): The matrix; its values have the dtype of the sums.
        start (Start): The matrix that is propagated.
        coefficients (tuple[float, ...]): Weights of the orders 0, 1, ..., q.
        normalize (bool): Whether rows of the powers are divided by their norms.
        standardize (bool): Whether columns of the sum get mean 0 and deviation 1.
    """

    graph: SparseRows
    start: Start
    coefficients: tuple[float, ...]
    normalize: bool
    standardize: bool

    def powers(self, count: int) -> list[Tensor]:
        """Return H_1, ..., H_count."""
        powers = []
        state = self.start.columns(0, self.start.dim)
        for _ in range(count):
            state = propagate(state, self.graph)
            powers.append(state)
        return powers

    def merged(self, lo: int, hi: int, squares: Tensor | None) -> Tensor:
        """Columns ``[lo, hi)`` of the embedding, in the dtype of the sums."""
        out = propagate_merge(
            self.start.columns(lo, hi),
            self.graph,
            coefficients=self.coefficients,
            normalize=self.normalize,
            squares=squares,
        )
        if self.graph.row_scale is None and not bool(out.sum().isfinite()):
            _refuse_overflow(out)
        return standardize_columns(out) if self.standardize else out

    def squares(self, lo: int, hi: int) -> Tensor:
        """Squares of the columns ``[lo, hi)`` by block, ``(blocks, K, N)``."""
        start = self.start.columns(lo, hi)
        blocks = propagate_squares(start, self.graph, coefficients=self.coefficients)
        return blocks.permute(2, 0, 1)


def make_problem(
    adjacency: Adjacency, row_scale: Tensor | None, start: Start, **options: Any
) -> Problem:
    """Bring the matrix to the dtype of the sums."""
    dtype = working_dtype(start.dtype)
    rows, weight = adjacency.rows, adjacency.rows.weight
    if weight is not None:
        if row_scale is not None:
            weight, row_scale = _balanced(rows.rowptr, weight, row_scale)
        weight = weight.to(dtype)
        if weight.numel() and bool(weight.max().isinf()):
            top = float(rows.weight.max())  # type: ignore[union-attr]
            raise ValueError(
                f"edge_weight up to {top:.3g} exceeds {dtype}: divide it, or pass "
                "dtype=torch.float64"
            )
    scale = None if row_scale is None else row_scale.to(dtype)
    graph = SparseRows(rows.rowptr, rows.col, weight, row_scale=scale)
    return Problem(graph, start, **options)


def _balanced(rowptr: Tensor, weight: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    """Move powers of two from the scale of a row to its weights where either is far from one.

    Their product stays the same, to the bit, but single precision holds both.
    """
    exponent = torch.frexp(scale)[1]
    shift = torch.where(exponent.abs() > _FAR, exponent, torch.zeros_like(exponent)).double()
    if not bool(shift.any()):
        return weight, scale
    entry = torch.repeat_interleave(shift, rowptr.diff())
    return weight * torch.exp2(entry), scale * torch.exp2(-shift)


def _refuse_overflow(out: Tensor) -> None:
    """Name the first node whose powers have left the range of the numbers."""
    bad = out.isfinite().logical_not().nonzero()
    if bad.numel():
        raise ValueError(
            f"powers of the adjacency matrix exceed {out.dtype} at node {int(bad[0, 0])}: pass "
            "dtype=torch.float64, divide edge_weight, or take input_matrix='transition'"
        )
