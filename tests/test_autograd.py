"""A derivative that has none itself says so, whatever came in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from graphlab.contrastive import PamCLoss, ProGCLLoss, gaussian_sketch
from graphlab.ops import unit_rows
from graphlab.tag.graphclip import GraphCLIPEncoder

RING = torch.stack([torch.arange(8), (torch.arange(8) + 1) % 8])


def progcl(z: Tensor) -> Tensor:
    other = torch.randn(8, 3, generator=torch.Generator().manual_seed(1))
    fitted = ProGCLLoss(0.5).fit(z, other, generator=torch.Generator().manual_seed(2))
    loss: Tensor = fitted(z, other)
    return loss


def tower(z: Tensor) -> Tensor:
    torch.manual_seed(0)
    model = GraphCLIPEncoder(3, 8, 4, 1, 2, 2, out_channels=3, norm="layer")
    batch, root = torch.tensor([0, 0, 0, 0, 1, 1, 1, 1]), torch.tensor([0, 4])
    inner = torch.tensor([[0, 1, 1, 4, 5], [1, 0, 2, 5, 6]])
    out: Tensor = model(z, torch.ones(8, 2), inner, batch, root)[0].sum()
    return out


SCALARS: dict[str, Callable[[Tensor], Tensor]] = {
    "unit rows": lambda z: unit_rows(z).sum(),
    "progcl": progcl,
    "sketch": lambda z: gaussian_sketch(z, 4, seed=0).square().sum(),
    "tower": tower,
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
    penalised = SCALARS[name](z) + gradient.square().sum()
    refused = pytest.raises((RuntimeError, NotImplementedError), match=r"differentiable|derivative")
    with refused:
        torch.autograd.grad(penalised, z, retain_graph=True)
    with refused:
        penalised.backward(inputs=[z], retain_graph=True)
    with refused:
        (z.sum() + gradient.square().sum()).backward()


def test_the_gradient_of_a_linear_map_is_a_constant() -> None:
    z = torch.randn(8, 3, requires_grad=True)
    (gradient,) = torch.autograd.grad(gaussian_sketch(z, 4, seed=0).sum(), z, create_graph=True)
    (z.sum() + gradient.square().sum()).backward()
    assert z.grad is not None and torch.equal(z.grad, torch.ones(8, 3))


def test_checkpoints_may_hold_them() -> None:
    z = torch.randn(8, 3, requires_grad=True)
    for create_graph in (False, True):
        out = checkpoint(lambda x: unit_rows(x).square()[:, 0].sum(), z, use_reentrant=False)
        (got,) = torch.autograd.grad(out, z, create_graph=create_graph)
        (want,) = torch.autograd.grad(unit_rows(z).square()[:, 0].sum(), z)
        assert torch.equal(got.detach(), want)
