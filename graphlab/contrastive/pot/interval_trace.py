"""Intervals of everything an encoder computes, over all allowed graphs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from graphlab.contrastive.pot.drops import DropSet, Rows
from graphlab.contrastive.pot.steps import Activation, Affine, Hop, Step

__all__ = ["Box", "Course", "run_course"]


@dataclass(frozen=True)
class Box:
    """Lower and upper ends of a state, ``(n, d)``; one tensor where the state is known exactly."""

    low: Tensor
    high: Tensor
    nodes: Tensor | None = None

    @property
    def exact(self) -> bool:
        """Whether the state does not depend on the graph."""
        return self.low is self.high

    def center_radius(self) -> tuple[Tensor, Tensor | None]:
        """Middle and half the width."""
        if self.exact:
            return self.low, None
        return (self.low + self.high) / 2, (self.high - self.low) / 2

    def at(self, nodes: Tensor | None) -> Box:
        """The rows of some of the nodes."""
        if nodes is None or nodes is self.nodes:
            return self
        place = nodes if self.nodes is None else torch.searchsorted(self.nodes, nodes)
        low = self.low[place]
        return Box(low, low if self.exact else self.high[place], nodes)

    def smallest_dot(self, coefficient: Tensor) -> Tensor:
        """Smallest ``<coefficient, h>`` per row over the box, ``(n,)``."""
        center, radius = self.center_radius()
        dot = (coefficient * center).sum(1)
        return dot if radius is None else dot - (coefficient.abs() * radius).sum(1)


@dataclass(frozen=True)
class Course:
    """An encoder's steps with the intervals of all states and the rows that every hop read.

    ``boxes[k]`` is the state before ``steps[k]``, the last one the output.
    """

    steps: Sequence[Step]
    boxes: list[Box]
    rows: dict[int, Rows]
    bound: str


def run_course(
    steps: Sequence[Step],
    x: Tensor,
    drops: DropSet,
    bound: str,
    targets: Tensor | None = None,
) -> Course:
    """Push the features through all steps as intervals.

    Args:
        steps: Of the encoder.
        x: Features of all nodes ``(N, F)``; sparse CSR is made dense where a batch or the first
            step cannot read it.
        drops: Allowed graphs.
        bound: ``"interval"``; anything else uses the budgets of whole rows.
        targets: Nodes whose output is wanted, ascending; all if missing. Only what these need is
            computed, with the degrees and budgets of the whole graph.

    Returns:
        Course: For the backward bounds.
    """
    hops = [k for k, step in enumerate(steps) if isinstance(step, Hop)]
    rows: dict[int, Rows] = {}
    needed = targets
    for k in reversed(hops):
        step = steps[k]
        if isinstance(step, Hop):
            rows[k] = drops.rows(step.norm, needed)
            needed = rows[k].columns
    if x.layout != torch.strided and (needed is not None or not _multiplies(steps)):
        x = x.to_dense()
    boxes = [Box(x, x).at(needed)]
    for k, step in enumerate(steps):
        box = boxes[-1]
        if isinstance(step, Affine):
            boxes.append(_affine(step, box))
        elif isinstance(step, Activation):
            low = step.forward(box.low)
            boxes.append(Box(low, low if box.exact else step.forward(box.high), box.nodes))
        else:
            boxes.append(_hop(step, box, rows[k], boxes, bound))
    return Course(steps, boxes, rows, bound)


def _multiplies(steps: Sequence[Step]) -> bool:
    """Whether the features meet a matrix first, which can read sparse rows."""
    first = steps[0] if steps else None
    return isinstance(first, Affine) and first.weight is not None and first.weight.dim() == 2


def _affine(step: Affine, box: Box) -> Box:
    if box.exact:
        out = step.forward(box.low)
        return Box(out, out, box.nodes)
    if step.weight is None:
        return Box(step.forward(box.low), step.forward(box.high), box.nodes)
    center, radius = box.center_radius()
    middle = step.forward(center)
    spread = step.linear(radius, step.weight.abs()) if radius is not None else 0.0
    return Box(middle - spread, middle + spread, box.nodes)


def _hop(step: Hop, box: Box, rows: Rows, boxes: list[Box], bound: str) -> Box:
    sums = rows.interval if bound == "interval" else rows.budgeted
    low, high = sums(box.low, box.high)
    if step.scale != 1.0:
        low, high = step.scale * low, step.scale * high
    if step.root_state is not None:
        root = boxes[step.root_state].at(rows.targets)
        low, high = low + _root(step, root).low, high + _root(step, root).high
    return Box(low, high, rows.targets)


def _root(step: Hop, box: Box) -> Box:
    weight = step.root_weight
    if not isinstance(weight, Tensor):
        weight = box.low.new_full((box.low.size(1),), float(weight))
    return _affine(Affine(weight), box)
