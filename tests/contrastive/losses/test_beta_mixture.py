"""The Beta mixture of ProGCL."""

from __future__ import annotations

import torch
from scipy import stats

from graphlab.contrastive import BetaMixture


def test_mixture_recovers_separate_components() -> None:
    shapes = ((3, 9), (9, 3))
    draws = [stats.beta.rvs(*s, size=6000, random_state=i) for i, s in enumerate(shapes)]
    x = torch.cat([torch.from_numpy(d) for d in draws])
    mixture = BetaMixture.fit(2 * x - 1, prior=0.5, iterations=200)
    assert float((mixture.weight - 0.5).abs().max()) < 0.02
    for found, wanted in ((mixture.alpha, (3.0, 9.0)), (mixture.beta, (9.0, 3.0))):
        assert float((found / torch.tensor(wanted) - 1).abs().max()) < 0.1


def test_hardness_equals_scipy() -> None:
    pairs = ([2.0, 7.0], [5.0, 1.5], [0.8, 0.2])
    mixture = BetaMixture(*(torch.tensor(p, dtype=torch.float64) for p in pairs))
    at = torch.tensor([0.2, 0.5, 0.9], dtype=torch.float64)
    density = [
        float(mixture.weight[k])
        * stats.beta.pdf(at.numpy(), float(mixture.alpha[k]), float(mixture.beta[k]))
        for k in range(2)
    ]
    wanted = torch.from_numpy(density[0] / (density[0] + density[1])) * at
    torch.testing.assert_close(mixture.log_hardness(2 * at - 1).exp(), wanted)
    edges = mixture.log_hardness(torch.tensor([-1.0, 1.0, 1.0000001]))
    assert edges.isfinite().all()
