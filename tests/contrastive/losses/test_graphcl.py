"""The loss of GraphCL."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from graphlab.contrastive import GraphCLLoss
from tests.contrastive.losses.test_info_nce import pair


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
