"""COSTA: both views meet one sketch."""

from __future__ import annotations

import pytest
import torch

from graphlab.contrastive import COSTA, gaussian_sketch
from tests.contrastive._hosts import WIDTH, encoder


def test_both_views_meet_the_same_matrix() -> None:
    model = COSTA(encoder(), WIDTH, temperature=0.4)
    z = torch.randn(30, WIDTH)
    loss = model.loss(z, z, generator=torch.Generator().manual_seed(3))
    seed = int(torch.randint(2**62, (1,), generator=torch.Generator().manual_seed(3)))
    h = model.head(gaussian_sketch(z, 15, seed=seed))
    torch.testing.assert_close(loss, model.contrast(h, h))


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="ratio"):
        COSTA(encoder(), WIDTH, ratio=0.0)
    model = COSTA(encoder(), WIDTH)
    with pytest.raises(ValueError, match="z2 must have 5 rows"):
        model.loss(torch.ones(5, WIDTH), torch.ones(4, WIDTH), generator=torch.Generator())
