"""A layer of the query-dependent graph network: typed messages, their statistics, an update."""

from __future__ import annotations

from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphlab.ops import RelationalRows, relational_propagate

__all__: list[str] = []

Message = Literal["distmult", "transe"]
Aggregation = Literal["sum", "mean", "max", "pna"]
Ties = Literal["even", "reference"]

MESSAGES: tuple[Message, ...] = ("distmult", "transe")
AGGREGATIONS: tuple[Aggregation, ...] = ("sum", "mean", "max", "pna")
TIES: tuple[Ties, ...] = ("even", "reference")

_VARIANCE = 1e-6  # least variance, so that the square root has a derivative
_SCALE = 1e-2  # least scale that is inverted


class RelationalLayer(nn.Module):
    r"""One step of Bellman-Ford: ``h <- ReLU(LN(W [h; m])) + h``.

    Every node receives the messages of its incoming edges and, once more, the boundary; vectors of
    the relations are projected for this layer.

    Args:
        hidden (int): Columns D.
        message (str): ``"distmult"`` or ``"transe"``.
        aggregate (str): ``"sum"``, ``"mean"``, ``"max"`` or ``"pna"``.
        ties (str): Who receives the gradient of a maximum; see
            :func:`graphlab.ops.relational_propagate`.
    """

    def __init__(self, hidden: int, message: Message, aggregate: Aggregation, ties: Ties) -> None:
        super().__init__()
        self.message, self.aggregate, self.ties = message, aggregate, ties
        statistics = 12 if aggregate == "pna" else 1
        self.norm = nn.LayerNorm(hidden)
        self.linear = nn.Linear(hidden * (1 + statistics), hidden)
        self.relation_projection = nn.Sequential(
            nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, hidden)
        )

    def forward(
        self,
        sources: Tensor,
        own: Tensor,
        boundary: Tensor,
        table: Tensor,
        rows: RelationalRows,
        scale: Tensor | None,
    ) -> Tensor:
        """States of the targets after this step.

        Args:
            sources (Tensor): States ``(M, B, D)`` of the nodes that send.
            own (Tensor): States ``(N, B, D)`` of the nodes that receive.
            boundary (Tensor): ``(N, B, D)``.
            table (Tensor): Vectors of the edge types in this layer ``(T, D)``.
            rows (RelationalRows): Edges by target.
            scale (Tensor, optional): :func:`degree_scale` of the targets ``(N, 1, 1)``, for pna.
        """
        messages = self._messages(sources, boundary, table, rows, scale)
        width = own.size(-1)
        # The product with [h; m] without writing that matrix.
        update = functional.linear(own, self.linear.weight[:, :width], self.linear.bias)
        update = update + functional.linear(messages, self.linear.weight[:, width:])
        new: Tensor = torch.relu(self.norm(update)) + own
        return new

    def _messages(
        self,
        x: Tensor,
        boundary: Tensor,
        table: Tensor,
        rows: RelationalRows,
        scale: Tensor | None,
    ) -> Tensor:
        if self.aggregate != "pna":
            return relational_propagate(
                x,
                table,
                rows,
                boundary,
                message=self.message,
                reduce=self.aggregate,
                ties=self.ties,
            )
        mean, largest, least, square = (
            relational_propagate(
                x, table, rows, boundary, message=self.message, reduce=reduce, ties=self.ties
            )
            for reduce in ("mean", "max", "min", "square_mean")
        )
        deviation = (square - mean.square()).clamp(min=_VARIANCE).sqrt()
        statistics = torch.stack([mean, largest, least, deviation], dim=-1).flatten(-2)
        known = cast(Tensor, scale)  # made wherever the aggregate is pna
        scales = torch.cat([torch.ones_like(known), known, 1 / known.clamp(min=_SCALE)], dim=-1)
        return (statistics.unsqueeze(-1) * scales.unsqueeze(-2)).flatten(-2)


def degree_scale(rows: RelationalRows, dtype: torch.dtype) -> Tensor:
    """Logarithm of the in-degree + 1, divided by its mean over all nodes, ``(N, 1, 1)``.

    Zeros where there is no edge at all.
    """
    logarithm = rows.rows.rowptr.diff().to(dtype).log1p()
    mean = logarithm.mean()
    return torch.where(mean > 0, logarithm / mean, torch.zeros_like(logarithm)).view(-1, 1, 1)
