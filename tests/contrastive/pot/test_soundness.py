"""Certificates against every graph that a budget allows."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlab.contrastive.pot import (
    adjacency_bounds,
    compactness_bound,
    preactivation_bounds,
    reference_compactness,
)
from tests._golden import load
from tests.contrastive.pot._enumerate import (
    Extremes,
    Instance,
    directed_graphs,
    extremes,
    network,
    random_instance,
    undirected_graphs,
)

BOUNDS = ["interval", "budget", "budget_crown"]
BUDGETS = [0.1, 0.4, 0.6, 0.9, "all", "random"]
EXACT = 1e-9


def certified(instance: Instance, bound: str, directed: bool, **changes: object) -> torch.Tensor:
    options = {"budget": instance.budget, **changes}
    return compactness_bound(
        instance.x,
        instance.edge_index,
        instance.layers,
        instance.target,
        options["budget"],
        negative_slope=instance.slope,
        bound=bound,
        directed=directed,
    )


def preactivations(instance: Instance, bound: str, directed: bool, budget=None):
    return preactivation_bounds(
        instance.x,
        instance.edge_index,
        instance.layers,
        instance.budget if budget is None else budget,
        negative_slope=instance.slope,
        bound=bound,
        directed=directed,
    )


def check_contains(instance: Instance, found: Extremes, directed: bool) -> None:
    nodes = instance.x.size(0)
    bounds = adjacency_bounds(instance.edge_index, nodes, instance.budget, directed=directed)
    low, high = bounds.dense()
    assert bool((low <= found.low["A"] + EXACT).all() and (high >= found.high["A"] - EXACT).all())
    for bound in BOUNDS:
        for k, (low, high) in enumerate(preactivations(instance, bound, directed)):
            assert bool((low <= found.low[f"pre{k}"] + EXACT).all())
            assert bool((high >= found.high[f"pre{k}"] - EXACT).all())
            hidden = torch.nn.functional.leaky_relu(found.low["pre0"], instance.slope)
            if k == 0:
                end = torch.nn.functional.leaky_relu(low, instance.slope)
                assert bool((end <= hidden + EXACT).all())
        assert bool((certified(instance, bound, directed) <= found.low["f"] + EXACT).all())


def check_case(seed: int, limit: int, samples: int) -> None:
    instance = random_instance(seed, BUDGETS[seed % len(BUDGETS)])
    check_contains(instance, extremes(instance, undirected_graphs(instance)), directed=False)
    graphs = directed_graphs(instance, limit, samples, seed)
    check_contains(instance, extremes(instance, graphs), directed=True)


@pytest.mark.parametrize("seed", range(18))
def test_no_allowed_graph_breaks_a_certificate(seed):
    check_case(seed, limit=3000, samples=1000)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(10))
def test_no_allowed_graph_breaks_a_certificate_200_cases(block):
    for seed in range(100 + 20 * block, 120 + 20 * block):
        check_case(seed, limit=200_000, samples=20_000)


@pytest.mark.parametrize("case", ["bruteforce_21", "bruteforce_22"])
@pytest.mark.parametrize("bound", BOUNDS)
@pytest.mark.parametrize("kind", ["und", "dir"])
def test_stored_extremes(case, bound, kind):
    data = load("pot", case)
    instance = stored(data)
    low, high = adjacency_bounds(
        instance.edge_index, 9, instance.budget, directed=kind == "dir"
    ).dense()
    assert bool((low <= data[f"Amin_{kind}"] + EXACT).all())
    assert bool((high >= data[f"Amax_{kind}"] - EXACT).all())
    for k, (low, high) in enumerate(preactivations(instance, bound, kind == "dir"), 1):
        assert bool((low <= data[f"pre{k}_min_{kind}"] + EXACT).all())
        assert bool((high >= data[f"pre{k}_max_{kind}"] - EXACT).all())
    found = certified(instance, bound, kind == "dir")
    assert bool((found <= data[f"f_min_{kind}"] + EXACT).all())
    # Tightness: at least that of the stored bounds, on average over the nodes.
    assert float(found.mean()) >= float(data[f"ref_lb_{bound}_{kind}"].mean()) - 1e-12


def stored(data):
    layers = [(data["W1"].t(), data["b1"]), (data["W2"].t(), data["b2"])]
    return Instance(
        data["A"].double(), data["x"], layers, data["Wcl"], data["budget"], float(data["alpha"])
    )


@pytest.mark.parametrize("case", ["bruteforce_21", "bruteforce_22"])
def test_the_published_score_is_not_a_bound(case):
    data = load("pot", case)
    instance = stored(data)
    z = network(instance, instance.adjacency.unsqueeze(0))["z"][0]
    unit = torch.nn.functional.normalize(z, dim=1)
    nodes = z.size(0)
    target = unit * nodes / (nodes - 1) - unit.sum(0) / (nodes - 1)
    instance = Instance(
        instance.adjacency, instance.x, instance.layers, target, instance.budget, instance.slope
    )
    least = extremes(instance, undirected_graphs(instance)).low["f"]
    score = reference_compactness(
        instance.x,
        instance.edge_index,
        instance.edge_index,
        instance.layers,
        z,
        0.4,
        negative_slope=instance.slope,
    )
    assert bool((score > least + 1e-6).any())
    assert bool((certified(instance, "budget", False) <= least + EXACT).all())


@pytest.mark.parametrize("bound", BOUNDS)
@pytest.mark.parametrize("directed", [False, True])
def test_without_drops_the_bound_is_the_value(bound, directed):
    for seed in range(8):
        instance = random_instance(seed)
        value = network(instance, instance.adjacency.unsqueeze(0))["f"][0]
        found = certified(instance, bound, directed, budget=torch.zeros_like(instance.budget))
        assert float((found - value).abs().max()) <= EXACT


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_larger_budgets_never_narrow(directed, seed):
    instance = random_instance(seed, 0.3)
    more = torch.minimum(instance.budget + 1, instance.degree)
    nodes = instance.x.size(0)
    small, large = (
        adjacency_bounds(instance.edge_index, nodes, b, directed=directed)
        for b in (instance.budget, more)
    )
    assert bool((large.low <= small.low + EXACT).all() and (large.high >= small.high - EXACT).all())
    for bound in ("interval", "budget"):
        pairs = (preactivations(instance, bound, directed, b) for b in (instance.budget, more))
        for (low, high), (lower, higher) in zip(*pairs, strict=True):
            assert bool((lower <= low + EXACT).all() and (higher >= high - EXACT).all())


@pytest.mark.parametrize("directed", [False, True])
def test_budgets_are_never_looser_than_intervals(directed):
    means = {bound: [] for bound in BOUNDS}
    for seed in range(12):
        instance = random_instance(seed)
        wide = preactivations(instance, "interval", directed)
        tight = preactivations(instance, "budget", directed)
        for (low, high), (lower, higher) in zip(tight, wide, strict=True):
            assert bool((low >= lower - EXACT).all() and (high <= higher + EXACT).all())
        for bound in BOUNDS:
            means[bound].append(float(certified(instance, bound, directed).mean()))
    interval, budget, crown = (torch.tensor(means[bound]).mean() for bound in BOUNDS)
    assert interval < budget < crown


@pytest.mark.parametrize("bound", BOUNDS)
@pytest.mark.parametrize("directed", [False, True])
def test_order_of_nodes_does_not_matter(bound, directed):
    instance = random_instance(5)
    nodes = instance.x.size(0)
    order = torch.randperm(nodes, generator=torch.Generator().manual_seed(1))
    moved = Instance(
        instance.adjacency[order][:, order],
        instance.x[order],
        instance.layers,
        instance.target[order],
        instance.budget[order],
        instance.slope,
    )
    found = certified(moved, bound, directed)
    torch.testing.assert_close(
        found, certified(instance, bound, directed)[order], rtol=1e-12, atol=1e-13
    )


@pytest.mark.parametrize("bound", BOUNDS)
@pytest.mark.parametrize("directed", [False, True])
def test_batches_of_targets_equal_the_whole(bound, directed):
    for seed in range(6):
        instance = random_instance(seed)
        whole = certified(instance, bound, directed)
        order = torch.randperm(whole.numel(), generator=torch.Generator().manual_seed(seed))
        for nodes in order.split(3):
            part = compactness_bound(
                instance.x,
                instance.edge_index,
                instance.layers,
                instance.target[nodes],
                instance.budget,
                negative_slope=instance.slope,
                bound=bound,
                directed=directed,
                nodes=nodes,
            )
            torch.testing.assert_close(part, whole[nodes], rtol=1e-12, atol=1e-13)


@given(
    seed=st.integers(0, 10_000),
    budget=st.sampled_from(BUDGETS),
    bound=st.sampled_from(BOUNDS),
)
def test_undirected_certificates_hold(seed, budget, bound):
    instance = random_instance(seed, budget, nodes=5)
    least = extremes(instance, undirected_graphs(instance)).low["f"]
    assert bool((certified(instance, bound, False) <= least + EXACT).all())
    # The directed set is the larger one: its certificate holds here as well.
    assert bool((certified(instance, bound, True) <= least + EXACT).all())


@pytest.mark.parametrize(("bound", "directed"), list(itertools.product(BOUNDS, [False, True])))
def test_gradients(bound, directed):
    instance = random_instance(4, 0.4)
    inputs = [instance.x, *(t for layer in instance.layers for t in layer), instance.target]
    inputs = [t.clone().requires_grad_() for t in inputs]

    def value(x, w1, b1, w2, b2, target):
        return compactness_bound(
            x,
            instance.edge_index,
            [(w1, b1), (w2, b2)],
            target,
            instance.budget,
            negative_slope=instance.slope,
            bound=bound,
            directed=directed,
        )

    assert torch.autograd.gradcheck(value, inputs, eps=1e-7, atol=1e-5)
