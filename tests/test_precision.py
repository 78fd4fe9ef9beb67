"""Half precision and autocast change inputs and outputs at most, never the sums in between."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from graphlab._precision import full_precision
from graphlab.contrastive import (
    BarlowTwinsLoss,
    CLIPLoss,
    GraphCLLoss,
    InfoNCELoss,
    PamCLoss,
    ProGCLLoss,
    bgrl_loss,
    gaussian_sketch,
    scaled_cosine_error,
)

ROWS, WIDTH = 60, 16
HALVES = (torch.bfloat16, torch.float16)


def draw() -> torch.Generator:
    return torch.Generator().manual_seed(0)


Z1 = torch.randn(ROWS, WIDTH, generator=draw())
Z2 = Z1 + 0.3 * torch.randn(ROWS, WIDTH, generator=draw().manual_seed(1))
RING = torch.stack([torch.arange(ROWS), (torch.arange(ROWS) + 1) % ROWS])
CLUSTER = torch.arange(ROWS) % 4
SOFT = torch.rand(ROWS, 4, generator=draw()).softmax(1)
SAME_TEXT = torch.arange(ROWS) // 3


def progcl(mode: str) -> Callable[[Tensor, Tensor], Tensor]:
    loss = ProGCLLoss(0.1, mode, num_mixed=10).fit(Z1, Z2, generator=draw())
    return lambda a, b: loss(a, b, generator=draw())


def graphcl(a: Tensor, b: Tensor) -> Tensor:
    torch.manual_seed(0)
    loss: Tensor = GraphCLLoss(WIDTH)(a, b, a, b)
    return loss


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "infonce": InfoNCELoss(0.05),
    "infonce between views": InfoNCELoss(0.05, intraview=False),
    "infonce in chunks": InfoNCELoss(0.05, chunk_size=7),
    "progcl weight": progcl("weight"),
    "progcl mix": progcl("mix"),
    "barlow": BarlowTwinsLoss(),
    "bgrl": lambda a, b: bgrl_loss(a, b, b, a),
    "graphcl": graphcl,
    "graphmae": scaled_cosine_error,
    "clip": CLIPLoss(),
    "clip of equal texts": lambda a, b: CLIPLoss()(a, b, SAME_TEXT),
    "siglip": CLIPLoss("siglip"),
    "pamc exact": lambda a, b: PamCLoss(5.0, "exact")(a, RING, CLUSTER),
    "pamc meta, soft": lambda a, b: PamCLoss(5.0, "meta")(a, RING, SOFT),
    "pamc meta2, soft": lambda a, b: PamCLoss(5.0, "meta2")(a, RING, SOFT),
}


def value_and_gradient(
    name: str, z1: Tensor, z2: Tensor, autocast: torch.dtype | None = None
) -> tuple[Tensor, Tensor]:
    leaf = z1.clone().requires_grad_()
    with torch.autocast("cpu", autocast, enabled=autocast is not None):
        loss = LOSSES[name](leaf, z2)
    return loss.detach(), torch.autograd.grad(loss, leaf)[0]


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("name", LOSSES)
def test_half_precision_is_computed_in_single(name: str, dtype: torch.dtype) -> None:
    z1, z2 = Z1.to(dtype), Z2.to(dtype)
    value, gradient = value_and_gradient(name, z1, z2)
    wanted, direction = value_and_gradient(name, z1.float(), z2.float())
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, wanted, rtol=1e-6, atol=1e-6)
    assert float((gradient.float() - direction).norm() / direction.norm()) < 0.02


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("name", LOSSES)
def test_autocast_changes_nothing(name: str, dtype: torch.dtype) -> None:
    found = value_and_gradient(name, Z1, Z2, dtype)
    for got, wanted in zip(found, value_and_gradient(name, Z1, Z2), strict=True):
        assert torch.equal(got, wanted)


@pytest.mark.parametrize("dtype", HALVES)
def test_sketches_of_half_precision(dtype: torch.dtype) -> None:
    z = Z1.to(dtype).requires_grad_()
    sketch = gaussian_sketch(z, 30, seed=0)
    assert sketch.dtype == dtype
    assert torch.equal(sketch, gaussian_sketch(z.float(), 30, seed=0).to(dtype))
    sketch.sum().backward()
    assert z.grad is not None
    assert z.grad.dtype == dtype
    with torch.autocast("cpu", dtype):
        assert torch.equal(gaussian_sketch(Z1, 30, seed=0), gaussian_sketch(Z1, 30, seed=0).float())
        found = gaussian_sketch(Z1, 30, seed=0)
    assert torch.equal(found, gaussian_sketch(Z1, 30, seed=0))


def test_sums_over_many_nodes_stay_in_range() -> None:
    z = torch.randn(70_000, 2, generator=draw())
    assert bool(BarlowTwinsLoss()(z.half(), z.half()).isfinite())
    with torch.autocast("cpu", torch.float16):
        assert bool(BarlowTwinsLoss()(z, z).isfinite())


def test_only_an_active_autocast_is_switched_off() -> None:
    x = torch.eye(2)
    with full_precision(x):
        assert not torch.is_autocast_enabled("cpu")
    with torch.autocast("cpu", torch.bfloat16):
        with full_precision(x):
            assert (x @ x).dtype == torch.float32
        assert (x @ x).dtype == torch.bfloat16
    with full_precision(x.to("meta")):
        pass
