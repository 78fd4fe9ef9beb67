"""Definition of sparse products with uncertain entries, and of dot products over edges."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlab.ops.csr import csr_rows
from graphlab.ops.reference.rows import CHUNK_ELEMENTS, chunks

#: Kinds of entries for :func:`budget_minimum`.
KEPT, DROPPABLE, OWN = 0, 1, 2


def interval_propagate(
    low: Tensor,
    high: Tensor,
    rowptr: Tensor,
    col: Tensor,
    entry_low: Tensor,
    entry_high: Tensor,
    rowptr_t: Tensor,
    col_t: Tensor,
    entry_low_t: Tensor,
    entry_high_t: Tensor,
) -> tuple[Tensor, Tensor]:
    """Smallest and largest ``A h`` for ``entry_low <= A <= entry_high``, ``low <= h <= high``.

    Entries are not negative. The transpose is not read: the derivative needs it.
    """
    return (
        _signed_sums(low, rowptr, col, entry_low, entry_high),
        _signed_sums(high, rowptr, col, entry_high, entry_low),
    )


def _signed_sums(h: Tensor, rowptr: Tensor, col: Tensor, positive: Tensor, other: Tensor) -> Tensor:
    row = csr_rows(rowptr, col.numel())
    out = h.new_zeros(rowptr.numel() - 1, h.size(1))
    for part in chunks(col.numel(), h.size(1)):
        value = h[col[part].long()]
        factor = torch.where(value >= 0, positive[part, None], other[part, None])
        out = out.index_add(0, row[part], value * factor)
    return out


def interval_propagate_backward(
    grad_low: Tensor,
    grad_high: Tensor,
    low: Tensor,
    high: Tensor,
    rowptr_t: Tensor,
    col_t: Tensor,
    entry_low_t: Tensor,
    entry_high_t: Tensor,
) -> tuple[Tensor, Tensor]:
    """Gradients to ``low`` and ``high``: sums over the rows of the transpose."""
    return (
        _chosen_sums(grad_low, low, rowptr_t, col_t, entry_low_t, entry_high_t),
        _chosen_sums(grad_high, high, rowptr_t, col_t, entry_high_t, entry_low_t),
    )


def _chosen_sums(
    grad: Tensor, h: Tensor, rowptr: Tensor, col: Tensor, positive: Tensor, other: Tensor
) -> Tensor:
    row = csr_rows(rowptr, col.numel())
    out = torch.zeros_like(h)
    for part in chunks(col.numel(), h.size(1)):
        target = row[part]
        factor = torch.where(h[target] >= 0, positive[part, None], other[part, None])
        out.index_add_(0, target, grad[col[part].long()] * factor)
    return out


def edge_bound(
    weight: Tensor,
    center: Tensor,
    radius: Tensor | None,
    rowptr: Tensor,
    col: Tensor,
    rowptr_t: Tensor,
    col_t: Tensor,
    entry_t: Tensor,
) -> Tensor:
    """Per entry (i, j) the minimum of ``<weight_i, h>`` over ``|h - center_j| <= radius_j``."""
    row = csr_rows(rowptr, col.numel())
    parts = []
    for part in chunks(col.numel(), weight.size(1)):
        w, j = weight[row[part]], col[part].long()
        value = (w * center[j]).sum(1)
        parts.append(value if radius is None else value - (w.abs() * radius[j]).sum(1))
    return torch.cat(parts) if parts else weight.new_zeros(0)


def edge_bound_backward(
    grad: Tensor,
    weight: Tensor,
    center: Tensor,
    radius: Tensor | None,
    rowptr: Tensor,
    col: Tensor,
    rowptr_t: Tensor,
    col_t: Tensor,
    entry_t: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients to ``weight``, ``center`` and ``radius`` (empty without ``radius``)."""
    row = csr_rows(rowptr, col.numel())
    row_t = csr_rows(rowptr_t, col.numel())
    grad_weight, grad_center = torch.zeros_like(weight), torch.zeros_like(center)
    grad_radius = center.new_zeros(0) if radius is None else torch.zeros_like(radius)
    for part in chunks(col.numel(), weight.size(1)):
        i, j, g = row[part], col[part].long(), grad[part, None]
        slope = center[j] if radius is None else center[j] - weight[i].sign() * radius[j]
        grad_weight.index_add_(0, i, g * slope)
        i, j, g = col_t[part].long(), row_t[part], grad[entry_t[part].long(), None]
        grad_center.index_add_(0, j, g * weight[i])
        if radius is not None:
            grad_radius.index_add_(0, j, -g * weight[i].abs())
    return grad_weight, grad_center, grad_radius


def budget_minimum(
    value: Tensor,
    rowptr: Tensor,
    col: Tensor,
    kind: Tensor,
    positive: Tensor,
    negative: Tensor,
    size: Tensor,
    budget: Tensor,
    power: float,
    rowptr_t: Tensor,
    col_t: Tensor,
    entry_t: Tensor,
) -> tuple[Tensor, Tensor]:
    """Smallest row sum when up to ``budget_i`` droppable entries of row i are missing.

    With n entries missing, ``m = max(size_i - n, 1)`` and ``e_j = value_j f_j`` (f is ``positive``
    where the value is not negative, else ``negative``), the sum is
    ``m^-power (sum_j e_j - sum of the missing e_j) + value_own / m``.

    Returns:
        tuple: The minima ``(N, D)``, and ``(3, N, D)``: how many entries are missing at the
        minimum, the smallest missing e and its position in the row (ties: the lowest first).
    """
    rows, dim = rowptr.numel() - 1, value.size(1)
    out = value.new_zeros(rows, dim)
    choice = value.new_zeros(3, rows, dim)
    length = rowptr.diff()
    order = torch.argsort(length, stable=True)
    start = 0
    while start < rows:
        stop = _padded_stop(length, order, start, dim)
        part = order[start:stop]
        entry, inside = _padded_entries(rowptr, part)
        kinds = torch.where(inside, kind[entry].long(), -1)[:, :, None]
        j = col[entry].long()
        raw = value[j]
        scaled = raw * torch.where(raw >= 0, positive[j][:, :, None], negative[j][:, :, None])
        out[part], choice[:, part] = _minimum_of(
            raw, scaled, kinds, size[part], budget[part], power
        )
        start = stop
    return out, choice


def _padded_stop(length: Tensor, order: Tensor, start: int, dim: int) -> int:
    """Rows, by length, whose padded entries fit a chunk."""
    stop, rows = start + 1, order.numel()
    step = 1
    while stop < rows:
        trial = min(rows, stop + step)
        widest = int(length[order[trial - 1]]) + 1
        narrowest = int(length[order[start]]) + 1
        if (trial - start) * widest * dim > CHUNK_ELEMENTS or widest > 2 * narrowest + 2:
            if step == 1:
                break
            step = 1
            continue
        stop, step = trial, 2 * step
    return stop


def _padded_entries(rowptr: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Entries of rows side by side, filled up with the first entry, and which are their own."""
    first, length = rowptr[rows], rowptr[rows + 1] - rowptr[rows]
    position = torch.arange(int(length.max()), device=rowptr.device)
    inside = position < length[:, None]
    entry = torch.where(inside, first[:, None] + position, torch.zeros_like(first)[:, None])
    return entry, inside


def _minimum_of(
    raw: Tensor, scaled: Tensor, kinds: Tensor, size: Tensor, budget: Tensor, power: float
) -> tuple[Tensor, Tensor]:
    """Minima of some rows of similar length, ``(n, D)``, and the choices ``(3, n, D)``."""
    out = raw.new_zeros(raw.size(0), raw.size(2))
    # The choice of a column that drops no entry: a count of zero, no smallest value, no position.
    choice = torch.stack([out, torch.full_like(out, torch.inf), torch.full_like(out, -1)])
    if raw.size(1) == 0:
        return out, choice
    zero, nothing = scaled.new_zeros(()), scaled.new_full((), -torch.inf)
    # Sums are taken in float64, so that rounding does not decide which one is the smallest.
    own = torch.where(kinds == OWN, raw, zero).double().sum(1)
    total = torch.where((kinds == KEPT) | (kinds == DROPPABLE), scaled, zero).double().sum(1)
    droppable = torch.where(kinds == DROPPABLE, scaled, nothing)
    allowed = int(budget.max().clamp(max=raw.size(1)))
    largest, where = torch.sort(droppable, dim=1, descending=True, stable=True)
    largest, where = largest[:, :allowed], where[:, :allowed]
    missing = torch.where(largest > nothing, largest, zero).double().cumsum(1)
    missing = torch.cat([missing.new_zeros(missing.size(0), 1, missing.size(2)), missing], 1)
    number = torch.arange(allowed + 1, device=raw.device)
    left = (size[:, None].double() - number).clamp(min=1)[:, :, None]
    sums = left.pow(-power) * (total[:, None] - missing) + own[:, None] / left
    limit = torch.minimum(budget, (kinds == DROPPABLE).sum((1, 2)))
    sums = sums.masked_fill((number > limit[:, None])[:, :, None], torch.inf)
    best, count = sums.min(1)
    choice[0] = count.to(raw.dtype)
    if allowed > 0:
        last = (count - 1).clamp(min=0)[:, None]
        some = count > 0
        choice[1] = torch.where(some, largest.detach().gather(1, last)[:, 0], choice[1])
        choice[2] = torch.where(some, where.gather(1, last)[:, 0].to(raw.dtype), choice[2])
    return best.to(raw.dtype), choice


def budget_minimum_backward(
    grad: Tensor,
    value: Tensor,
    choice: Tensor,
    rowptr: Tensor,
    kind: Tensor,
    positive: Tensor,
    negative: Tensor,
    size: Tensor,
    power: float,
    rowptr_t: Tensor,
    col_t: Tensor,
    entry_t: Tensor,
) -> Tensor:
    """Gradient to ``value`` for the entries that were missing at the minimum."""
    row_t = csr_rows(rowptr_t, col_t.numel())
    out = torch.zeros_like(value)
    count, threshold, position = choice
    left = (size[:, None] - count).clamp(min=1)
    shared, alone = grad * left.pow(-power), grad / left
    for part in chunks(col_t.numel(), value.size(1)):
        i, j, entry = col_t[part].long(), row_t[part], entry_t[part].long()
        raw, sort_of = value[j], kind[entry].long()[:, None]
        factor = torch.where(raw >= 0, positive[j, None], negative[j, None])
        scaled, at = raw * factor, (entry - rowptr[i])[:, None]
        dropped = (scaled > threshold[i]) | ((scaled == threshold[i]) & (at <= position[i]))
        kept = (sort_of == KEPT) | ((sort_of == DROPPABLE) & ~dropped)
        piece = torch.where(kept, factor * shared[i], torch.zeros_like(raw))
        out.index_add_(0, j, torch.where(sort_of == OWN, alone[i], piece))
    return out
