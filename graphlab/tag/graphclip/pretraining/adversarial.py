"""Training against the worst small change of the features (FLAG)."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from graphlab._checks import check_int, check_matrix, check_positive
from graphlab._feature_rows import FeatureRows, check_feature_rows, row_batches

__all__ = ["adversarial_backward", "feature_rms"]

_ROWS = 512


def feature_rms(x: FeatureRows) -> float:
    """Root of the mean square of all features: the unit in which ``eps`` is best given.

    Args:
        x (Tensor or EmbeddingStore): Features, ``(N, D)``.

    Raises:
        TypeError, ValueError: If it is no matrix of finite numbers.
    """
    # By pieces: a copy in float64 of the features of a large graph would be its largest array.
    check_feature_rows(x, "x", finite=False)
    total = sum(float(part.detach().double().square().sum()) for _, part in row_batches(x, _ROWS))
    if not math.isfinite(total):
        raise ValueError(f"x must be finite, but the sum of its squares is {total}")
    return math.sqrt(total / max(1, x.shape[0] * x.shape[1]))


def adversarial_backward(
    closure: Callable[[Tensor], Tensor],
    x: Tensor,
    *,
    eps: float,
    steps: int = 3,
    delta: Tensor | None = None,
    accumulate_perturbation: bool = False,
    generator: torch.Generator | None = None,
    no_sync: Callable[[], AbstractContextManager[object]] | None = None,
) -> list[float]:
    r"""Accumulate the gradients of the loss along an ascent over the features.

    .. math:: \delta_0 \sim U(-\epsilon, \epsilon), \quad
        \delta_{t+1} = \delta_t + \epsilon \operatorname{sign} \nabla_\delta L(x + \delta_t)

    Each of the m passes calls ``backward`` on ``loss / m``, so one step of the optimizer follows.

    Args:
        closure (callable): Maps perturbed features ``(N, D)`` to a scalar loss.
        x (Tensor): Clean features.
        eps (float): Size of the start and of every step; multiply a relative size by
            :func:`feature_rms`.
        steps (int): Passes m, at least 1.
        delta (Tensor, optional): The random start, ``(N, D)``; drawn when missing.
        accumulate_perturbation (bool): Keep every perturbation in the features, as the released
            code does by writing into its graphs: pass t then sees the sum of all perturbations so
            far, up to twice the intended one after three passes. Only for parity.
        generator (torch.Generator, optional): Draws the start.
        no_sync (callable, optional): Context in which all passes but the last run, such as
            ``no_sync`` of ``DistributedDataParallel``: gradients then travel once.

    Returns:
        list[float]: The loss of every pass.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Reference: Kong et al., "Robust optimization as data augmentation for large-scale graphs",
        CVPR 2022.
    """
    if not callable(closure):
        raise TypeError(f"closure must be callable, got {type(closure).__name__}")
    check_matrix(x, "x", finite=False)
    eps, steps = check_positive(eps, "eps"), check_int(steps, "steps", minimum=1)
    if delta is None:
        delta = torch.empty_like(x).uniform_(-eps, eps, generator=generator)
    check_matrix(delta, "delta", rows=x.size(0), cols=x.size(1), finite=False)
    perturbed, losses = x.detach() + delta.detach(), []
    total = delta.detach() if accumulate_perturbation else None
    del x, delta  # what the caller holds no longer is free memory for the passes
    for step in range(steps):
        last = step + 1 == steps
        with nullcontext() if last or no_sync is None else no_sync():
            # Nobody climbs after the last pass.
            loss = closure(perturbed.requires_grad_(not last))
            if loss.requires_grad:
                (loss / steps).backward()
        losses.append(float(loss.detach()))
        if last:
            break
        slope = perturbed.grad if perturbed.grad is not None else torch.zeros_like(perturbed)
        # The sign: a step of the same size for every feature, whatever the scale of the gradient.
        rise = slope.sign_().mul_(eps)
        if total is not None:
            rise = total = total + rise
        perturbed = perturbed.detach() + rise
    return losses
