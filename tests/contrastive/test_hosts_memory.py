"""The losses that look at all pairs of nodes hold no N x N matrix."""

from __future__ import annotations

import pytest

from tests.ops._memory import peak_growth

PREPARE = """
import graphlab.contrastive as gc
import graphlab.contrastive.progcl as progcl
progcl._TILE = 2**17
draw = torch.Generator().manual_seed(0)
z1, z2 = (torch.randn(5000, 16, generator=draw, requires_grad=True) for _ in range(2))
size = 4 * 5000**2
"""
LOSSES = {
    "infonce": "loss = gc.InfoNCELoss(0.5)",
    "infonce between views": "loss = gc.InfoNCELoss(0.5, intraview=False)",
    "infonce in chunks": "loss = gc.InfoNCELoss(0.5, chunk_size=700)",
    "progcl weight": "loss = gc.ProGCLLoss(0.5).fit(z1, z2, generator=draw)",
    "sketch": """
half = gc.InfoNCELoss(0.5, intraview=False)
loss = lambda a, b: half(*(gc.gaussian_sketch(z, 2500, seed=1) for z in (a, b)))
""",
}


@pytest.mark.parametrize("name", LOSSES)
def test_peak_is_far_below_one_matrix(name: str) -> None:
    code = PREPARE + LOSSES[name] + "\ndef work():\n    loss(z1, z2).backward()\n"
    growth, size = peak_growth(code)
    assert growth < 0.4 * size
