"""The hypergraph experiment: rows, honest splits, walks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from experiments._harness.context import Context
from experiments.hypergraph import links as hypergraph_links
from experiments.hypergraph import run as script
from graphlab.hyper import precision_recall_f1, project
from tests._data import test_data_root
from tests.hyper._cases import make, random_hypergraph, sets_of

SMALL = script.Config(features=("count",), classifiers=("lr",))


def context(tmp_path):
    return Context(seed=0, device=torch.device("cpu"), directory=tmp_path)


def test_embedded_run_has_all_rows(tmp_path):
    pytest.importorskip("matplotlib")
    rows = script.run(SMALL, context(tmp_path))
    assert {"maximal cliques", "clique cover", "paper, count, lr", "ours, count, lr"} <= set(rows)
    assert "link prediction, reconstructed hypergraph" in rows
    assert all(0 <= row["jaccard"] <= 1 for row in rows.values() if "jaccard" in row)
    assert rows["lost by the projection"]["missed share"] > 0
    assert (tmp_path / "artifacts" / "importance.png").is_file()


def test_halves_of_the_women_are_disjoint():
    source, target = script.load(script.Config(), 3)
    assert source.num_hyperedges == target.num_hyperedges == 7
    assert precision_recall_f1(source, target)[2] == 0.0


def test_crime_row_equals_the_bar(tmp_path):
    pytest.importorskip("matplotlib")
    root = test_data_root("hypergraph", "shyre")
    config = replace(
        SMALL, dataset="crime", root=str(tmp_path / "d"), source=str(root), beta=1000, marioh=False
    )
    rows = script.run(config, context(tmp_path / "run"))
    assert rows["maximal cliques"]["jaccard"] == pytest.approx(0.7876, abs=1e-4)


def test_walks_on_edges_are_walks_on_the_graph():
    data = random_hypergraph(0)
    edges = project(data)
    as_edges = hypergraph_links.as_hypergraph(edges, 12)
    assert torch.equal(project(as_edges), edges)
    pairs = np.array([[0, 1, 2], [3, 4, 5]])
    adjacency = np.zeros((12, 12))
    adjacency[edges[0], edges[1]] = 1
    degree = np.maximum(adjacency.sum(1, keepdims=True), 1)
    lazy = (adjacency / degree + np.eye(12) * (adjacency.sum(1) > 0)) / 2
    two = lazy @ lazy
    want = two[pairs[0], pairs[1]] + two[pairs[1], pairs[0]]
    np.testing.assert_allclose(hypergraph_links.walk_scores(as_edges, pairs), want)


def test_non_edges_and_ranks():
    upper = np.array([[0, 0], [1, 2]])
    drawn = hypergraph_links.non_edges(upper, 4, 100, np.random.default_rng(0))
    assert sorted(map(tuple, drawn.T.tolist())) == [(0, 3), (1, 2), (1, 3), (2, 3)]
    assert hypergraph_links.rank(np.array([3.0, 1.0, 3.0])).tolist() == [2.5, 1.0, 2.5]


def test_parts_keep_all_nodes():
    data = make([(0, 1), (1, 2), (3,)], 4)
    part = script.part_of(data, torch.tensor([2, 0]))
    assert sets_of(part) == [(3,), (0, 1)] and part._store["num_nodes"] == 4


def test_presets_and_published_rows():
    assert set(script.PUBLISHED) < set(script.PRESETS)
    for name, rows in script.PUBLISHED.items():
        made = script.methods(script.PRESETS[name], 0)
        assert set(rows) - set(made) <= {"paper, count, mlp"}, name
