"""The loss of BGRL."""

from __future__ import annotations

import torch

from graphlab.contrastive import bgrl_loss
from tests._golden import load
from tests.contrastive.losses.test_info_nce import pair


def test_bgrl_equals_the_stored_value() -> None:
    stored = load("tape", "gaug_losses", torch.float32)
    loss = bgrl_loss(stored["q1"], stored["y2"], stored["q2"], stored["y1"])
    torch.testing.assert_close(loss, stored["bgrl"].float(), rtol=1e-6, atol=1e-6)


def test_bgrl_targets_pass_no_gradient() -> None:
    q, y = (z.requires_grad_() for z in pair(6, 3))
    bgrl_loss(q, y, q, y).backward()
    assert q.grad is not None and y.grad is None
