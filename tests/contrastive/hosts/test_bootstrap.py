"""Losses without in-batch negatives: BGRL, Barlow Twins, GraphCL."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from graphlab.contrastive import BGRL, BarlowTwinsLoss, GraphCLLoss, bgrl_loss
from tests.contrastive._hosts import WIDTH, case, encoder, graph
from tests.contrastive.losses.test_info_nce import pair


def test_bgrl_equals_the_stored_value() -> None:
    stored = case("gaug_losses", system="tape")
    loss = bgrl_loss(stored["q1"], stored["y2"], stored["q2"], stored["y1"])
    torch.testing.assert_close(loss, stored["bgrl"].float(), rtol=1e-6, atol=1e-6)


def test_bgrl_targets_pass_no_gradient() -> None:
    q, y = (z.requires_grad_() for z in pair(6, 3))
    bgrl_loss(q, y, q, y).backward()
    assert q.grad is not None and y.grad is None


def test_bgrl_target_follows() -> None:
    x, edge_index, _ = graph()
    model = BGRL(encoder(), WIDTH, 16, momentum=0.75)
    pairs = list(zip(model.target_encoder.parameters(), model.encoder.parameters(), strict=True))
    assert all(torch.equal(a, b) and not a.requires_grad for a, b in pairs)
    with torch.no_grad():
        for _, fast in pairs:
            fast.add_(1.0)
    old = [slow.clone() for slow, _ in pairs]
    model.update_target()
    for (slow, fast), before in zip(pairs, old, strict=True):
        torch.testing.assert_close(slow, 0.75 * before + 0.25 * fast)
    model.update_target(0.0)
    torch.testing.assert_close(model.target(x, edge_index), model.embed(x, edge_index))


def test_barlow_equals_the_stored_value_and_gradient() -> None:
    stored = case("gaug_losses", system="tape")
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


def test_graphcl_equals_its_formula() -> None:
    z, corrupted = pair(9, 4, dtype=torch.float64)
    z1, z2 = pair(8, 4, 1, torch.float64)
    loss = GraphCLLoss(4).double()
    with torch.no_grad():
        loss.bias.fill_(0.3)
    weight = loss.bilinear.weight
    score = torch.zeros(18, dtype=torch.float64)
    for view in (z1, z2):
        score = score + torch.cat([z, corrupted]) @ (weight @ view.mean(0).sigmoid())
    label = torch.cat([torch.ones(9), torch.zeros(9)]).double()
    wanted = F.binary_cross_entropy_with_logits(score + 0.3, label)
    torch.testing.assert_close(loss(z, corrupted, z1, z2), wanted)
    inputs = tuple(a.requires_grad_() for a in (z, corrupted, z1, z2))
    torch.autograd.gradcheck(loss, inputs)
    with pytest.raises(ValueError, match="z2 must have 4 columns"):
        loss(z, corrupted, z1, z2[:, :3])
