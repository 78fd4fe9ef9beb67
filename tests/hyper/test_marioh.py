"""The weighted method: its filter, its promise about the projection, files and errors."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlab.hyper import Marioh, jaccard, multi_jaccard, project
from graphlab.hyper._weights import Weights
from tests.hyper._cases import hypergraph, make, random_hypergraph, sets_of


@given(st.integers(0, 10**6))
def test_certain_pairs_are_never_more_than_there_are(seed):
    data = random_hypergraph(seed, num_nodes=7, count=9)
    weights = Weights.of(*project(data, weighted=True))
    counts = Counter(sets_of(data))
    for u, v, least in weights.certain_pairs():
        assert 0 < least <= counts[u, v]


@given(st.integers(0, 10**6))
def test_features_are_statistics_of_degrees_weights_and_bounds(seed):
    weights = Weights.of(*project(random_hypergraph(seed, num_nodes=9, count=12), weighted=True))
    near, cliques = weights.near, weights.maximal_cliques(9)
    parts = [*cliques, *(clique[1:] for clique in cliques if len(clique) > 2)]
    found = weights.features(parts, set(cliques))
    assert found.shape == (len(parts), 17)
    for clique, row in zip(parts, found, strict=True):
        pairs = list(combinations(clique, 2))
        weight = np.array([near[u][v] for u, v in pairs], dtype=float)
        common = [near[u].keys() & near[v].keys() for u, v in pairs]
        bound = [
            sum(min(near[u][z], near[v][z]) for z in both)
            for (u, v), both in zip(pairs, common, strict=True)
        ]
        degree = np.array([sum(near[u].values()) for u in clique], dtype=float)
        assert row[:2].tolist() == [len(clique), clique in set(cliques)]
        for first, values in ((2, degree), (7, weight), (12, bound / weight)):
            expected = [f(values) for f in (np.sum, np.mean, np.min, np.max, np.std)]
            np.testing.assert_allclose(row[first : first + 5], expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("mode", ["reduced", "preserved"])
@pytest.mark.parametrize("seed", range(3))
def test_prediction_has_the_given_projection(mode, seed):
    source, target = random_hypergraph(seed), random_hypergraph(seed + 100)
    model = Marioh(mode, classifier="lr").fit(source)
    edges, weight = project(target, weighted=True)
    prediction = model.predict(edges, 12, weight)
    again, weight_again = project(prediction, weighted=True)
    assert torch.equal(again, edges)
    if mode == "preserved":
        assert torch.equal(weight_again, weight)
    else:
        assert len(set(sets_of(prediction))) == prediction.num_hyperedges


def test_reconstructs_crime_and_survives_a_file(tmp_path):
    source, target = hypergraph("crime", "train"), hypergraph("crime", "test")
    model = Marioh(classifier="hgb").fit(source)
    edges, weight = project(target, weighted=True)
    nodes = target._store["num_nodes"]
    prediction = model.predict(edges, nodes, weight)
    assert jaccard(prediction, target) > 0.75
    again = Marioh.load(model.save(tmp_path)).predict(edges, nodes, weight)
    assert torch.equal(again.edge_index, prediction.edge_index)


def test_multiplicities():
    source = make([(0, 1, 2), (0, 1, 2), (3, 4), (3, 4), (3, 4)], 5)
    edges, weight = project(source, weighted=True)
    prediction = Marioh("preserved", classifier="lr").fit(source).predict(edges, 5, weight)
    assert multi_jaccard(prediction, source) == 1.0


def test_errors(tmp_path):
    source = random_hypergraph(0)
    edges, weight = project(source, weighted=True)
    model = Marioh(classifier="lr")
    with pytest.raises(ValueError, match="fitted"):
        model.predict(edges, 12, weight)
    with pytest.raises(ValueError, match="fitted"):
        model.save(tmp_path)
    with pytest.raises(ValueError, match="two nodes"):
        model.fit(make([(0,), (1,)], 2))
    model.fit(source)
    with pytest.raises(ValueError, match="edge_weight must be given"):
        model.predict(edges, 12)
    with pytest.raises(ValueError, match="positive whole numbers"):
        model.predict(edges, 12, weight - 0.5)
    with pytest.raises(ValueError, match="must have shape"):
        model.predict(edges, 12, weight[1:])
    uneven = weight.clone()
    uneven[0] += 1
    with pytest.raises(ValueError, match="both directions"):
        model.predict(edges, 12, uneven)
    with pytest.raises(ValueError, match="decay"):
        Marioh(decay=0.0).fit(source)
    with pytest.raises(ValueError, match="mode"):
        Marioh("magic").fit(source)


def test_repeated_edges_add_their_weights():
    source = make([(0, 1, 2), (0, 1, 2), (2, 3)], 4)
    edges, weight = project(source, weighted=True)
    model = Marioh("preserved", classifier="lr").fit(source)
    twice = model.predict(torch.cat([edges, edges], 1), 4, torch.cat([weight, weight]))
    assert torch.equal(project(twice, weighted=True)[1], 2 * weight)
    parallel = nx.MultiGraph([(0, 1), (0, 1)])
    assert sets_of(model.predict(parallel)) == [(0, 1), (0, 1)]


@pytest.mark.parametrize("bad", [0.0, -1.0, 0.5, float("inf"), float("nan")])
def test_weights_that_are_no_counts(bad):
    source = make([(0, 1, 2)], 3)
    edges, weight = project(source, weighted=True)
    weight = weight.double()
    weight[2] = bad
    with pytest.raises(ValueError, match=r"positive whole numbers, but edge_weight\[2\]"):
        Marioh(classifier="lr").fit(source).predict(edges, 3, weight)


@pytest.mark.parametrize("mode", ["reduced", "preserved"])
def test_a_source_of_pairs_teaches_pairs(mode):
    source = make([(0, 1), (1, 2), (2, 3)], 5)
    edges, weight = project(source, weighted=True)
    model = Marioh(mode, classifier="lr").fit(source)
    assert sets_of(model.predict(edges, 5, weight)) == [(0, 1), (1, 2), (2, 3)]
