"""Merging stored powers: weighted sum or concatenation of normalised rows."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from graphlab._checks import check_list, check_matrix
from graphlab.embed.fastrp._options import finite_number
from graphlab.embed.fastrp._standardize import standardize_columns
from graphlab.ops.reference import row_norms

__all__: list[str] = []

_ROWS = 1 << 14


def check_powers(powers: Sequence[Tensor]) -> list[Tensor]:
    """Require matrices of one shape."""
    listed = check_list(powers, "powers", "matrices")
    matrices = [check_matrix(h, f"powers[{k}]") for k, h in enumerate(listed)]
    if not matrices or any(h.shape != matrices[0].shape for h in matrices):
        shapes = [tuple(h.shape) for h in matrices]
        raise ValueError(f"powers must be matrices of one shape, got {shapes}")
    return matrices


def check_weights(weights: Sequence[float], count: int) -> list[float]:
    """Require one finite number per power."""
    listed = check_list(weights, "weights", "numbers")
    values = [finite_number(w, f"weights[{k}]") for k, w in enumerate(listed)]
    if len(values) != count:
        raise ValueError(f"weights must have {count} entries, got {len(values)}")
    return values


def merge_powers(
    powers: Sequence[Tensor], weights: Sequence[float] | None, normalize: bool, standardize: bool
) -> Tensor:
    """Add powers times their weights, or put them side by side; rows divided by their norms first.

    Runs over ranges of rows, so that nothing but the result is of the size of the input.
    """
    rows, dim = powers[0].shape
    dtype = powers[0].dtype
    wide = torch.float32 if dtype == torch.bfloat16 else dtype
    width = dim if weights is not None else dim * len(powers)
    out = powers[0].new_zeros((rows, width), dtype=wide)
    for begin in range(0, rows, _ROWS):
        part = slice(begin, begin + _ROWS)
        for k, power in enumerate(powers):
            weight = 1.0 if weights is None else weights[k]
            if weight == 0:
                continue
            # Norms and products in full precision: bfloat16 is rounded once, at the end.
            factor = _factors(power[part], normalize) * weight
            value = factor.to(wide) * power[part].to(wide)
            if weights is None:
                out[part, k * dim : (k + 1) * dim] = value
            else:
                out[part] += value
    if standardize:
        standardize_columns(out)
    return out.to(dtype)


def _factors(rows: Tensor, normalize: bool) -> Tensor:
    norm = row_norms(rows)
    if not normalize:
        return torch.ones_like(norm)
    return torch.where(norm > 0, 1 / norm, torch.zeros_like(norm))
