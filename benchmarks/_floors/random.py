"""Work of the random projections and walks; integer work is not counted."""

from __future__ import annotations

from benchmarks._floors.work import Call, Gather, Work, size


def random_projection(call: Call) -> Work:
    """Every entry is written once."""
    written = call.factor.numel() * (call.stop - call.start) * call.factor.element_size()
    return Work(size(call.factor, call.node) + written)


def random_walk(call: Call) -> Work:
    """A row pointer pair and a neighbour per step that is no return."""
    count = call.start.numel()
    steps = int(count * call.length * (1 - call.restart))
    reads = (Gather(steps, 16, size(call.rowptr)), Gather(steps, 4, size(call.col)))
    return Work(size(call.start) + count * (call.length + 1) * 4, 0, 0, reads)
