"""Definition of the random matrices: the Philox words of ``graphlab._random`` made numbers."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from graphlab._random import philox_uint32
from graphlab.ops.reference.rows import chunks

# Wichura, "Algorithm AS 241: The percentage points of the normal distribution", 1988.
_NEAR_TOP = (
    3.3871328727963666080e0,
    1.3314166789178437745e2,
    1.9715909503065514427e3,
    1.3731693765509461125e4,
    4.5921953931549871457e4,
    6.7265770927008700853e4,
    3.3430575583588128105e4,
    2.5090809287301226727e3,
)
_NEAR_BOTTOM = (
    1.0,
    4.2313330701600911252e1,
    6.8718700749205790830e2,
    5.3941960214247511077e3,
    2.1213794301586595867e4,
    3.9307895800092710610e4,
    2.8729085735721942674e4,
    5.2264952788528545610e3,
)
_FAR_TOP = (
    1.42343711074968357734e0,
    4.63033784615654529590e0,
    5.76949722146069140550e0,
    3.64784832476320460504e0,
    1.27045825245236838258e0,
    2.41780725177450611770e-1,
    2.27238449892691845833e-2,
    7.74545014278341407640e-4,
)
_FAR_BOTTOM = (
    1.0,
    2.05319162663775882187e0,
    1.67638483018380384940e0,
    6.89767334985100004550e-1,
    1.48103976427480074590e-1,
    1.51986665636164571966e-2,
    5.47593808499534494600e-4,
    1.05075007164441684324e-9,
)
_ATANH = tuple(1.0 / (2 * i + 1) for i in range(11))
_ROOT_HALF, _LOG_2 = 0.70710678118654757, 0.69314718055994529


def random_projection(
    factor: Tensor,
    node: Tensor | None,
    seed: int,
    stream: int,
    start: int,
    stop: int,
    sparsity: float,
    scale: float,
) -> Tensor:
    """Columns ``[start, stop)`` of a random matrix for the nodes ``node``; dtype of ``factor``.

    With the word u of an entry and s = ``sparsity``: +1 if u < t, -1 if t <= u < 2 t, else 0, where
    ``t = floor(2**31 / s + 1/2)``; for s = 0 the standard normal quantile of ``(u + 1/2) / 2**32``.
    Times ``scale``, times the factor of the row.
    """
    rows = torch.arange(factor.numel(), device=factor.device) if node is None else node
    out = factor.new_empty(factor.numel(), stop - start)
    for part in chunks(factor.numel(), 16 * (stop - start)):
        words = philox_uint32(seed % 2**64, rows[part], start, stop, stream)
        row_factor = factor[part].double().unsqueeze(1)
        if sparsity == 0:
            out[part] = (normal_quantile(words) * scale * row_factor).to(factor.dtype)
        else:
            sign = ternary_signs(words, sparsity).to(factor.dtype)
            out[part] = sign * (scale * row_factor).to(factor.dtype)
    return out


def ternary_signs(words: Tensor, sparsity: float) -> Tensor:
    """Words as -1, 0 and 1, the signs with probability ``1 / (2 sparsity)`` each."""
    limit = math.floor(2.0**31 / sparsity + 0.5)
    return (words < limit).long() - ((words >= limit) & (words < 2 * limit)).long()


def normal_quantile(words: Tensor) -> Tensor:
    """Standard normal quantile of ``(words + 1/2) / 2**32``, float64, right to about 1e-15.

    Made of additions, products, quotients and roots alone, in an order that the compiled kernels
    repeat: the bits are equal everywhere.
    """
    q = (words.double() + 0.5) * 2.0**-32 - 0.5
    size = q.abs()
    inner = 0.180625 - q * q
    near = q * (_polynomial(_NEAR_TOP, inner) / _polynomial(_NEAR_BOTTOM, inner))
    outer = _root(-_logarithm(0.5 - size)) - 1.6
    far = _polynomial(_FAR_TOP, outer) / _polynomial(_FAR_BOTTOM, outer)
    return torch.where(size <= 0.425, near, torch.where(q < 0, -far, far))


def _root(x: Tensor) -> Tensor:
    """Correctly rounded square root, which torch's own need not be on the CPU (it may be MKL's)."""
    return torch.from_numpy(np.sqrt(x.numpy())) if x.device.type == "cpu" else x.sqrt()


def _logarithm(x: Tensor) -> Tensor:
    """Natural logarithm on (0, 1), right to about 1e-16 absolute plus relative."""
    mantissa, exponent = torch.frexp(x)
    low = mantissa < _ROOT_HALF
    mantissa = torch.where(low, mantissa + mantissa, mantissa)
    power = torch.where(low, exponent.double() - 1.0, exponent.double())
    f = (mantissa - 1.0) / (mantissa + 1.0)
    return power * _LOG_2 + (f + f) * _polynomial(_ATANH, f * f)


def _polynomial(coefficients: tuple[float, ...], x: Tensor) -> Tensor:
    total = torch.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        # Two statements: a fused product and sum would round once instead of twice.
        total = total * x
        total = total + coefficient
    return total
