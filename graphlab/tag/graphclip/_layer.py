"""One GPS layer on packed nodes: attention pads within groups of similar size only."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint
from torch_geometric.nn import GPSConv, SAGEConv

from graphlab.tag.graphclip._buckets import graph_pointers, make_buckets
from graphlab.tag.graphclip._norm import GlobalBatchNorm


class Plan(NamedTuple):
    """What all layers share: the rows of the graph, both ways, and the groups of the attention.

    The attention works on a table of places, one group of graphs after the other, padding included:
    ``node`` is the node of every place, ``place`` that of every node, ``groups`` the shape of each
    group and which of its places hold a node (None: all).
    """

    incoming: tuple[Tensor, Tensor]
    outgoing: tuple[Tensor, Tensor]
    inverse_degree: Tensor
    groups: list[tuple[torch.Size, Tensor | None]]
    node: Tensor
    place: Tensor

    @staticmethod
    def build(edge_index: Tensor, batch: Tensor, num_graphs: int, dtype: torch.dtype) -> Plan:
        """Sort the edges by target and by source, and the graphs by size."""
        source, target = edge_index
        buckets = make_buckets(graph_pointers(batch, num_graphs))
        filled = [torch.ones_like(b.node, dtype=torch.bool) if b.mask is None else b.mask
                  for b in buckets]  # fmt: skip
        none = batch.new_zeros(0)
        node = torch.cat([none, *(b.node.flatten() for b in buckets)])
        held = torch.cat([none.bool(), *(f.flatten() for f in filled)]).nonzero().squeeze(1)
        degree = torch.bincount(target, minlength=batch.numel())
        return Plan(
            _rows(target, source, batch.numel()),
            _rows(source, target, batch.numel()),
            1 / degree.clamp(min=1).to(dtype),
            [(b.node.shape, b.mask) for b in buckets],
            node,
            torch.empty_like(held).index_copy_(0, node[held], held),
        )


def _rows(key: Tensor, other: Tensor, size: int) -> tuple[Tensor, Tensor]:
    order = torch.argsort(key, stable=True)
    borders = torch.arange(size + 1, device=key.device)
    return torch.searchsorted(key[order], borders), other[order].int()


class _MeanOfNeighbours(torch.autograd.Function):
    """Mean over incoming edges; both directions are prepared, so that no layer sorts."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, plan: Plan) -> Tensor:
        ctx.plan = plan
        return torch.ops.graphlab.propagate(x, *plan.incoming, None, plan.inverse_degree)  # type: ignore[no-any-return]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        scaled = grad * ctx.plan.inverse_degree[:, None]
        return torch.ops.graphlab.propagate(scaled, *ctx.plan.outgoing, None, None), None


class _ToPlaces(torch.autograd.Function):
    """Rows of nodes in the places of the attention.

    Padding repeats a node, but nothing reads what the attention makes of it: its gradient is zero,
    so the way back is a selection as well, without a sum into zeros.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, plan: Plan) -> Tensor:
        ctx.plan = plan
        return x.index_select(0, plan.node)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return grad.index_select(0, ctx.plan.place), None


def _plus(fresh: Tensor, other: Tensor) -> Tensor:
    """Sum in the place of the first, which no gradient needs; under autocast dtypes may differ."""
    return fresh.add_(other) if fresh.dtype == other.dtype else fresh + other


class GPSLayer(GPSConv):
    """``GPSConv`` with SAGE messages and multi-head attention, the same parameters and values."""

    def __init__(self, channels: int, heads: int, dropout: float, norm: str) -> None:
        super().__init__(
            channels,
            SAGEConv(channels, channels),
            heads=heads,
            dropout=dropout,
            norm={"batch": "batch_norm", "layer": "layer_norm"}[norm],
            norm_kwargs={"mode": "node"} if norm == "layer" else None,
            attn_type="multihead",
            attn_kwargs={"dropout": 0.0},
        )
        if norm == "batch":
            for part in (self.norm1, self.norm2, self.norm3):
                part.module = GlobalBatchNorm(channels)

    def forward(self, x: Tensor, plan: Plan) -> Tensor:
        """Map node features ``(N, C)`` to ``(N, C)``."""
        local = F.dropout(self._local(x, plan), self.dropout, self.training)
        local = self.norm1(_plus(local, x))
        wide = F.dropout(self._attend(x, plan), self.dropout, self.training)
        out = _plus(local, self.norm2(_plus(wide, x)))
        # The wide hidden layer is the largest thing to keep and cheap to compute again.
        deep = checkpoint(self.mlp, out, use_reentrant=False, preserve_rng_state=self.dropout > 0)
        return self.norm3(_plus(deep, out))  # type: ignore[no-any-return]

    def _local(self, x: Tensor, plan: Plan) -> Tensor:
        # The mean of mapped rows is the mapped mean, and needs no rows kept for the way back.
        # The operator adds in float32 at least, also under autocast.
        mapped = F.linear(x, self.conv.lin_l.weight)
        wide = mapped if mapped.dtype == torch.float64 else mapped.float()
        mean: Tensor = _MeanOfNeighbours.apply(wide.contiguous(), plan)  # type: ignore[no-untyped-call]
        return _plus(mean, F.linear(x, self.conv.lin_r.weight, self.conv.lin_l.bias))

    def _attend(self, x: Tensor, plan: Plan) -> Tensor:
        heads, width = self.heads, x.size(1) // self.heads
        qkv = F.linear(x, self.attn.in_proj_weight, self.attn.in_proj_bias)
        table: Tensor = _ToPlaces.apply(qkv, plan)  # type: ignore[no-untyped-call]
        sizes = [shape.numel() for shape, _ in plan.groups]
        parts: list[Tensor] = []
        for rows, (shape, mask) in zip(table.split(sizes), plan.groups, strict=True):
            query, key, value = rows.view(*shape, 3, heads, width).permute(2, 0, 3, 1, 4).unbind(0)
            bias = None if mask is None else mask[:, None, None, :]
            out = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
            parts.append(out.transpose(1, 2).reshape(sizes[len(parts)], x.size(1)))
        mixed = torch.cat(parts).index_select(0, plan.place) if parts else qkv[:, : x.size(1)]
        return F.linear(mixed, self.attn.out_proj.weight, self.attn.out_proj.bias)
