"""Definition of the sparse row sums and of their iteration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from graphlab.ops.csr import csr_rows
from graphlab.ops.reference.rows import chunks

#: Squares of so many neighbouring columns are added up before the sums are. Panels of columns start
#: at multiples of it, so that they give the same bits as all columns at once.
SQUARE_BLOCK = 16


def propagate(
    h: Tensor, rowptr: Tensor, col: Tensor, weight: Tensor | None, row_scale: Tensor | None
) -> Tensor:
    """``H = row_scale o (A h)``; sums of bfloat16 are float32; ``(N, D)``, dtype of ``h``."""
    return _row_sums(h, rowptr, col, weight, row_scale).to(h.dtype)


def _wide(x: Tensor) -> Tensor:
    return x.float() if x.dtype == torch.bfloat16 else x


def _row_sums(
    h: Tensor, rowptr: Tensor, col: Tensor, weight: Tensor | None, row_scale: Tensor | None
) -> Tensor:
    row = csr_rows(rowptr, col.numel())
    out = _wide(h.new_zeros(0)).new_zeros(rowptr.numel() - 1, h.size(1))
    for part in chunks(col.numel(), h.size(1)):
        value = _wide(h[col[part].long()])
        value = value if weight is None else weight[part].unsqueeze(1) * value
        out = out.index_add(0, row[part], value)
    return out if row_scale is None else out * row_scale.unsqueeze(1)


def propagate_dot(
    h: Tensor,
    other: Tensor,
    rowptr: Tensor,
    col: Tensor,
    weight: Tensor | None,
    row_scale: Tensor | None,
) -> Tensor:
    """``r_i = <H_i, other_i>`` with ``H = row_scale o (A h)``; ``(N,)``."""
    sums = _row_sums(h, rowptr, col, weight, row_scale)
    return (sums.double() * other.double()).sum(1).to(sums.dtype)


def propagate_merge(
    start: Tensor,
    rowptr: Tensor,
    col: Tensor,
    weight: Tensor | None,
    row_scale: Tensor | None,
    coefficients: Sequence[float],
    normalize: bool,
    squares: Tensor | None,
) -> Tensor:
    """``U = sum_k c_k N(H_k)`` with ``H_0 = start`` and ``H_k = row_scale o (A H_{k-1})``.

    N divides every row by its norm if ``normalize``: its own, or the root of ``squares`` ``(K, N)``
    for the K orders whose coefficient is not zero. Zero rows stay zero.
    """
    out = _wide(torch.zeros_like(start, memory_format=torch.contiguous_format))
    orders = _orders(start, rowptr, col, weight, row_scale, coefficients)
    for used, (coefficient, state) in enumerate(orders):
        factor = torch.full((state.size(0),), coefficient, dtype=torch.float64, device=out.device)
        if normalize:
            square = _block_squares(state) if squares is None else squares[used].unsqueeze(1)
            norm = add_blocks(square).sqrt()
            factor = torch.where(norm > 0, factor / norm, torch.zeros_like(norm))
        out = out + factor.to(out.dtype).unsqueeze(1) * state
    return out


def propagate_squares(
    start: Tensor,
    rowptr: Tensor,
    col: Tensor,
    weight: Tensor | None,
    row_scale: Tensor | None,
    coefficients: Sequence[float],
) -> Tensor:
    """Squared norms of the rows of every ``H_k`` whose coefficient is not zero.

    Returns:
        Tensor: ``(K, N, B)`` float64, one number per block of 16 columns; :func:`add_blocks` makes
        them the squares of whole rows.
    """
    blocks = (start.size(1) + SQUARE_BLOCK - 1) // SQUARE_BLOCK
    orders = _orders(start, rowptr, col, weight, row_scale, coefficients)
    parts = [_block_squares(state) for _, state in orders]
    if not parts:
        return start.new_zeros((0, start.size(0), blocks), dtype=torch.float64)
    return torch.stack(parts)


def _orders(
    start: Tensor,
    rowptr: Tensor,
    col: Tensor,
    weight: Tensor | None,
    row_scale: Tensor | None,
    coefficients: Sequence[float],
) -> Iterator[tuple[float, Tensor]]:
    """Coefficients that are not zero, with the state of their order before it is stored."""
    state = start
    last = max((k for k, c in enumerate(coefficients) if c != 0), default=-1)
    for k, coefficient in enumerate(coefficients[: last + 1]):
        sums = _wide(state) if k == 0 else _row_sums(state, rowptr, col, weight, row_scale)
        state = sums.to(start.dtype)
        if coefficient != 0:
            yield float(coefficient), sums


def _block_squares(x: Tensor) -> Tensor:
    """Sum of squares of every block of columns, ``(N, B)`` float64, in a fixed order."""
    blocks = (x.size(1) + SQUARE_BLOCK - 1) // SQUARE_BLOCK
    out = x.new_zeros((x.size(0), blocks), dtype=torch.float64)
    for part in chunks(x.size(0), 4 * max(1, x.size(1))):
        rows = x[part].double()
        padded = torch.nn.functional.pad(rows, (0, SQUARE_BLOCK * blocks - x.size(1))).square()
        cut = padded.view(rows.size(0), blocks, SQUARE_BLOCK)
        while cut.size(2) > 1:  # halves are added to halves: one order for any number of columns
            half = cut.size(2) // 2
            cut = cut[:, :, :half] + cut[:, :, half:]
        out[part] = cut.squeeze(2)
    return out


def add_blocks(squares: Tensor) -> Tensor:
    """Add squares over blocks, the last dimension, one after the other."""
    total = squares.new_zeros(squares.shape[:-1])
    for block in squares.unbind(-1):
        total = total + block
    return total
