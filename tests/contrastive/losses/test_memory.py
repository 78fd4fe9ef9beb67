"""The losses that look at all pairs of nodes hold no N x N matrix."""

from __future__ import annotations

import pytest

from tests.ops._memory import peak_growth

PREPARE = """
import graphlab.contrastive as gc
import graphlab.contrastive.losses.progcl as progcl
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
    assert growth < 0.2 * size


LARGE = """
import graphlab.contrastive as gc
rows = {rows}
draw = torch.Generator().manual_seed(0)
z1, z2 = (torch.randn(rows, 128, generator=draw, requires_grad=True) for _ in range(2))
edges = torch.randint(rows, (2, 5 * rows), generator=draw)
cluster = torch.randint(100, (rows,), generator=draw)
graph = graphlab.ops.CSRGraph.from_edge_index(edges, rows)
size = 4 * rows * 128
"""
#: Rows, the loss, and its bound in copies of the embeddings of one view.
BOUNDS = {
    "pamc": (200_000, "loss = lambda a, b: gc.PamCLoss(tau=0.5)(a, graph, cluster)", 10),
    "pamc meta2": (200_000, "loss = lambda a, b: gc.PamCLoss(0.5, 'meta2')(a, graph, cluster)", 10),
    "barlow twins": (200_000, "loss = gc.BarlowTwinsLoss()", 10),
    "graphcl": (200_000, "loss = lambda a, b, f=gc.GraphCLLoss(128): f(a, b, a, b)", 10),
    "bgrl": (200_000, "loss = lambda a, b: gc.bgrl_loss(a, b, b.detach(), a.detach())", 12),
    "infonce": (20_000, "loss = gc.InfoNCELoss(0.5)", 20),
    "clip": (20_000, "loss = gc.CLIPLoss()", 20),
    "supcon": (20_000, "loss = lambda a, b: gc.supcon_loss(torch.stack([a, b], 1), cluster)", 20),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BOUNDS)
@pytest.mark.compiled
def test_peak_is_some_copies_of_the_embeddings(name: str) -> None:
    rows, loss, copies = BOUNDS[name]
    code = LARGE.format(rows=rows) + loss + "\ndef work():\n    loss(z1, z2).backward()\n"
    growth, size = peak_growth(code)
    assert growth < copies * size
