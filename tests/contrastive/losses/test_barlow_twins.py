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
