"""Scores by what a question changes: the ball around its entities, on a shared background."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor

from graphlab.ops import RelationalRows, SparseRows
from graphlab.tag.retrieval.gfm.layer import degree_scale
from graphlab.tag.retrieval.gfm.model import QueryGNN

__all__: list[str] = []

_MEMORY = 2 * 2**30  # bytes of a background, beyond which whole runs are cheaper to hold
_WORTH = 0.5  # share of the edges of whole runs above which these are no slower


@dataclass(frozen=True)
class Background:
    """A run without any question, which every question shares where it has not come yet.

    Attributes:
        tables (list[Tensor]): Vectors of the edge types in each layer ``(T, D)``.
        states (list[Tensor]): States before the first and after each layer ``(N, 1, D)``.
        inner (Tensor): Share of the last states in the first layer of the score ``(N, 2 D)``.
        scale (Tensor, optional): Scales of the degrees, for pna.
    """

    tables: list[Tensor]
    states: list[Tensor]
    inner: Tensor
    scale: Tensor | None


def fits(model: QueryGNN, rows: RelationalRows) -> bool:
    """Whether a background is small enough to be kept."""
    return 4 * (model.num_layers + 3) * rows.num_rows * model.hidden <= _MEMORY


def background(model: QueryGNN, x_rel: Tensor, rows: RelationalRows) -> Background:
    """Run a network without any question; gradients flow through it where they are wanted."""
    tables = model.tables(x_rel)
    scale = degree_scale(rows, x_rel.dtype) if model.aggregate == "pna" else None
    zero = x_rel.new_zeros(rows.num_rows, 1, model.hidden)
    states = [zero]
    for layer, table in zip(model.steps(), tables, strict=True):
        states.append(layer(states[-1], states[-1], zero, table, rows, scale))
    return Background(tables, states, model.inner(states[-1][:, 0]), scale)


@dataclass(frozen=True)
class Balls:
    """Nodes that questions have reached, as numbers ``question * N + node``.

    Attributes:
        inside (list[Tensor]): After 0, 1, ... L layers, each sorted.
        edges (int): Edges into them, summed over the layers.
    """

    inside: list[Tensor]
    edges: int


def reach(rows: RelationalRows, start: Tensor, num_layers: int) -> Balls:
    """Nodes within 0, 1, ... edges of the start of each question.

    Args:
        rows (RelationalRows): Edges by target.
        start (Tensor): Weight of every node at the start of a question ``(B, N)``.
        num_layers (int): Edges.
    """
    pointers, target, _ = rows.by_source
    size = rows.num_rows
    seen = (start != 0).view(-1)
    balls, edges = [seen.nonzero().view(-1)], 0
    degree = rows.rows.rowptr.diff()
    seen = seen.clone()
    for _ in range(num_layers):
        node = balls[-1] % size
        entry, length = _entries(pointers, node)
        seen[torch.repeat_interleave(balls[-1] - node, length) + target[entry].long()] = True
        balls.append(seen.nonzero().view(-1))
        edges += int(degree[balls[-1] % size].sum())
    return Balls(balls, edges)


def worthwhile(
    model: QueryGNN, rows: RelationalRows, balls: Balls, count: int, *, kept: bool
) -> bool:
    """Whether the balls of some questions are less than whole runs.

    Args:
        model (QueryGNN): The network.
        rows (RelationalRows): Edges by target.
        balls (Balls): What the questions reach.
        count (int): Questions.
        kept (bool): Whether the background is there already, or will be used again.
    """
    whole = rows.num_edges * model.num_layers
    cost = balls.edges + (0 if kept else whole)
    return fits(model, rows) and cost <= _WORTH * count * whole


def answer(
    model: QueryGNN,
    base: Background,
    rows: RelationalRows,
    query: Tensor,
    start: Tensor,
    balls: Balls,
) -> Tensor:
    """Logits ``(B, N)`` of questions, equal to those of a whole run but for rounding.

    After l layers a question has come l edges far: the states of all other nodes are those of the
    background. All questions are one product: their balls are parts of one graph.

    Args:
        model (QueryGNN): The network.
        base (Background): Its run without a question.
        rows (RelationalRows): Edges by target.
        query (Tensor): Embeddings of the questions ``(B, F)``.
        start (Tensor): Weight of every node at their start ``(B, N)``.
        balls (Balls): What they reach.
    """
    asked, size = model.query_linear(query), rows.num_rows
    inside = balls.inside[0]
    changed = _boundary(start, asked, inside)
    for number, layer in enumerate(model.steps()):
        ball, before = balls.inside[number + 1], base.states[number]
        part, sources = _cut(rows, ball)
        changed = layer(
            _mixed(before, size, sources, inside, changed),
            _mixed(before, size, ball, inside, changed),
            _boundary(start, asked, ball),
            base.tables[number],
            part,
            None if base.scale is None else base.scale[ball % size],
        )
        inside = ball
    own = model.inner(changed[:, 0])
    borders = torch.arange(len(query) + 1, device=inside.device) * size
    bounds = torch.searchsorted(inside, borders).tolist()
    scores = []
    # One question at a time: matrices (B, N, 2 D) would cost more to allocate than to compute.
    for place, (first, last) in enumerate(itertools.pairwise(bounds)):
        node = inside[first:last] - place * size
        inner = base.inner.index_copy(0, node, own[first:last])
        scores.append(model.score_inner(inner, asked[place : place + 1]))
    return torch.stack(scores)


def _boundary(start: Tensor, asked: Tensor, keys: Tensor) -> Tensor:
    """What enters at some nodes of questions ``(n, 1, D)``."""
    weight = start.reshape(-1)[keys].unsqueeze(1)
    return (weight * asked[keys // start.size(1)]).unsqueeze(1)


def _cut(rows: RelationalRows, targets: Tensor) -> tuple[RelationalRows, Tensor]:
    """Edges into some nodes of questions, and the nodes that they come from."""
    node = targets % rows.num_rows
    entry, length = _entries(rows.rows.rowptr, node)
    pointers = torch.cat([length.new_zeros(1), length.cumsum(0)])
    source = torch.repeat_interleave(targets - node, length) + rows.rows.col[entry]
    sources, column = torch.unique(source, return_inverse=True)
    part = SparseRows(pointers, column.int(), num_cols=sources.numel())
    return RelationalRows(part, rows.type[entry], rows.num_types), sources


def _mixed(before: Tensor, size: int, keys: Tensor, inside: Tensor, changed: Tensor) -> Tensor:
    """States of some sorted nodes of questions: those inside changed, the others as they were."""
    place = torch.searchsorted(inside, keys).clamp(max=inside.numel() - 1)
    own = (inside[place] == keys).nonzero().view(-1)
    return before[keys % size].index_copy(0, own, changed[place[own]])


def _entries(pointers: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Numbers of the entries of some rows, one row after another, and how many each has."""
    length = pointers.diff()[rows]
    first = torch.repeat_interleave(pointers[rows] - (length.cumsum(0) - length), length)
    return first + torch.arange(first.numel(), device=first.device), length
