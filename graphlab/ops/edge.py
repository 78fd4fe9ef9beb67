"""Edge-cosine sums: the positives of contrastive losses on graphs, without E x D temporaries."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphlab._checks import check_matrix, check_positive, check_same_device
from graphlab.ops import reference
from graphlab.ops.csr_graph import CSRGraph
from graphlab.ops.library import call, define
from graphlab.ops.reference.edge import is_kept

__all__ = ["edge_cosine_sum"]

#: exp(tau) must stay far from overflow even when summed over the longest row.
_MAX_TAU = {torch.float32: 80.0, torch.float64: 600.0}


def _setup(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    z, rowptr, col, weight, weight_t, scale, tau, _ = inputs
    kept = output[1]
    ctx.mark_non_differentiable(kept)
    ctx.set_materialize_grads(False)
    ctx.save_for_backward(kept, z, rowptr, col, weight, weight_t, scale)
    ctx.tau = tau


def _backward(ctx: Any, grad: Tensor | None, _: None) -> tuple[Tensor | None, ...]:
    kept, z, rowptr, col, weight, weight_t, scale = ctx.saved_tensors
    grad_z = grad_weight = None
    if grad is None:
        return (None,) * 8
    grad = grad.contiguous()
    if ctx.needs_input_grad[0]:
        graph = (rowptr, col, weight, weight_t, scale)
        grad_z = call("edge_cosine_sum_backward", grad, kept, z, *graph, ctx.tau)
    if weight is not None and ctx.needs_input_grad[3]:
        grad_weight = call("edge_cosine_weight_grad", grad, kept, z, rowptr, col, ctx.tau)
    return grad_z, None, None, grad_weight, None, None, None, None


_GRAPH = "Tensor z, Tensor rowptr, Tensor col, Tensor? weight, Tensor? weight_t, Tensor? scale"
define(
    f"edge_cosine_sum({_GRAPH}, float tau, bool keep) -> (Tensor, Tensor)",
    reference.edge_cosine_sum,
    lambda z, rowptr, col, *rest: (
        z.new_empty(z.shape[0]),
        z.new_empty(col.shape[0] if is_kept(z, rest[-1]) else 0),
    ),
    setup_context=_setup,
    backward=_backward,
)
define(
    f"edge_cosine_sum_backward(Tensor grad, Tensor kept, {_GRAPH}, float tau) -> Tensor",
    reference.edge_cosine_sum_backward,
    lambda grad, kept, z, *_: torch.empty_like(z, memory_format=torch.contiguous_format),
)
define(
    "edge_cosine_weight_grad(Tensor grad, Tensor kept, Tensor z, Tensor rowptr, Tensor col, "
    "float tau) -> Tensor",
    reference.edge_cosine_weight_grad,
    lambda grad, kept, z, rowptr, col, tau: z.new_empty(col.shape[0]),
)


def edge_cosine_sum(z: Tensor, graph: CSRGraph, tau: float) -> Tensor:
    r"""Weighted sum of exponentiated cosines over every node's edges.

    .. math:: P_i = \sum_{j \in \mathcal{N}(i)} w_{ij} \exp(\tau \cos(z_i, z_j)), \quad
        \cos(z_i, z_i) := 0

    A zero row has cosine 0 with everything and gradient 0.

    Args:
        z (Tensor): Embeddings, floating point ``(N, D)``; half precision is read as float32.
        graph (CSRGraph): Prepared graph with N nodes. The gradient flows to ``z`` and, if it
            requires one, to ``graph.weight``.
        tau (float): Positive inverse temperature, at most 80 (float32) or 600 (float64).

    Returns:
        Tensor: ``(N,)``, dtype of ``z`` and the weights promoted; 0 for a node without edges.

    Raises:
        TypeError, ValueError: If ``z`` does not fit the graph, or ``tau`` is out of range.

    Complexity: O(E D) time; O(N D) extra memory, nothing of size E D. Where a gradient is wanted,
    a CPU keeps one number an edge, which spares it the products again.
    Determinism: bitwise for a given device, whatever the number of threads.
    """
    if not isinstance(graph, CSRGraph):
        raise TypeError(f"graph must be a graphlab.ops.CSRGraph, got {type(graph).__name__}")
    graph.check_values()
    z = check_matrix(z, "z", rows=graph.num_nodes, finite=False)
    check_same_device(z=z, graph=graph.rowptr)
    weights = (graph.weight, graph.weight_t, graph.scale)
    dtype = _compute_dtype(z, *weights)
    tau = check_positive(tau, "tau")
    if tau > _MAX_TAU[dtype]:
        raise ValueError(f"tau must be at most {_MAX_TAU[dtype]} for {dtype}, got {tau}")
    weight, weight_t, scale = (None if w is None else w.to(dtype) for w in weights)
    keep = torch.is_grad_enabled() and any(
        w is not None and w.requires_grad for w in (z, graph.weight)
    )
    structure = (graph.rowptr, graph.col, weight, weight_t, scale)
    out: Tensor = call("edge_cosine_sum", z.to(dtype), *structure, tau, keep)[0]
    return out


def _compute_dtype(*tensors: Tensor | None) -> torch.dtype:
    """float64 if any tensor has it, else float32."""
    wide = any(t is not None and t.dtype == torch.float64 for t in tensors)
    return torch.float64 if wide else torch.float32
