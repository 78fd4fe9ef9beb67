"""How often a training step makes the host wait for a device, as a budget per kind of step.

Counted on the CPU (see :mod:`tests._host_reads`), forward and backward pass, after a first step
that prepares what is kept. ``checked`` is the library as it is, ``trusted`` is within
:func:`graphlab.ops.trusted_values`. Rows of GRACE keep six: the number of edges that a view keeps
is drawn (two), and PyG looks for self-loops by an index of booleans (four).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from benchmarks.gpu.steps import grace as two_views
from benchmarks.gpu.steps import graphclip, steps
from benchmarks.gpu.steps import pamc as clustering
from graphlab.contrastive import InfoNCELoss, PamCLoss, clip_loss
from graphlab.ops import CSRGraph, trusted_values, unit_rows
from tests._host_reads import HostReads

#: Reads per step: checked, trusted. Those that PamC's losses make to find extreme or zero rows are
#: made on a CPU alone, where they cost nothing.
BUDGET = {
    "PamC epoch": (9, 0),
    "PamCLoss meta": (5, 0),
    "PamCLoss meta1": (5, 0),
    "PamCLoss meta2": (5, 0),
    "PamCLoss exact": (3, 0),
    "PamCLoss sampled": (2, 0),
    "InfoNCE": (4, 0),
    "GRACE": (15, 6),
    "GRACE + POT": (30, 6),
    "clip_loss": (3, 0),
    "clip_loss with names": (4, 0),
    "GraphCLIP pass": (10, 0),
    "FastRP.transform": (0, 0),
}
NODES = 50
#: Rows of the table whose steps have no size that depends on values.
FIXED = [kind for kind, (_, trusted) in BUDGET.items() if trusted == 0]


def without_optimizer(loss: Callable[[], Tensor], parameters: Any) -> Callable[[], None]:
    kept = list(parameters)

    def run() -> None:
        for parameter in kept:
            parameter.grad = None
        loss().backward()

    return run


def step_of(kind: str, device: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Any]:
    for system in (clustering, two_views, graphclip):
        monkeypatch.setattr(system, "training_step", without_optimizer)
    case, method = {
        "PamC epoch": ("pamc_usps_size", "graphlab"),
        "GRACE": ("grace_pot_tenth", "graphlab, GRACE alone"),
        "GRACE + POT": ("grace_pot_tenth", "graphlab"),
        "GraphCLIP pass": ("graphclip_900", "graphlab"),
        "FastRP.transform": ("fastrp_ten_million", "graphlab"),
    }.get(kind, ("", ""))
    if case:
        return steps(small=True)[case].makers[method](torch.device(device))
    generator = torch.Generator().manual_seed(0)
    z, other = (torch.randn(NODES, 8, generator=generator).to(device) for _ in range(2))
    z.requires_grad_()
    loss = loss_of(kind, z, other, torch.randint(NODES, (2, 4 * NODES), generator=generator))

    def run() -> None:
        z.grad = None
        loss().backward()

    return run


def loss_of(kind: str, z: Tensor, other: Tensor, edges: Tensor) -> Callable[[], Tensor]:
    scale = torch.tensor(1.0, device=z.device)
    if kind == "InfoNCE":
        contrast = InfoNCELoss(0.5)
        return lambda: contrast(z, other)
    if kind.startswith("clip_loss"):
        names = torch.arange(NODES, device=z.device) if "names" in kind else None
        return lambda: clip_loss(z, other, scale, text_id=names)
    graph = CSRGraph.from_edge_index(edges.to(z.device), NODES)
    cluster = torch.arange(NODES, device=z.device) % 4
    pamc = PamCLoss(0.5, negatives=kind.split()[1])
    if kind == "PamCLoss sampled" and z.is_cuda:
        pamc.generator = torch.Generator(z.device)
    return lambda: pamc(z, graph, cluster, None, 4)


@pytest.mark.parametrize("kind", BUDGET)
def test_a_step_stays_within_its_budget(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run = step_of(kind, "cpu", monkeypatch)
    run()
    checked, trusted = BUDGET[kind]
    with HostReads() as reads:
        run()
    assert reads.count <= checked, reads
    with HostReads() as reads, trusted_values():
        run()
    assert reads.count <= trusted, reads


def test_the_counter_counts() -> None:
    x = torch.tensor([1.0, 0.0])
    cases: list[Callable[[], object]] = [
        lambda: x.sum().item(),
        lambda: bool(x.any()),
        lambda: float(x[0]),
        x.tolist,
        x.nonzero,
        lambda: x[x > 0],
        lambda: x.unique(),
        lambda: x.new_tensor(2.0),
        lambda: torch.equal(x, x),
        lambda: torch.repeat_interleave(x, torch.tensor([1, 2])),
    ]
    for case in cases:
        with HostReads() as reads:
            case()
        assert reads.count >= 1
    leaf = x.clone().requires_grad_()
    leaf.register_hook(lambda grad: grad * float(grad.sum()))
    with HostReads() as reads:
        (leaf * 2).sum().backward()
    assert reads.count == 1
    with HostReads() as reads:
        (x * 2 + 1).softmax(0).index_select(0, torch.zeros(1, dtype=torch.int64))
    assert reads.count == 0


def test_trusted_values_are_not_looked_at_and_shapes_are() -> None:
    bad = torch.tensor([[1.0, torch.nan]])
    with pytest.raises(ValueError, match="finite"):
        InfoNCELoss(0.5)(bad, bad)
    with trusted_values():
        assert InfoNCELoss(0.5)(bad, bad).isnan()
        with pytest.raises(ValueError, match="columns"):
            InfoNCELoss(0.5)(bad, torch.ones(1, 3))
    with pytest.raises(ValueError, match="finite"):
        InfoNCELoss(0.5)(bad, bad)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_trusted_unit_rows_are_those_of_checked_ones(dtype: torch.dtype) -> None:
    big = 1e30 if dtype == torch.float32 else 1e100
    pair = torch.tensor([3.0, 4.0], dtype=dtype)
    rows = torch.stack([pair, 0 * pair, pair * big, pair / big])
    want = torch.tensor([[0.6, 0.8], [0.0, 0.0], [0.6, 0.8], [0.6, 0.8]], dtype=dtype)
    leaves = [rows.clone().requires_grad_() for _ in range(2)]
    checked = unit_rows(leaves[0])
    with trusted_values():
        trusted = unit_rows(leaves[1])
    for unit, leaf in zip((checked, trusted), leaves, strict=True):
        torch.testing.assert_close(unit.detach(), want)
        unit[:2, 0].sum().backward()
        torch.testing.assert_close(
            leaf.grad[:2], torch.tensor([[0.128, -0.096], [0.0, 0.0]], dtype=dtype)
        )


@pytest.mark.gpu
@pytest.mark.parametrize("device", ["cuda"])
@pytest.mark.parametrize("kind", FIXED)
def test_a_trusted_step_waits_for_nothing_and_is_captured(
    kind: str, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = step_of(kind, device, monkeypatch)
    with trusted_values():
        run()
        torch.cuda.synchronize()
        torch.cuda.set_sync_debug_mode("error")
        try:
            run()
        finally:
            torch.cuda.set_sync_debug_mode("default")
    if kind == "PamCLoss sampled":  # its draws come from a generator that no graph knows
        return
    side = torch.cuda.Stream()
    with torch.cuda.stream(side), trusted_values():
        for _ in range(3):
            run()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):  # without trusted_values: a capture trusts by itself
        run()
    graph.replay()
    torch.cuda.synchronize()
