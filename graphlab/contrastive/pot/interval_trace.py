"""Intervals of all states of an encoder, over all allowed graphs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from graphlab.contrastive.pot.drops import DropSet, TargetBounds
from graphlab.contrastive.pot.steps import Activation, Affine, Hop, Step

__all__ = ["Box", "IntervalTrace", "trace_intervals"]


@dataclass(frozen=True)
class Box:
    """Interval of a state of some nodes.

    Attributes:
        low (Tensor): Lower ends ``(n, d)``.
        high (Tensor): Upper ends; the same tensor as ``low`` where the state is known exactly.
        nodes (Tensor, optional): Nodes of the rows, ascending; all if missing.
    """

    low: Tensor
    high: Tensor
    nodes: Tensor | None = None

    @property
    def exact(self) -> bool:
        """True if the state does not depend on the graph."""
        return self.low is self.high

    def center_radius(self) -> tuple[Tensor, Tensor | None]:
        """Middle and half the width."""
        if self.exact:
            return self.low, None
        return (self.low + self.high) / 2, (self.high - self.low) / 2

    def at(self, nodes: Tensor | None) -> Box:
        """Interval of some of the nodes."""
        if nodes is None or nodes is self.nodes:
            return self
        position = nodes if self.nodes is None else torch.searchsorted(self.nodes, nodes)
        low = self.low[position]
        return Box(low, low if self.exact else self.high[position], nodes)

    def smallest_dot(self, coefficient: Tensor) -> Tensor:
        """Smallest ``<coefficient, h>`` per row over the box, ``(n,)``."""
        center, radius = self.center_radius()
        dot = (coefficient * center).sum(1)
        return dot if radius is None else dot - (coefficient.abs() * radius).sum(1)


@dataclass(frozen=True)
class IntervalTrace:
    """Steps of an encoder with the intervals of all states.

    Attributes:
        steps (sequence): The steps.
        boxes (list): Before step k, ``boxes[k]``; the last one is the output.
        matrices (dict): Bounds of the matrix that every hop read, by its number.
        bound (str): Kind of bound.
    """

    steps: Sequence[Step]
    boxes: list[Box]
    matrices: dict[int, TargetBounds]
    bound: str


def trace_intervals(
    steps: Sequence[Step],
    x: Tensor,
    drops: DropSet,
    bound: str,
    targets: Tensor | None = None,
) -> IntervalTrace:
    """Push the features through all steps as intervals.

    Args:
        steps (sequence): Steps of the encoder.
        x (Tensor): Features of all nodes ``(N, F)``; sparse CSR is made dense where a batch or the
            first step cannot read it.
        drops (DropSet): Allowed graphs.
        bound (str): ``"interval"``; anything else uses the budgets of whole rows.
        targets (Tensor, optional): Nodes whose output is wanted, ascending; all if missing. Only
            what these need is computed, with the degrees and budgets of the whole graph.

    Returns:
        IntervalTrace: For the backward bounds.
    """
    hops = [(k, step) for k, step in enumerate(steps) if isinstance(step, Hop)]
    matrices: dict[int, TargetBounds] = {}
    needed = targets
    # From the output back: the rows of a hop decide which nodes the one before must give.
    for k, hop in reversed(hops):
        matrices[k] = drops.matrix(hop.norm, needed)
        needed = matrices[k].columns
    if x.layout != torch.strided and (needed is not None or not _multiplies(steps)):
        x = x.to_dense()
    boxes = [Box(x, x).at(needed)]
    for k, step in enumerate(steps):
        box = boxes[-1]
        if isinstance(step, Affine):
            boxes.append(_affine(step, box))
        elif isinstance(step, Activation):
            # Monotone functions take ends to ends.
            low = step.forward(box.low)
            boxes.append(Box(low, low if box.exact else step.forward(box.high), box.nodes))
        else:
            boxes.append(_hop(step, box, matrices[k], boxes, bound))
    return IntervalTrace(steps, boxes, matrices, bound)


def _multiplies(steps: Sequence[Step]) -> bool:
    """Test for a matrix as the first step, which can read sparse features."""
    first = steps[0] if steps else None
    return isinstance(first, Affine) and first.weight is not None and first.weight.dim() == 2


def _affine(step: Affine, box: Box) -> Box:
    if box.exact:
        out = step.forward(box.low)
        return Box(out, out, box.nodes)
    if step.weight is None:
        return Box(step.forward(box.low), step.forward(box.high), box.nodes)
    # Interval arithmetic through |W| is exact for one affine map, in two products instead of four.
    center, radius = box.center_radius()
    middle = step.forward(center)
    spread = step.linear(radius, step.weight.abs()) if radius is not None else 0.0
    return Box(middle - spread, middle + spread, box.nodes)


def _hop(step: Hop, box: Box, matrix: TargetBounds, boxes: list[Box], bound: str) -> Box:
    sums = matrix.interval if bound == "interval" else matrix.budgeted
    low, high = sums(box.low, box.high)
    # A factor that is not negative keeps the order of the ends.
    if step.scale != 1.0:
        low, high = step.scale * low, step.scale * high
    if step.root_state is not None:
        root = boxes[step.root_state].at(matrix.targets)
        low, high = low + _root(step, root).low, high + _root(step, root).high
    return Box(low, high, matrix.targets)


def _root(step: Hop, box: Box) -> Box:
    weight = step.root_weight
    if not isinstance(weight, Tensor):
        weight = box.low.new_full((box.low.size(1),), float(weight))
    return _affine(Affine(weight), box)
