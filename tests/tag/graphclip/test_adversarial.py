"""Adversarial passes in both forms against golden steps; random views."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
import torch

from graphlab.contrastive import clip_loss
from graphlab.tag.graphclip import (
    GraphCLIPEncoder,
    adversarial_backward,
    augment_subgraphs,
    feature_rms,
)
from tests._golden import load
from tests.tag.graphclip._toy import weights


@pytest.mark.parametrize("accumulate", [True, False])
def test_golden_step(accumulate):
    start = load("graphclip", "adversarial_step")
    case = start if accumulate else load("graphclip", "adversarial_step_clean")
    tower = GraphCLIPEncoder(16, 16, 8, 2, 32, 8)
    tower.load_state_dict(weights(start))
    tower.train()
    scale = start["logit_scale_param"].clone().requires_grad_()
    rest = [start[k] for k in ("pe", "edge_index", "batch", "root_n_index")]
    seen = []

    def closure(x):
        seen.append(x.detach())
        return clip_loss(tower(x, *rest)[0], start["text_emb"], scale)

    losses = adversarial_backward(
        closure, start["x"], eps=1e-2, steps=3, delta=case["delta_0"],
        accumulate_perturbation=accumulate,
    )  # fmt: skip
    torch.testing.assert_close(torch.tensor(losses), case["losses_unscaled"], rtol=1e-4, atol=1e-5)
    assert losses[-1] / 3 == pytest.approx(float(case["returned_loss"]), rel=1e-4)
    torch.testing.assert_close(scale.grad, case["grad_logit_scale"], rtol=1e-4, atol=1e-6)
    base = start["x"]
    for step, x in enumerate(seen):
        delta = case[f"delta_{step}"]
        agrees = ((x - base - delta).abs() < 1e-5).double().mean()
        assert float(agrees) >= 0.999
        base = base + delta if accumulate else base
    if accumulate:
        assert float(((base - start["x_after"]).abs() < 1e-5).double().mean()) >= 0.999
        state = tower.state_dict()
        for key, value in case.items():
            if key.startswith("sd_after/"):
                torch.testing.assert_close(state[key[9:]], value, rtol=1e-4, atol=1e-5)
    parameters = dict(tower.named_parameters())
    for key, value in case.items():
        if key.startswith("grad/"):
            torch.testing.assert_close(parameters[key[5:]].grad, value, rtol=1e-3, atol=1e-5)


def test_clean_perturbation_stays_small_where_the_accumulating_one_grows():
    x = torch.zeros(4, 3)
    reach = {}
    for accumulate in (False, True):
        seen = []

        def closure(v, seen=seen):
            seen.append(v.detach())
            return (v + 1).square().sum()

        generator = torch.Generator().manual_seed(0)
        adversarial_backward(
            closure, x, eps=0.1, accumulate_perturbation=accumulate, generator=generator
        )
        reach[accumulate] = max(float(v.abs().max()) for v in seen)
    assert reach[False] <= 0.3 + 1e-6 < reach[True] <= 0.6 + 1e-6


def test_only_the_last_pass_synchronises():
    entered = []

    @contextmanager
    def no_sync():
        entered.append(True)
        yield

    weight = torch.ones(3, requires_grad=True)
    adversarial_backward(lambda v: (v @ weight).sum(), torch.rand(2, 3), eps=0.1, no_sync=no_sync)
    assert len(entered) == 2
    assert weight.grad is not None


def test_rms_is_the_unit_of_features():
    assert feature_rms(torch.full((3, 4), -2.0)) == pytest.approx(2.0)


def views(index, step=0, seed=3, **options):
    case = load("graphclip", "graph_aug")
    nodes, edges = case["x"].size(0), case["edge_index"]
    count = len(index)
    shift = nodes * torch.arange(count).repeat_interleave(edges.size(1))
    return augment_subgraphs(
        case["x"].repeat(count, 1), edges.repeat(1, count) + shift,
        torch.arange(count).repeat_interleave(nodes), count,
        index=torch.tensor(index), step=step, seed=seed, **options,
    )  # fmt: skip


def test_whole_columns_are_dropped_and_edges_are_a_subset():
    case = load("graphclip", "graph_aug")
    x, edge_index = views([0])
    for column in range(x.size(1)):
        assert torch.equal(x[:, column], case["x"][:, column]) or bool((x[:, column] == 0).all())
    have = {tuple(e) for e in case["edge_index"].t().tolist()}
    assert {tuple(e) for e in edge_index.t().tolist()} <= have


def test_rates_are_those_asked_for():
    x, edge_index = views(list(range(400)))
    assert float((x[::5] == 0).double().mean()) == pytest.approx(0.3, abs=0.02)
    assert edge_index.size(1) / 4000 == pytest.approx(0.8, abs=0.02)


def test_a_view_depends_on_its_name_not_on_its_place():
    x, edge_index = views([5, 8])
    alone, edges = views([8])
    assert torch.equal(x[5:], alone)
    assert torch.equal(edge_index[:, edge_index[0] >= 5] - 5, edges)
    assert not torch.equal(views([8], step=1)[0], alone)
    assert not torch.equal(views([8], seed=4)[0], alone)


def test_nothing_is_dropped_at_zero():
    case = load("graphclip", "graph_aug")
    x, edge_index = views([0], feature_p=0.0, edge_p=0.0)
    assert torch.equal(x, case["x"])
    assert torch.equal(edge_index, case["edge_index"])


def test_edges_of_mixed_subgraphs_are_refused():
    edges = torch.tensor([[2, 0], [3, 1]])  # those of the second subgraph come first
    with pytest.raises(ValueError, match="the edges of one subgraph after another"):
        augment_subgraphs(torch.ones(4, 2), edges, torch.tensor([0, 0, 1, 1]), 2)
