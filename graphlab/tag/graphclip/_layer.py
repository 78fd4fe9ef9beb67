"""One GPS layer on packed nodes: attention pads within groups of similar size only."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F
from torch_geometric.nn import GPSConv, SAGEConv

from graphlab.tag.graphclip._buckets import Bucket, graph_pointers, make_buckets
from graphlab.tag.graphclip._norm import GlobalBatchNorm


class Plan(NamedTuple):
    """What all layers share: the rows of the graph, both ways, and the groups of the attention."""

    incoming: tuple[Tensor, Tensor]
    outgoing: tuple[Tensor, Tensor]
    inverse_degree: Tensor
    buckets: list[Bucket]
    order: Tensor

    @staticmethod
    def build(edge_index: Tensor, batch: Tensor, num_graphs: int, dtype: torch.dtype) -> Plan:
        """Sort the edges by target and by source, and the graphs by size."""
        source, target = edge_index
        buckets = make_buckets(graph_pointers(batch, num_graphs))
        placed = [b.node.flatten() if b.mask is None else b.node[b.mask] for b in buckets]
        order = torch.cat(placed) if placed else batch.new_zeros(0)
        degree = torch.bincount(target, minlength=batch.numel())
        return Plan(
            _rows(target, source, batch.numel()),
            _rows(source, target, batch.numel()),
            1 / degree.clamp(min=1).to(dtype),
            buckets,
            torch.empty_like(order).index_copy_(
                0, order, torch.arange(order.numel(), device=order.device)
            ),
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
        local = self._local(x, plan)
        local = self.norm1(F.dropout(local, self.dropout, self.training) + x)
        wide = self._attend(x, plan)
        wide = self.norm2(F.dropout(wide, self.dropout, self.training) + x)
        out = local + wide
        return self.norm3(out + self.mlp(out))  # type: ignore[no-any-return]

    def _local(self, x: Tensor, plan: Plan) -> Tensor:
        # The operator adds in float32 at least, also under autocast.
        wide = x if x.dtype == torch.float64 else x.float()
        mean: Tensor = _MeanOfNeighbours.apply(wide.contiguous(), plan)  # type: ignore[no-untyped-call]
        return self.conv.lin_l(mean) + self.conv.lin_r(x)  # type: ignore[no-any-return]

    def _attend(self, x: Tensor, plan: Plan) -> Tensor:
        heads, width = self.heads, x.size(1) // self.heads
        qkv = F.linear(x, self.attn.in_proj_weight, self.attn.in_proj_bias)
        parts = []
        for node, mask in plan.buckets:
            table = qkv[node].view(*node.shape, 3, heads, width).permute(2, 0, 3, 1, 4)
            bias = None if mask is None else mask[:, None, None, :]
            query, key, value = table.unbind(0)
            out = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
            out = out.transpose(1, 2).flatten(2)
            parts.append(out.flatten(0, 1) if mask is None else out[mask])
        mixed = torch.cat(parts)[plan.order] if parts else qkv[:, : x.size(1)]
        return F.linear(mixed, self.attn.out_proj.weight, self.attn.out_proj.bias)
