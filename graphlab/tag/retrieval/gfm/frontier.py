"""Scores by what a question changes: the ball around its entities, on a shared background."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from graphlab.ops import RelationalRows, SparseRows
from graphlab.tag.retrieval.gfm.layer import degree_scale
from graphlab.tag.retrieval.gfm.model import QueryGNN

__all__: list[str] = []

_MEMORY = 2 * 2**30  # bytes of a background, beyond which whole runs are cheaper to hold
_WORTH = 0.5  # share of the edges above which a whole run is no slower


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
    for layer, table in zip(model.layers, tables, strict=True):
        states.append(layer(states[-1], states[-1], zero, table, rows, scale))
    width = model.hidden
    inner = functional.linear(states[-1][:, 0], model.score_mlp[0].weight[:, :width])
    return Background(tables, states, inner, scale)


def reach(rows: RelationalRows, start: Tensor, num_layers: int) -> list[Tensor] | None:
    """Nodes within 0, 1, ... edges of the start, each sorted; None where these are many.

    Args:
        rows (RelationalRows): Edges by target.
        start (Tensor): Nodes, sorted.
        num_layers (int): Edges.
    """
    pointers, target, _ = rows.by_source
    seen = torch.zeros(rows.num_rows, dtype=torch.bool, device=rows.device)
    seen[start] = True
    balls, edges = [start], 0
    degree = rows.rows.rowptr.diff()
    for _ in range(num_layers):
        reached = target[_entries(pointers, balls[-1])].long()
        seen[reached] = True
        balls.append(seen.nonzero().view(-1))
        edges += int(degree[balls[-1]].sum())
    return balls if edges <= _WORTH * rows.num_edges * num_layers else None


def answer(
    model: QueryGNN, base: Background, rows: RelationalRows, query: Tensor, start: Tensor
) -> Tensor:
    """Logits ``(N,)`` of one question, equal to those of a whole run but for rounding.

    After l layers a question has come l edges far: the states of all other nodes are those of the
    background.

    Args:
        model (QueryGNN): The network.
        base (Background): Its run without a question.
        rows (RelationalRows): Edges by target.
        query (Tensor): Embedding of the question ``(1, F)``.
        start (Tensor): Weight of every node at its start ``(1, N)``, not all zero.
    """
    asked, boundary = model.encode(query, start)
    balls = reach(rows, start[0].nonzero().view(-1), model.num_layers)
    if balls is None:
        states = boundary
        for layer, table in zip(model.layers, base.tables, strict=True):
            states = layer(states, states, boundary, table, rows, base.scale)
        return model.score(states, asked)[0]
    inside, changed = balls[0], boundary[balls[0]]
    for number, layer in enumerate(model.layers):
        ball, before = balls[number + 1], base.states[number]
        part, sources = _cut(rows, ball)
        changed = layer(
            _mixed(before, sources, inside, changed),
            _mixed(before, ball, inside, changed),
            boundary[ball],
            base.tables[number],
            part,
            None if base.scale is None else base.scale[ball],
        )
        inside = ball
    first, _, last = model.score_mlp
    width = model.hidden
    own = functional.linear(changed[:, 0], first.weight[:, :width])
    inner = base.inner.index_copy(0, inside, own)
    inner = inner + functional.linear(asked, first.weight[:, width:], first.bias)
    scores: Tensor = last(torch.relu(inner)).squeeze(-1)
    return scores


def _cut(rows: RelationalRows, targets: Tensor) -> tuple[RelationalRows, Tensor]:
    """Edges into some nodes, and the nodes that they come from."""
    entry = _entries(rows.rows.rowptr, targets)
    length = rows.rows.rowptr.diff()[targets]
    pointers = torch.cat([length.new_zeros(1), length.cumsum(0)])
    sources, column = torch.unique(rows.rows.col[entry], return_inverse=True)
    part = SparseRows(pointers, column.int(), num_cols=sources.numel())
    return RelationalRows(part, rows.type[entry], rows.num_types), sources.long()


def _mixed(before: Tensor, nodes: Tensor, inside: Tensor, changed: Tensor) -> Tensor:
    """States of some sorted nodes: those inside changed, the others as they were."""
    place = torch.searchsorted(inside, nodes).clamp(max=inside.numel() - 1)
    own = (inside[place] == nodes).nonzero().view(-1)
    return before[nodes].index_copy(0, own, changed[place[own]])


def _entries(pointers: Tensor, rows: Tensor) -> Tensor:
    """Numbers of the entries of some rows, one row after another."""
    length = pointers.diff()[rows]
    first = torch.repeat_interleave(pointers[rows] - (length.cumsum(0) - length), length)
    return first + torch.arange(first.numel(), device=first.device)
