"""The loss of GraphMAE."""

from __future__ import annotations

import pytest
import torch

from graphlab.contrastive import scaled_cosine_error
from tests.contrastive.losses.test_info_nce import pair


def test_error_equals_its_formula_and_gradient():
    p, t = (z.requires_grad_() for z in pair(7, 4, dtype=torch.float64))
    cosine = (p * t).sum(1) / (p.norm(dim=1) * t.norm(dim=1))
    torch.testing.assert_close(scaled_cosine_error(p, t, 3.0), ((1 - cosine) ** 3).mean())
    torch.autograd.gradcheck(lambda a, b: scaled_cosine_error(a, b, 2.0), (p, t))
    assert float(scaled_cosine_error(t, t * 3, 0.5).detach()) < 1e-6
    with pytest.raises(ValueError, match="at least 1 rows"):
        scaled_cosine_error(p[:0], t[:0])
    with pytest.raises(ValueError, match="target must have 4 columns"):
        scaled_cosine_error(p, t[:, :3])
    with pytest.raises(ValueError, match="alpha must be positive"):
        scaled_cosine_error(p, t, 0.0)
