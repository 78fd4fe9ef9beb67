"""Contexts of nodes: reference cases, brute force on random graphs, bad input."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.contrastive.pretext import context_histogram
from tests._golden import cases, load


@pytest.mark.parametrize("name", cases("pretext", "selftask_*"))
@pytest.mark.parametrize(("hops", "key"), [(1, "neighbor_label"), (2, "context_label")])
def test_golden(name: str, hops: int, key: str) -> None:
    case = load("pretext", name)
    edges = torch.stack([case["edge_row"], case["edge_col"]])
    found = context_histogram(edges, case["node_label_in"], hops=hops)
    isolated = case[key].isnan().any(1)  # not a number in the authors' program
    torch.testing.assert_close(found[~isolated], case[key][~isolated], rtol=0, atol=0)
    assert bool((found[isolated] == 0).all())


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["pattern", "walk"]), st.sampled_from([1, 2]))
def test_equals_brute_force(seed: int, two_hop: str, hops: int) -> None:
    draw = np.random.default_rng(seed)
    count = int(draw.integers(2, 12))
    graph = nx.gnp_random_graph(count, float(draw.random()) * 0.5, seed=seed)
    matrix = nx.to_numpy_array(graph)
    labels = draw.integers(-1, 3, count)
    labels[: min(count, 3)] = np.arange(min(count, 3))
    classes = np.eye(3)[labels] * (labels >= 0)[:, None]
    square = matrix @ matrix
    np.fill_diagonal(square, 0)
    far = square if two_hop == "walk" else square > 0
    counts = matrix @ classes + (far @ classes if hops == 2 else 0)
    total = counts.sum(1, keepdims=True)
    wanted = np.divide(counts, total, out=np.zeros_like(counts), where=total > 0)
    edges = torch.from_numpy(np.stack(matrix.nonzero()))
    loops = torch.arange(count).repeat(2, 1)
    for given_edges in (edges, torch.cat([edges, edges[:, :1], loops], dim=1)):
        found = context_histogram(
            given_edges,
            torch.from_numpy(labels),
            num_classes=int(labels.max()) + 1,
            hops=hops,
            two_hop=two_hop,  # type: ignore[arg-type]
        )
        np.testing.assert_allclose(found.numpy(), wanted[:, : found.size(1)], atol=1e-12)


@pytest.mark.parametrize(
    ("options", "match"),
    [({"hops": 3}, "hops"), ({"two_hop": "three"}, "two_hop"), ({"num_classes": 3}, "2 has none")],
)
def test_bad_input_is_named(options: dict, match: str) -> None:
    edges = torch.tensor([[0, 1], [1, 0]])
    with pytest.raises(ValueError, match=match):
        context_histogram(edges, torch.tensor([0, 1]), **options)
