"""Degree groups, selector and schedules: stored values, formulas, errors."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from graphlab.tag.gaugllm import (
    ContextAwareSelector,
    cosine_decay,
    degree_groups,
    fit_selector,
    target_momentum,
)
from graphlab.tag.gaugllm.degree_groups import DEGREE_GROUPS
from tests._golden import document, load
from tests.tag.gaugllm._toy import toy_graph

# --- degree groups --------------------------------------------------------------------------------


def test_groups_equal_the_stored_ones():
    cases = document("tape", "gaug_degree_groups")
    for case in cases:
        found = degree_groups(torch.tensor(case["degree"]))
        assert [DEGREE_GROUPS[group] for group in found.tolist()] == case["group"]


def test_equal_degrees_are_tail():
    assert degree_groups(torch.full((7,), 4)).tolist() == [0] * 7


@pytest.mark.parametrize(("tail", "head"), [(0.1, 0.9), (0.2, 0.8), (0.3, 0.7), (0.0, 1.0)])
def test_tail_and_head_may_share_all_nodes(tail, head):
    group = degree_groups(torch.arange(10), tail, head)
    assert int((group == 1).sum()) == 0


@given(st.lists(st.integers(0, 50), min_size=1, max_size=40))
def test_groups_follow_the_order_of_degrees(degrees):
    degree = torch.tensor(degrees)
    group = degree_groups(degree)
    order = degree.argsort()
    assert group[order].tolist() == sorted(group.tolist())
    assert int((group == 0).sum()) >= 0.4 * (len(degrees) - 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((torch.zeros(0),), r"degree must have shape \(N,\)"),
        ((torch.zeros(2, 2),), r"degree must have shape \(N,\)"),
        ((torch.tensor([1, -1]),), "degree must not be negative, got -1"),
        ((torch.tensor([1.0, torch.nan]),), "degree must be finite"),
        ((torch.ones(2), 0.9, 0.2), "tail .* head must be at most 1"),
        ((torch.ones(2), 1.2, 0.2), r"tail must lie in \[0, 1\]"),
    ],
)
def test_groups_refuse(arguments, message):
    with pytest.raises(ValueError, match=message):
        degree_groups(*arguments)


# --- selector -------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["similarity", "concat"])
def test_selector_equals_the_stored_outputs(mode):
    case = load("tape", "gaug_selector")
    model = ContextAwareSelector(
        16, num_experts=4, mode=mode, temperature=float(case[f"{mode}/temperature"])
    )
    names = ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]
    assert list(model.state_dict()) == names
    model.load_state_dict({name: case[f"{mode}/param/{name}"] for name in names})
    fused, weights = model(case["content"], case["context"])
    torch.testing.assert_close(weights, case[f"{mode}/weights"], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(fused, case[f"{mode}/fused"], rtol=1e-5, atol=1e-6)


def test_defaults_are_the_stored_ones():
    model = ContextAwareSelector(16)
    found = (model.num_experts, model.mode, model.similarity, model.temperature)
    assert found == (4, "similarity", "dot", 0.2)
    assert float(load("tape", "gaug_selector")["similarity/temperature"]) == 0.2


def test_weights_belong_to_their_node():
    content, context = torch.randn(2, 9, 3, 8, generator=torch.Generator().manual_seed(0))
    model = ContextAwareSelector(8, num_experts=3)
    fused, weights = model(content, context)
    order = torch.randperm(9, generator=torch.Generator().manual_seed(1))
    again, shuffled = model(content[order], context[order])
    torch.testing.assert_close(shuffled, weights[order])
    torch.testing.assert_close(again, fused[order])
    torch.testing.assert_close(weights.sum(1), torch.ones(9))


def test_cosine_does_not_depend_on_the_length_of_contexts():
    content, context = torch.randn(2, 5, 4, 8, generator=torch.Generator().manual_seed(0))
    model = ContextAwareSelector(8, similarity="cosine")
    torch.testing.assert_close(model(content, 9 * context)[1], model(content, context)[1])
    logits = model.fc2(F.leaky_relu(model.fc1(content)).flatten(1))
    logits = logits + F.cosine_similarity(content, context, dim=2)
    torch.testing.assert_close(model(content, context)[1], (logits / 0.2).softmax(1))


@pytest.mark.parametrize("mode", ["similarity", "concat"])
def test_selector_gradcheck(mode):
    model = ContextAwareSelector(4, num_experts=2, mode=mode, temperature=1.0).double()
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(2, 3, 2, 4, dtype=torch.float64, generator=generator).unbind(0)
    torch.autograd.gradcheck(model, tuple(value.requires_grad_() for value in inputs))


def test_selector_refuses():
    for temperature in (0.0, -1.0):
        with pytest.raises(ValueError, match="temperature must be positive"):
            ContextAwareSelector(8, temperature=temperature)
    with pytest.raises(ValueError, match="mode must be one of 'similarity', 'concat'"):
        ContextAwareSelector(8, mode="sum")
    with pytest.raises(ValueError, match="similarity must be one of 'dot', 'cosine'"):
        ContextAwareSelector(8, similarity="l2")
    model, good = ContextAwareSelector(8), torch.zeros(5, 4, 8)
    with pytest.raises(ValueError, match=r"content must have shape \(N, 4, 8\), got \(5, 3, 8\)"):
        model(good[:, :3], good)
    with pytest.raises(ValueError, match=r"context must have shape \(N, 4, 8\), got \(5, 4, 7\)"):
        model(good, good[..., :7])
    with pytest.raises(ValueError, match="content and context must have the same shape"):
        model(good, good[:4])
    with pytest.raises(ValueError, match="context must be finite"):
        model(good, good + torch.inf)
    with pytest.raises(TypeError, match="content must be floating point"):
        model(good.long(), good)


def test_selector_is_mapped_over_batches():
    content, context = torch.randn(2, 6, 5, 4, 8, generator=torch.Generator().manual_seed(0))
    model = ContextAwareSelector(8)
    fused, weights = torch.vmap(model)(content, context)
    for i in range(6):
        want = model(content[i], context[i])
        torch.testing.assert_close((fused[i], weights[i]), want)


def test_training_finds_the_expert_that_knows_the_neighbours():
    data = toy_graph()
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(data.num_nodes, 12, generator=generator)
    content = torch.stack([noise, torch.eye(3, 12)[data.y]], dim=1)
    context = torch.zeros_like(content)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = ContextAwareSelector(12, num_experts=2, temperature=0.5)
    rows = []
    options = {"epochs": 60, "lr": 0.02, "callback": rows.append}
    result = fit_selector(model, content, context, data.edge_index, **options)
    assert rows == result.history
    assert [row["epoch"] for row in rows] == list(range(60))
    assert rows[-1]["loss"] < 0.8 * rows[0]["loss"]
    with pytest.warns(FutureWarning, match=r"FusedFeatures\.losses is FusedFeatures\.history now"):
        assert result.losses == [row["loss"] for row in rows]
    assert float(result.weights[:, 1].mean()) > 0.7
    fused, weights = model(content, context)
    torch.testing.assert_close(result.x, fused.detach())
    torch.testing.assert_close(result.weights, weights.detach())
    with pytest.raises(ValueError, match="at least one edge"):
        fit_selector(model, content, context, data.edge_index[:, :0])
    with pytest.raises(RuntimeError, match="the loss is nan"):
        fit_selector(model, content, context, data.edge_index, epochs=9, lr=1e30)


# --- schedules ------------------------------------------------------------------------------------


def test_schedules_equal_the_stored_ones():
    case = load("tape", "gaug_losses")
    rates = [cosine_decay(step, 5e-4, 5, 40) for step in range(41)]
    np.testing.assert_allclose(rates, case["lr"].numpy(), rtol=1e-12, atol=1e-18)
    momenta = [target_momentum(step, 0.99, 40) for step in range(41)]
    np.testing.assert_allclose(momenta, case["momentum"].numpy(), rtol=1e-12)


def test_schedules_refuse():
    with pytest.raises(ValueError, match="step must be at most 4"):
        cosine_decay(5, 1.0, 0, 4)
    with pytest.raises(ValueError, match="warmup must be at most 4"):
        cosine_decay(0, 1.0, 5, 4)
    with pytest.raises(ValueError, match=r"base must lie in \[0, 1\]"):
        target_momentum(0, 1.5, 4)
