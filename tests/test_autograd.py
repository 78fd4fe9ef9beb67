"""A derivative that has none itself says so, whatever came in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from graphlab.contrastive import PamCLoss, ProGCLLoss
from graphlab.ops import unit_rows

RING = torch.stack([torch.arange(8), (torch.arange(8) + 1) % 8])


def progcl(z: Tensor) -> Tensor:
    other = torch.randn(8, 3, generator=torch.Generator().manual_seed(1))
    fitted = ProGCLLoss(0.5).fit(z, other, generator=torch.Generator().manual_seed(2))
    loss: Tensor = fitted(z, other)
    return loss


SCALARS: dict[str, Callable[[Tensor], Tensor]] = {
    "unit rows": lambda z: unit_rows(z).sum(),
    "progcl": progcl,
    "soft clusters": lambda z: PamCLoss(0.5, "meta2")(z, RING, torch.full((8, 2), 0.5)),
}


@pytest.mark.parametrize("name", SCALARS)
def test_a_penalty_on_the_gradient_is_refused(name: str) -> None:
    z = torch.randn(8, 3, generator=torch.Generator().manual_seed(0), requires_grad=True)
    (plain,) = torch.autograd.grad(SCALARS[name](z), z)
    (gradient,) = torch.autograd.grad(SCALARS[name](z), z, create_graph=True)
    assert not plain.requires_grad
    assert torch.equal(gradient.detach(), plain)
    # Added to something that has a gradient, a constant would go unnoticed.
    with pytest.raises((RuntimeError, NotImplementedError), match=r"differentiable|derivative"):
        (z.sum() + gradient.square().sum()).backward()
