"""One GPS layer on packed nodes: attention within segments, nothing is padded."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.nn import GPSConv, SAGEConv

from graphlab._autograd import first_order
from graphlab._precision import widened
from graphlab.ops.attention import attend, attend_backward
from graphlab.ops.csr import SparseRows, compress, row_pointers
from graphlab.ops.library import call
from graphlab.tag.graphclip._norm import GlobalBatchNorm


class Plan(NamedTuple):
    """Rows of the graph, both ways, and segments of the attention, shared by all layers."""

    incoming: SparseRows
    outgoing: SparseRows
    inverse_degree: Tensor
    pointers: Tensor

    @staticmethod
    def build(edge_index: Tensor, batch: Tensor, num_graphs: int, dtype: torch.dtype) -> Plan:
        """Sort the edges by target and by source."""
        (source, target), count = edge_index, batch.numel()
        incoming = compress(target, source, count, count)
        degree = incoming.rowptr.diff()
        return Plan(
            incoming,
            compress(source, target, count, count),
            1 / degree.clamp(min=1).to(dtype),
            row_pointers(batch, num_graphs),
        )


class _MeanOfNeighbours(torch.autograd.Function):
    """Mean over incoming edges; both directions are prepared, so that no layer sorts."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, plan: Plan) -> Tensor:
        ctx.plan = plan
        rows = plan.incoming
        return call("propagate", x, rows.rowptr, rows.col, None, plan.inverse_degree)  # type: ignore[no-any-return]

    @staticmethod
    @first_order
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        # The mean's factor belongs to the target: on the way back it comes before the sum.
        scaled = grad * ctx.plan.inverse_degree[:, None]
        rows = ctx.plan.outgoing
        return call("propagate", scaled, rows.rowptr, rows.col, None, None), None


class _Attention(torch.autograd.Function):
    """Projection to queries, keys and values, and attention.

    The three are computed again on the way back: they would be a quarter of what a layer keeps.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, pointers: Tensor, heads: int
    ) -> Tensor:
        device = x.device.type
        ctx.autocast = (device, torch.get_autocast_dtype(device), torch.is_autocast_enabled(device))
        ctx.heads = heads
        out, lse = attend(F.linear(x, weight, bias), pointers, heads)
        ctx.save_for_backward(x, weight, bias, pointers, out, lse)
        return out

    @staticmethod
    @first_order
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, bias, pointers, out, lse = ctx.saved_tensors
        with torch.autocast(*ctx.autocast):
            qkv = F.linear(x, weight, bias)
            slope = attend_backward(grad, qkv, pointers, out, lse, ctx.heads)
            del qkv
            # Wide, where weights in half precision are not.
            slope = slope.to(weight.dtype)
            grads = (slope @ weight, slope.t() @ x, slope.sum(0))
        parts = zip(grads, (x, weight, bias), strict=True)
        return (*(g.to(given.dtype) for g, given in parts), None, None)


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
        return self.norm3(_plus(self.mlp(out), out))  # type: ignore[no-any-return]

    def _local(self, x: Tensor, plan: Plan) -> Tensor:
        # The mean of mapped rows is the mapped mean, and needs no rows kept for the way back.
        # The operator adds in float32 at least, also under autocast.
        mapped = F.linear(x, self.conv.lin_l.weight)
        mean: Tensor = _MeanOfNeighbours.apply(widened(mapped).contiguous(), plan)  # type: ignore[no-untyped-call]
        mean = mean.to(self.conv.lin_l.weight.dtype)
        return _plus(mean, F.linear(x, self.conv.lin_r.weight, self.conv.lin_l.bias))

    def _attend(self, x: Tensor, plan: Plan) -> Tensor:
        attn = self.attn
        mixed: Tensor = _Attention.apply(  # type: ignore[no-untyped-call]
            x, attn.in_proj_weight, attn.in_proj_bias, plan.pointers, self.heads
        )
        mixed = mixed.to(attn.out_proj.weight.dtype)
        return F.linear(mixed, attn.out_proj.weight, attn.out_proj.bias)
