"""FastRP by column panels: one after the other, into a file, or spread over processes.

Columns are independent but for the norms of the rows. So panels take two rounds where rows are
normalised: the first adds up squares, in blocks of 16 columns and in the order of the columns, the
second merges. Whoever computes a panel, and next to which others, its bits are the same.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from graphlab._distributed import all_gather_rows, rank, world_size
from graphlab._io import user_path
from graphlab._precision import working_dtype
from graphlab._progress import track, waiting
from graphlab.embed.fastrp._problem import Problem

__all__: list[str] = []

#: Panels start at multiples of this.
BLOCK = 16


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
        for lo, hi in track(cuts, "FastRP, norms", unit="panels"):
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
        return _into_file(problem, cuts, squares, user_path(out, "out"), spread, group, dtype)
    if len(cuts) == 1 and not spread:
        with waiting("FastRP"):
            return problem.merged(lo, hi, squares).to(dtype)
    rows = problem.graph.num_rows
    wide = working_dtype(problem.start.dtype)
    result = problem.start.factor.new_empty((rows, hi - lo), dtype=wide)
    for begin, end in track(cuts, "FastRP", unit="panels"):
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
        dist.barrier(group)  # until the file has its size
    if not leader:
        file = np.lib.format.open_memmap(part, mode="r+")
    for lo, hi in track(cuts, "FastRP", unit="panels"):
        file[:, lo:hi] = problem.merged(lo, hi, squares).cpu().numpy()
    file.flush()
    del file
    if spread:
        dist.barrier(group)  # until every panel is written
    if leader:
        os.replace(part, path)
    if spread:
        dist.barrier(group)  # until the file has its name
    return torch.from_numpy(np.load(path, mmap_mode="r+", allow_pickle=False))
