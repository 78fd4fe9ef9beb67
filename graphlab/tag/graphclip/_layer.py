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

    Unless they are kept, the three are computed again on the way back: they would be a quarter of
    what a layer keeps, and cost one product of matrices in eleven.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        pointers: Tensor,
        heads: int,
        keep: bool,
    ) -> Tensor:
        device = x.device.type
        ctx.autocast = (device, torch.get_autocast_dtype(device), torch.is_autocast_enabled(device))
        ctx.heads = heads
        qkv = F.linear(x, weight, bias)
        out, lse = attend(qkv, pointers, heads)
        ctx.save_for_backward(x, weight, bias, pointers, out, lse, qkv if keep else None)
        return out

    @staticmethod
    @first_order
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, bias, pointers, out, lse, qkv = ctx.saved_tensors
        with torch.autocast(*ctx.autocast):
            qkv = F.linear(x, weight, bias) if qkv is None else qkv
            slope = attend_backward(grad, qkv, pointers, out, lse, ctx.heads)
            del qkv
            # Wide, where weights in half precision are not.
            slope = slope.to(weight.dtype)
            grads = (slope @ weight, slope.t() @ x, slope.sum(0))
        parts = zip(grads, (x, weight, bias), strict=True)
        return (*(g.to(given.dtype) for g, given in parts), None, None, None)


def _plus(fresh: Tensor, other: Tensor) -> Tensor:
    """Sum in the place of the first, which no gradient needs; under autocast dtypes may differ."""
    return fresh.add_(other) if fresh.dtype == other.dtype else fresh + other


class GPSLayer(GPSConv):
    """``GPSConv`` with SAGE messages and multi-head attention, the same parameters and values."""

    def __init__(
        self, channels: int, heads: int, dropout: float, norm: str, keep: bool = False
    ) -> None:
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
        self._keep = keep
        self.mlp[1] = torch.nn.ReLU(inplace=True)  # what comes in is the product's own
        if norm == "batch":
            for part in (self.norm1, self.norm2, self.norm3):
                part.module = GlobalBatchNorm(channels)

    def forward(self, x: Tensor, plan: Plan) -> Tensor:
        """Map node features ``(N, C)`` to ``(N, C)``."""
        own, bias = self.conv.lin_r.weight, self.conv.lin_l.bias
        local = self.norm1(self._onto(x, x, own, bias, self._mean(x, plan)))
        mapped = self.attn.out_proj
        wide = self.norm2(self._onto(x, self._mix(x, plan), mapped.weight, mapped.bias))
        out = _plus(local, wide)
        first, act, dropout, last, _ = self.mlp
        hidden = dropout(act(first(out)))
        return self.norm3(self._onto(out, hidden, last.weight, last.bias))  # type: ignore[no-any-return]

    def _onto(
        self, base: Tensor, x: Tensor, weight: Tensor, bias: Tensor, mean: Tensor | None = None
    ) -> Tensor:
        """``base + dropout(mean + x W^T + b)``; the product is added where the sum lies already."""
        whole = not (self.training and self.dropout > 0)
        if whole and base.dtype == weight.dtype and not torch.is_autocast_enabled(x.device.type):
            total = base + bias
            total = total if mean is None else total.add_(mean)
            return total.addmm_(x, weight.t())
        fresh = F.linear(x, weight, bias)
        fresh = fresh if mean is None else _plus(mean, fresh)
        return _plus(F.dropout(fresh, self.dropout, self.training), base)

    def _mean(self, x: Tensor, plan: Plan) -> Tensor:
        # The mean of mapped rows is the mapped mean, and needs no rows kept for the way back.
        # The operator adds in float32 at least, also under autocast.
        mapped = F.linear(x, self.conv.lin_l.weight)
        mean: Tensor = _MeanOfNeighbours.apply(widened(mapped).contiguous(), plan)  # type: ignore[no-untyped-call]
        return mean.to(self.conv.lin_l.weight.dtype)

    def _mix(self, x: Tensor, plan: Plan) -> Tensor:
        attn = self.attn
        mixed: Tensor = _Attention.apply(  # type: ignore[no-untyped-call]
            x, attn.in_proj_weight, attn.in_proj_bias, plan.pointers, self.heads, self._keep
        )
        return mixed.to(attn.out_proj.weight.dtype)
