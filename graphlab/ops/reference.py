r"""Pure-torch definition of every operator: the specification, and the path without kernels.

The functions work in any floating dtype and on any device. Forward functions are differentiable
by torch's autograd, which is how the tests check the explicit ``_backward`` functions (and,
through them, the compiled kernels) in float64. Work is cut into chunks, so memory stays linear.

Shapes: N, M rows; D features; E edges; K clusters. Graphs come as CSR (``rowptr`` int64 of
``N + 1``, ``col`` int32 of ``E``); ``col`` holds the other node of each anchor's row.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

__all__: list[str] = []

#: Elements of the largest temporary; 2**22 float32 values are 16 MiB.
CHUNK_ELEMENTS = 2**22

#: How the pairwise operators treat the pair (i, i).
KEEP, EXCLUDE, ZERO = 0, 1, 2


def row_norms(x: Tensor) -> Tensor:
    """Euclidean norms ``(N, 1)``, summed in float64 so that no finite row overflows."""
    norm: Tensor = torch.linalg.vector_norm(x, dim=1, keepdim=True, dtype=torch.float64)
    return norm


def unit_rows(x: Tensor) -> Tensor:
    """Rows divided by their norm; zero rows stay zero and pass no gradient."""
    norm = row_norms(x)
    positive = norm > 0
    unit = (x.double() / torch.where(positive, norm, torch.ones_like(norm))).to(x.dtype)
    return torch.where(positive, unit, torch.zeros_like(unit))


def unit_rows_backward(grad: Tensor, x: Tensor) -> Tensor:
    """Derivative of :func:`unit_rows` times ``grad``: projection, then division by the norm."""
    unit = unit_rows(x)
    norm = row_norms(x)
    tangent = (grad - (grad * unit).sum(1, keepdim=True) * unit).double()
    scaled = tangent / torch.where(norm > 0, norm, torch.ones_like(norm))
    return torch.where(norm > 0, scaled, torch.zeros_like(scaled)).to(x.dtype)


def csr_rows(rowptr: Tensor, num_edges: int) -> Tensor:
    """Row of every entry, ``(E,)``."""
    rows = torch.arange(rowptr.numel() - 1, device=rowptr.device)
    return torch.repeat_interleave(rows, rowptr.diff(), output_size=num_edges)


def _slices(total: int, width: int) -> Iterator[slice]:
    """Cut ``range(total)`` so that ``length * width`` stays within the chunk size."""
    step = max(1, CHUNK_ELEMENTS // max(1, width))
    for start in range(0, total, step):
        yield slice(start, min(start + step, total))


# --- edges ---------------------------------------------------------------------------------------


def _edge_exponentials(u: Tensor, row: Tensor, col: Tensor, tau: float) -> Tensor:
    cosine = (u[row] * u[col]).sum(1)
    return torch.exp(tau * cosine.masked_fill(row == col, 0.0))


def edge_cosine_sum(
    z: Tensor,
    rowptr: Tensor,
    col: Tensor,
    weight: Tensor | None,
    weight_t: Tensor | None,
    scale: Tensor | None,
    tau: float,
) -> Tensor:
    """``P_i = sum_j w_ij exp(tau cos(z_i, z_j))`` with ``cos(z_i, z_i) := 0``; ``(N,)``."""
    u, row = unit_rows(z), csr_rows(rowptr, col.numel())
    out = z.new_zeros(z.size(0))
    for part in _slices(col.numel(), z.size(1)):
        value = _edge_exponentials(u, row[part], col[part].long(), tau)
        value = value if weight is None else weight[part] * value
        out = out.index_add(0, row[part], value)
    return out


def edge_cosine_sum_backward(
    grad: Tensor,
    z: Tensor,
    rowptr: Tensor,
    col: Tensor,
    weight: Tensor | None,
    weight_t: Tensor | None,
    scale: Tensor | None,
    tau: float,
) -> Tensor:
    """Gradient to ``z``; one pass, since the weight of (j, i) is known at the entry (i, j)."""
    u, row = unit_rows(z), csr_rows(rowptr, col.numel())
    direction = torch.zeros_like(z)
    for part in _slices(col.numel(), z.size(1)):
        i, j = row[part], col[part].long()
        w = z.new_ones(i.numel()) if weight is None else weight[part]
        if weight_t is not None:
            back = weight_t[part]
        else:
            back = w if scale is None else w * scale[i] / scale[j]
        value = tau * _edge_exponentials(u, i, j, tau) * (grad[i] * w + grad[j] * back)
        value = value.masked_fill(i == j, 0.0)
        direction.index_add_(0, i, value.unsqueeze(1) * u[j])
    return unit_rows_backward(direction, z)


def edge_cosine_weight_grad(
    grad: Tensor, z: Tensor, rowptr: Tensor, col: Tensor, tau: float
) -> Tensor:
    """Gradient of :func:`edge_cosine_sum` to ``weight``, ``(E,)``."""
    u, row = unit_rows(z), csr_rows(rowptr, col.numel())
    out = z.new_empty(col.numel())
    for part in _slices(col.numel(), z.size(1)):
        out[part] = grad[row[part]] * _edge_exponentials(u, row[part], col[part].long(), tau)
    return out


# --- clusters ------------------------------------------------------------------------------------


def cluster_sum(x: Tensor, cluster: Tensor, num_clusters: int) -> Tensor:
    """Sum of the rows of each cluster, ``(K, D)``."""
    return x.new_zeros(num_clusters, x.size(1)).index_add(0, cluster, x)


def cluster_gather(x: Tensor, cluster: Tensor) -> Tensor:
    """Row of each node's cluster, ``(N, D)``: the transpose of :func:`cluster_sum`."""
    return x.index_select(0, cluster)


def cluster_outer(x: Tensor, cluster: Tensor, num_clusters: int) -> Tensor:
    """Sum of ``x_i x_i^T`` over each cluster, ``(K, D, D)``."""
    members = (x[cluster == k] for k in range(num_clusters))
    blocks = [rows.t() @ rows for rows in members]
    return torch.stack(blocks) if blocks else x.new_zeros(0, x.size(1), x.size(1))


def cluster_outer_backward(grad: Tensor, x: Tensor, cluster: Tensor) -> Tensor:
    """Gradient to ``x``: ``(G_k + G_k^T) x_i`` with k the cluster of i."""
    symmetric = grad + grad.transpose(1, 2)
    out = torch.zeros_like(x)
    for k in range(grad.size(0)):
        members = (cluster == k).nonzero().squeeze(1)
        out[members] = x[members] @ symmetric[k]
    return out


# --- pairs ---------------------------------------------------------------------------------------


def _logits(a: Tensor, b: Tensor, rows: slice, scale: float, diagonal: int) -> Tensor:
    logits = scale * (a[rows] @ b.t())
    if diagonal == KEEP:
        return logits
    fill = float("-inf") if diagonal == EXCLUDE else 0.0
    return logits.masked_fill(_on_diagonal(rows, logits), fill)


def _on_diagonal(rows: slice, block: Tensor) -> Tensor:
    i = torch.arange(rows.start, rows.stop, device=block.device).unsqueeze(1)
    return i == torch.arange(block.size(1), device=block.device)


def _row_logsumexp(
    a: Tensor, b: Tensor, b_weight: Tensor | None, scale: float, diagonal: int
) -> Tensor:
    bias = None if b_weight is None else b_weight.log()
    parts = []
    for rows in _slices(a.size(0), b.size(0)):
        logits = _logits(a, b, rows, scale, diagonal)
        parts.append(torch.logsumexp(logits if bias is None else logits + bias, dim=1))
    return torch.cat(parts) if parts else a.new_zeros(0)


def pairwise_logsumexp(
    x: Tensor,
    y: Tensor,
    x_weight: Tensor | None,
    y_weight: Tensor | None,
    scale: float,
    diagonal: int,
    columns: bool,
) -> tuple[Tensor, Tensor]:
    """Log-sum-exp of ``scale <x_i, y_j>`` over j (weights of y) and over i (weights of x)."""
    row_lse = _row_logsumexp(x, y, y_weight, scale, diagonal)
    if not columns:
        return row_lse, x.new_zeros(0)
    return row_lse, _row_logsumexp(y, x, x_weight, scale, diagonal)


def pairwise_logsumexp_backward(
    a: Tensor,
    b: Tensor,
    row_grad: Tensor | None,
    row_lse: Tensor | None,
    b_weight: Tensor | None,
    col_grad: Tensor | None,
    col_lse: Tensor | None,
    a_weight: Tensor | None,
    scale: float,
    diagonal: int,
) -> Tensor:
    """Gradient to ``a`` of its rows' and of b's columns' log-sum-exps, ``(rows of a, D)``."""
    out = torch.zeros_like(a)
    for rows in _slices(a.size(0), b.size(0)):
        logits = _logits(a, b, rows, scale, diagonal)
        share = torch.zeros_like(logits)
        if row_grad is not None and row_lse is not None:
            weight = 1.0 if b_weight is None else b_weight
            share += row_grad[rows, None] * weight * _softmax(logits, row_lse[rows, None])
        if col_grad is not None and col_lse is not None:
            weight = 1.0 if a_weight is None else a_weight[rows, None]
            share += col_grad * weight * _softmax(logits, col_lse)
        if diagonal != KEEP:
            share = share.masked_fill(_on_diagonal(rows, share), 0.0)
        out[rows] = scale * (share @ b)
    return out


def _softmax(logits: Tensor, lse: Tensor) -> Tensor:
    """``exp(logits - lse)``, and 0 where the sum was empty (``lse = -inf``)."""
    empty = lse == float("-inf")
    return torch.exp(logits - lse.masked_fill(empty, 0.0)).masked_fill(empty, 0.0)


def self_logsumexp(x: Tensor, weight: Tensor | None, scale: float, diagonal: int) -> Tensor:
    """:func:`pairwise_logsumexp` of ``x`` with itself, rows only."""
    return _row_logsumexp(x, x, weight, scale, diagonal)


# --- meta-nodes ----------------------------------------------------------------------------------


def _meta_logits(u: Tensor, count: Tensor, mean: Tensor, cov: Tensor | None, tau: float) -> Tensor:
    logits = tau * (u @ mean.t()) + count.log()
    if cov is None:
        return logits
    spread = [((u @ cov[k]) * u).sum(1) for k in range(cov.size(0))]
    return logits + 0.5 * tau * tau * torch.stack(spread, dim=1)


def meta_logsumexp(
    u: Tensor, count: Tensor, mean: Tensor, cov: Tensor | None, tau: float
) -> Tensor:
    """``log sum_b n_b exp(tau <u_i, m_b> + tau^2/2 u_i^T C_b u_i)``, ``(N,)``."""
    parts = [
        torch.logsumexp(_meta_logits(u[rows], count, mean, cov, tau), dim=1)
        for rows in _slices(u.size(0), mean.size(0) + 2 * u.size(1))
    ]
    return torch.cat(parts) if parts else u.new_zeros(0)


def meta_logsumexp_backward(
    grad: Tensor,
    lse: Tensor,
    u: Tensor,
    count: Tensor,
    mean: Tensor,
    cov: Tensor | None,
    tau: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients to ``u``, ``mean`` and ``cov`` (empty without ``cov``)."""
    half = 0.5 * tau * tau
    grad_u, grad_mean = torch.zeros_like(u), torch.zeros_like(mean)
    grad_cov = u.new_zeros(0) if cov is None else torch.zeros_like(cov)
    for rows in _slices(u.size(0), mean.size(0) + 2 * u.size(1)):
        part = u[rows]
        logits = _meta_logits(part, count, mean, cov, tau)
        share = grad[rows, None] * _softmax(logits, lse[rows, None])
        grad_u[rows] = tau * (share @ mean)
        grad_mean += tau * (share.t() @ part)
        if cov is None:
            continue
        for k in range(cov.size(0)):
            weighted = share[:, k, None] * part
            grad_u[rows] += half * (weighted @ (cov[k] + cov[k].t()))
            grad_cov[k] += half * (weighted.t() @ part)
    return grad_u, grad_mean, grad_cov
