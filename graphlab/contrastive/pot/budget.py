"""Numbers of edges that an augmentation may drop at every node."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from graphlab._checks import check_tensor, values_visible

__all__ = [
    "check_budget",
    "check_drop_rate",
    "expected_drops",
    "quantile_drops",
    "rates_agree",
    "short_rate",
]


def check_drop_rate(
    rate: float | Tensor, num_edges: int, name: str = "drop_rate"
) -> float | Tensor:
    """Require a probability below one, or one per edge."""
    if isinstance(rate, Tensor):
        if rate.shape != (num_edges,) or not rate.is_floating_point():
            raise ValueError(
                f"{name} must be a number or floating point of shape ({num_edges},), one "
                f"probability per edge, got {rate.dtype} {tuple(rate.shape)}"
            )
        wrong = ((rate >= 0) & (rate < 1)).logical_not().nonzero()
        if wrong.numel():
            raise ValueError(
                f"{name} must lie in [0, 1), but {name}[{int(wrong[0])}] = {float(rate[wrong[0]])}"
            )
        return rate.detach()
    if isinstance(rate, bool) or not isinstance(rate, (int, float)):
        raise TypeError(f"{name} must be a number or a tensor, got {type(rate).__name__}")
    if not 0.0 <= rate < 1.0:
        raise ValueError(f"{name} must lie in [0, 1), got {rate}")
    return float(rate)


def rates_agree(own: float | Tensor, other: float | Tensor) -> bool:
    """Whether two drop rates, numbers or one per edge, are the same up to rounding."""
    first, second = (
        torch.as_tensor(rate, dtype=torch.float64, device="cpu") for rate in (own, other)
    )
    if first.dim() and second.dim() and first.shape != second.shape:
        return False
    return bool(((first - second).abs() <= 1e-6).all())


def short_rate(rate: float | Tensor) -> str:
    """A drop rate in a message: the number, or the mean of those of the edges."""
    if isinstance(rate, Tensor) and rate.dim():
        return f"{float(rate.mean()):.4g} on average of {rate.numel()} edges"
    return f"{float(rate):.4g}"


def check_budget(budget: Tensor, degree: Tensor, name: str = "budget") -> Tensor:
    """Require whole, non-negative numbers, one per node; cut at the degrees, int64."""
    budget = check_tensor(budget, name).to(degree.device)
    if budget.dtype == torch.bool or budget.is_complex():
        raise TypeError(f"{name} must hold whole numbers, got dtype {budget.dtype}")
    if budget.shape != degree.shape:
        raise ValueError(
            f"{name} must have shape {tuple(degree.shape)}, one per node, got {tuple(budget.shape)}"
        )
    if values_visible(budget):
        wrong = ((budget < 0) | (budget != budget.round())).nonzero()
        if wrong.numel():
            node = int(wrong[0])
            raise ValueError(
                f"{name} must hold whole numbers, not negative, but {name}[{node}] = "
                f"{float(budget[node])}"
            )
    if budget.is_floating_point():  # cut first: infinity is no int64
        budget = torch.minimum(budget.double(), degree.double())
    return torch.minimum(budget.long(), degree)


def expected_drops(rate: float | Tensor, target: Tensor, degree: Tensor) -> Tensor:
    """Rounded expected number of dropped in-edges, int64 ``(N,)``; half rounds to even."""
    if isinstance(rate, Tensor):
        mean = rate.new_zeros(degree.numel(), dtype=torch.float64)
        mean = mean.index_add(0, target, rate.double())
        # Probabilities are often float32: their sum is rounded as theirs would be.
        return mean.to(rate.dtype).round().long()
    # In float32, as the authors round it.
    return (rate * degree.float()).round().long()


def quantile_drops(rate: float | Tensor, target: Tensor, degree: Tensor, delta: float) -> Tensor:
    """Number of dropped in-edges that a node exceeds with probability at most ``delta``.

    For different probabilities per edge, Hoeffding (1956): from the mean on, the binomial
    distribution with the average probability bounds the tail.
    """
    from scipy.stats import binom  # takes a second to import

    count = degree.double()
    if isinstance(rate, Tensor):
        mean = count.new_zeros(count.shape).index_add(0, target, rate.double())
    else:
        mean = rate * count
    average = (mean / count.clamp(min=1)).cpu().numpy()
    quantile = binom.ppf(1 - delta, degree.cpu().numpy(), average)
    if isinstance(rate, Tensor):
        quantile = np.maximum(quantile, np.ceil(mean.cpu().numpy()))
    drops = torch.from_numpy(np.nan_to_num(quantile)).to(degree.device).clamp(min=0).long()
    return torch.minimum(drops, degree)
