"""Work of the random projections and walks; integer work is not counted."""

from __future__ import annotations

from torch import Tensor

from benchmarks._floors.work import Gather, Work, size


def random_projection(
    factor: Tensor,
    node: Tensor | None,
    seed: int,
    stream: int,
    start: int,
    stop: int,
    sparsity: float,
    scale: float,
) -> Work:
    """Every entry is written once."""
    written = factor.numel() * (stop - start) * factor.element_size()
    return Work(size(factor, node) + written)


def random_walk(
    rowptr: Tensor,
    col: Tensor,
    start: Tensor,
    seed: int,
    stream: int,
    length: int,
    restart: float,
) -> Work:
    """A row pointer pair and a neighbour per step that is no return."""
    count = start.numel()
    steps = int(count * length * (1 - restart))
    reads = (Gather(steps, 16, size(rowptr)), Gather(steps, 4, size(col)))
    return Work(size(start) + count * (length + 1) * 4, 0, 0, reads)
