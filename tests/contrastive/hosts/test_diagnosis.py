from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch_geometric.nn import GCNConv, Sequential

from graphlab.contrastive import GRACE, diagnose_embedding
from tests._graphs import planted


def test_equals_the_definitions() -> None:
    z = torch.randn(30, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    noisy = z + 0.1 * torch.randn(30, 5, generator=torch.Generator().manual_seed(1))
    state = diagnose_embedding(z, (z, noisy))
    share = torch.linalg.svdvals(z) / torch.linalg.svdvals(z).sum()
    u, v = (nn.functional.normalize(rows) for rows in (z, noisy))
    other = ~torch.eye(30, dtype=torch.bool)
    apart = torch.cdist(u, u).square()[other]
    assert state.effective_rank == pytest.approx(float(torch.exp(-(share * share.log()).sum())))
    assert state.mean_cosine == pytest.approx(float((u @ u.T)[other].mean()))
    assert state.uniformity == pytest.approx(float(torch.exp(-2 * apart).mean().log()))
    assert state.alignment == pytest.approx(float((u - v).square().sum(1).mean()))


def test_a_collapse_shows_in_every_number() -> None:
    generator = torch.Generator().manual_seed(0)
    healthy = torch.randn(200, 16, generator=generator)
    collapsed = 1.0 + 1e-3 * healthy
    good, bad = diagnose_embedding(healthy), diagnose_embedding(collapsed)
    assert good.effective_rank > 15 and bad.effective_rank < 1.2
    assert good.mean_cosine < 0.05 and bad.mean_cosine > 0.99
    assert good.uniformity < -3 and bad.uniformity > -0.01
    assert math.isnan(good.alignment)


def test_hosts_diagnose_themselves() -> None:
    data = planted(60)
    width = data.num_features
    encoder = Sequential("x, e", [(GCNConv(width, 8), "x, e -> x"), nn.Dropout(0.5)])
    model = GRACE(encoder, 8, drop_edge=(0.4, 0.3)).train()
    generator = torch.Generator().manual_seed(0)
    state = model.diagnose(data.x, data.edge_index, generator=generator)
    assert state.alignment > 0 and model.training
    again = model.diagnose(data.x, data.edge_index, generator=generator.manual_seed(0))
    assert again == state


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="z must have at least 2 rows, got 1"):
        diagnose_embedding(torch.ones(1, 3))
    with pytest.raises(ValueError, match=r"views\[1\] must have 4 rows"):
        diagnose_embedding(torch.ones(4, 3), (torch.ones(4, 3), torch.ones(5, 3)))
    zero = diagnose_embedding(torch.zeros(3, 2))
    assert math.isfinite(zero.effective_rank) and zero.mean_cosine == 0
