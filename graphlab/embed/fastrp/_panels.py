"""FastRP by column panels: one after the other, into a file, or spread over processes.

Columns are independent but for the norms of the rows. So panels take two rounds where rows are
normalised: the first adds up squares, in blocks of 16 columns and in the order of the columns, the
second merges. Whoever computes a panel, and next to which others, its bits are the same.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from graphlab._distributed import all_gather_rows, rank, world_size
from graphlab._precision import working_dtype
from graphlab.embed.fastrp._adjacency import Adjacency
from graphlab.embed.fastrp._standardize import standardize_columns
from graphlab.embed.fastrp._start import Start
from graphlab.ops import SparseRows, propagate, propagate_merge, propagate_squares

__all__: list[str] = []

#: Panels start at multiples of this.
BLOCK = 16
#: Binary exponents beyond this leave too little room in single precision.
_FAR = 60


@dataclass(frozen=True)
class Problem:
    """Everything an embedding is computed from.

    Attributes:
        graph: The matrix; its values have the dtype of the sums.
        start: What is propagated.
        coefficients: Weights of the orders 0, 1, ..., q.
        normalize: Whether rows of the powers are divided by their norms.
        standardize: Whether columns of the sum get mean 0 and deviation 1.
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


def panels(lo: int, hi: int, width: int | None) -> Iterator[tuple[int, int]]:
    """Cut columns into panels of ``width``, all at once if it is ``None``."""
    step = max(1, hi - lo) if width is None else width
    for begin in range(lo, hi, step):
        yield begin, min(begin + step, hi)


def total_squares(
    problem: Problem, cuts: Sequence[tuple[int, int]], spread: bool, group: Any
) -> Tensor:
    """Squared norms of whole rows, ``(K, N)``, from the panels of this and the other processes."""
    used = sum(c != 0 for c in problem.coefficients)
    size = (used, problem.graph.num_rows)
    total = problem.graph.rowptr.new_zeros(size, dtype=torch.float64)
    if not spread:
        for lo, hi in cuts:
            for block in problem.squares(lo, hi):
                total += block
        return total
    own = [problem.squares(lo, hi) for lo, hi in cuts]
    mine = torch.cat([total.new_zeros((0, *size)), *own])
    for block in all_gather_rows(mine, group):
        total += block
    return total


def embed(
    problem: Problem,
    width: int | None,
    out: str | os.PathLike[str] | None,
    spread: bool,
    group: Any,
    dtype: torch.dtype,
) -> Tensor:
    """Compute all columns; see :meth:`graphlab.embed.FastRP.transform`."""
    dim = problem.start.dim
    spread = spread and world_size(group) > 1
    lo, hi = _column_range(dim, group) if spread else (0, dim)
    cuts = list(panels(lo, hi, width))
    squares = None
    if problem.normalize and (spread or len(cuts) > 1):
        squares = total_squares(problem, cuts, spread, group)
    if out is not None:
        return _into_file(problem, cuts, squares, Path(out), spread, group, dtype)
    if len(cuts) == 1 and not spread:
        return problem.merged(lo, hi, squares).to(dtype)
    rows = problem.graph.num_rows
    wide = working_dtype(problem.start.dtype)
    result = problem.start.factor.new_empty((rows, hi - lo), dtype=wide)
    for begin, end in cuts:
        result[:, begin - lo : end - lo] = problem.merged(begin, end, squares)
    if spread:
        result = all_gather_rows(result.t().contiguous(), group).t().contiguous()
    return result.to(dtype)


def _column_range(dim: int, group: Any) -> tuple[int, int]:
    """Columns of this process: whole blocks, as even as they come."""
    blocks, ranks, mine = -(-dim // BLOCK), world_size(group), rank(group)
    borders = [min(dim, BLOCK * (blocks * r // ranks)) for r in (mine, mine + 1)]
    return borders[0], borders[1]


def _into_file(
    problem: Problem,
    cuts: Sequence[tuple[int, int]],
    squares: Tensor | None,
    path: Path,
    spread: bool,
    group: Any,
    dtype: torch.dtype,
) -> Tensor:
    """Write the panels into a .npy file that takes its name when it is complete."""
    kinds = {torch.float32: np.float32, torch.float64: np.float64}
    if dtype not in kinds:
        raise ValueError(f"out holds float32 or float64, got dtype {dtype}")
    part = path.with_name(f"{path.name}.part")
    shape = (problem.graph.num_rows, problem.start.dim)
    leader = not spread or rank(group) == 0
    if leader:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = np.lib.format.open_memmap(part, mode="w+", dtype=kinds[dtype], shape=shape)
        file.flush()
    if spread:
        dist.barrier(group)
    if not leader:
        file = np.lib.format.open_memmap(part, mode="r+")
    for lo, hi in cuts:
        file[:, lo:hi] = problem.merged(lo, hi, squares).cpu().numpy()
    file.flush()
    del file
    if spread:
        dist.barrier(group)
    if leader:
        os.replace(part, path)
    if spread:
        dist.barrier(group)
    return torch.from_numpy(np.load(path, mmap_mode="r+"))
