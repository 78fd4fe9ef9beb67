"""From intervals to certificates: linear lower bounds, pulled back from the output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from graphlab.contrastive.pot.drops import TargetBounds
from graphlab.contrastive.pot.interval_trace import IntervalTrace
from graphlab.contrastive.pot.relaxation import tight_lines
from graphlab.contrastive.pot.steps import Activation, Affine, Hop
from graphlab.ops import SparseRows, edge_bound

__all__ = ["MAX_TWO_PATHS", "certify"]

#: Pairs of consecutive entries beyond which ``budget_crown`` is refused: a few numbers for each.
MAX_TWO_PATHS = 200_000_000


@dataclass(frozen=True)
class _Linear:
    """``<coefficient_r, state at column_r> + constant_r``, a lower bound per row r.

    ``column`` maps rows to the state's rows; missing, they are the same.
    """

    coefficient: Tensor
    constant: Tensor
    column: Tensor | None = None


def certify(trace: IntervalTrace, target: Tensor) -> Tensor:
    """Lower bounds of ``<target_i, z_i>`` over all allowed graphs, ``(n,)``.

    The better, node by node, of the interval of the output and of a linear bound that is pulled
    back through the last hop (``budget_crown``: the last two).
    """
    # Neither bound is the better one everywhere: the maximum of two lower bounds is one.
    direct = trace.boxes[-1].smallest_dot(target)
    start = _Linear(target, target.new_zeros(target.size(0)))
    linear, k = _pull_to_hop(trace, start, len(trace.steps))
    if k < 0:
        # No message passing: nothing depends on the graph, and the output is exact.
        return direct
    return torch.maximum(direct, _through_hop(trace, linear, k))


def _pull_to_hop(trace: IntervalTrace, linear: _Linear, k: int) -> tuple[_Linear, int]:
    """A bound on state k pulled back to the output of a hop; the number of that hop, or -1."""
    while k > 0 and not isinstance(trace.steps[k - 1], Hop):
        k -= 1
        linear = _pull(trace, linear, k)
    return linear, k - 1


def _pull(trace: IntervalTrace, linear: _Linear, k: int) -> _Linear:
    """A bound pulled back through step k, which is not a hop."""
    step = trace.steps[k]
    if isinstance(step, Affine):
        coefficient, more = step.transposed(linear.coefficient)
        constant = linear.constant if more is None else linear.constant + more
        return _Linear(coefficient, constant, linear.column)
    box = trace.boxes[k]
    if box.exact:
        # A known state needs no lines: its value is a constant.
        value = trace.boxes[k + 1].low
        value = value if linear.column is None else value[linear.column]
        constant = linear.constant + (linear.coefficient * value).sum(1)
        return _Linear(torch.zeros_like(linear.coefficient), constant, linear.column)
    parallel = trace.bound == "interval"
    lines = tight_lines(cast(Activation, step), box.low, box.high, parallel=parallel)
    if linear.column is not None:
        lines = lines.at(linear.column)
    coefficient, more = lines.below(linear.coefficient)
    return _Linear(coefficient, linear.constant + more, linear.column)


def _through_hop(trace: IntervalTrace, linear: _Linear, k: int) -> Tensor:
    """Smallest value of a bound on the output of hop k, per row."""
    sources, stop = _before_hop(trace, linear, k)
    matrix = trace.matrices[k]
    if linear.column is not None:
        _check_two_paths(matrix, linear.column)
        matrix = matrix.repeated(linear.column)
    value = _per_entry(trace, sources, stop, matrix.pattern)
    if trace.bound == "budget_crown" and linear.column is None:
        value = _second_hop(trace, sources, stop, matrix, value)
    return matrix.smallest_sum(value, trace.bound) + linear.constant + _root(trace, linear, k)


def _before_hop(trace: IntervalTrace, linear: _Linear, k: int) -> tuple[_Linear, int]:
    """The part of the sources, pulled back to the nearest state that is worth a box."""
    step = trace.steps[k]
    scale = step.scale if isinstance(step, Hop) else 1.0
    sources = _Linear(linear.coefficient * scale, torch.zeros_like(linear.constant))
    while k > 0 and isinstance(trace.steps[k - 1], Affine) and not trace.boxes[k].exact:
        k -= 1
        sources = _pull(trace, sources, k)
    return sources, k


def _per_entry(trace: IntervalTrace, sources: _Linear, stop: int, pattern: SparseRows) -> Tensor:
    """Smallest contribution of every entry's source, ``(E,)``."""
    center, radius = trace.boxes[stop].center_radius()
    value = edge_bound(sources.coefficient, center, radius, pattern)
    return value + sources.constant[pattern.row()]


def _root(trace: IntervalTrace, linear: _Linear, k: int) -> Tensor:
    """Smallest contribution of the own rows that hop k adds, ``(n,)``."""
    step = trace.steps[k]
    if not isinstance(step, Hop) or step.root_state is None:
        return torch.zeros_like(linear.constant)
    box = trace.boxes[step.root_state].at(trace.matrices[k].targets)
    if linear.column is None:
        return box.smallest_dot(step.root_transposed(linear.coefficient))
    center, radius = box.center_radius()
    coefficient = step.root_transposed(linear.coefficient)
    dot = (coefficient * center[linear.column]).sum(1)
    if radius is None:
        return dot
    return dot - (coefficient.abs() * radius[linear.column]).sum(1)


def _second_hop(
    trace: IntervalTrace, sources: _Linear, stop: int, matrix: TargetBounds, value: Tensor
) -> Tensor:
    """Contributions of the sources, improved by a bound through the hop before."""
    row = matrix.pattern.row()
    entry = _Linear(sources.coefficient[row], sources.constant[row], matrix.pattern.col.long())
    entry, k = _pull_to_hop(trace, entry, stop)
    if k < 0:
        return value
    return torch.maximum(value, _through_hop(trace, entry, k))


def _check_two_paths(matrix: TargetBounds, column: Tensor) -> None:
    count = int(matrix.pattern.rowptr.diff()[column].sum())
    if count > MAX_TWO_PATHS:
        raise ValueError(
            f"bound='budget_crown' needs at most {MAX_TWO_PATHS} two-edge paths, this graph has "
            f"{count}: use bound='budget' or mini-batches of target nodes"
        )
