"""Every functional loss returns a scalar with a gradient."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from graphlab.contrastive import losses

RING = torch.stack([torch.arange(8), (torch.arange(8) + 1) % 8])
LABELS = torch.arange(8) % 3
FUNCTIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "bgrl_loss": lambda a, b: losses.bgrl_loss(a, b, a, b),
    "clip_loss": lambda a, b: losses.clip_loss(a, b, torch.tensor(1.0)),
    "info_nce": lambda a, b: losses.info_nce(a, b, 0.5),
    "pamc_loss": lambda a, b: losses.pamc_loss(a, RING, LABELS),
    "scaled_cosine_error": losses.scaled_cosine_error,
    "supcon_loss": lambda a, b: losses.supcon_loss(torch.stack([a, b], 1), LABELS),
}
#: Names by which terms, or positives, and no losses are returned.
TERMS = {"info_nce_per_node", "seed_positives"}


def test_every_function_is_here() -> None:
    functions = {n for n in losses.__all__ if inspect.isfunction(getattr(losses, n))}
    assert functions - TERMS == set(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_value_is_a_scalar(name: str) -> None:
    z1, z2 = torch.randn(2, 8, 4, generator=torch.Generator().manual_seed(0)).unbind()
    loss = FUNCTIONS[name](z1.requires_grad_(), z2)
    assert isinstance(loss, Tensor) and loss.shape == ()
    (gradient,) = torch.autograd.grad(loss, z1)
    assert gradient.isfinite().all()
