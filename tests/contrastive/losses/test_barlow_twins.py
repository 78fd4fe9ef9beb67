"""The loss of Barlow Twins."""

from __future__ import annotations

import pytest
import torch

from graphlab.contrastive import BarlowTwinsLoss
from tests._golden import load
from tests.contrastive.losses.test_info_nce import pair


def test_barlow_equals_the_stored_value_and_gradient() -> None:
    stored = load("tape", "gaug_losses", torch.float32)
    z = stored["z_a"].requires_grad_()
    loss = BarlowTwinsLoss()(z, stored["z_b"])
    torch.testing.assert_close(loss, stored["barlow"].float(), rtol=1e-5, atol=1e-6)
    loss.backward()
    torch.testing.assert_close(z.grad, stored["barlow_grad_a"], rtol=1e-4, atol=1e-7)


def test_barlow_gradcheck_and_constant_columns() -> None:
    z1, z2 = (z.requires_grad_() for z in pair(7, 3, dtype=torch.float64))
    torch.autograd.gradcheck(BarlowTwinsLoss(0.3), (z1, z2))
    dead = z1.detach().clone()
    dead[:, 0] = 0
    dead.requires_grad_()
    loss = BarlowTwinsLoss()(dead, z2.detach())
    loss.backward()
    assert loss.isfinite() and dead.grad.isfinite().all()
    with pytest.raises(ValueError, match="at least 2 rows"):
        BarlowTwinsLoss()(dead[:1], z2[:1])


@pytest.mark.parametrize("spread", [0.0, 1e-30, 1e-12, 1e-8, 1e-6, 1e-5])
@pytest.mark.parametrize("offset", [0.0, 1.0, -300.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_nearly_constant_columns_keep_the_step_usable(
    spread: float, offset: float, dtype: torch.dtype
) -> None:
    z1, z2 = pair(50, 6, dtype=dtype)
    BarlowTwinsLoss()(z1.requires_grad_(), z2).backward()
    usual = float(z1.grad.abs().max())
    for columns in (slice(0, 1), slice(0, 6)):
        flat = z1.detach().clone()
        flat[:, columns] = offset + spread * flat[:, columns]
        flat.requires_grad_()
        loss = BarlowTwinsLoss()(flat, z2)
        loss.backward()
        assert loss.isfinite()
        if columns == slice(0, 1) or spread == 0:
            assert float(flat.grad.abs().max()) < 1e4 * usual


def test_a_collapsed_encoder_gets_no_gradient() -> None:
    _, z2 = pair(50, 6)
    zero = torch.zeros(50, 6, requires_grad=True)
    BarlowTwinsLoss()(zero, z2).backward()
    assert float(zero.grad.abs().max()) < 1


def test_the_floor_leaves_regular_columns_alone() -> None:
    z1, z2 = pair(30, 4)
    for scale in (1e-6, 1.0, 1e6):
        one, other = (BarlowTwinsLoss(floor=f)(z1 * scale, z2) for f in (1e-3, 0.0))
        assert torch.equal(one, other)
    with pytest.raises(ValueError, match=r"floor must lie in \[0, 1\]"):
        BarlowTwinsLoss(floor=-1.0)
