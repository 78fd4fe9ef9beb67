"""Maximal cliques: golden, brute force, every backend, limits."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlab.hyper import (
    CliqueCover,
    CliqueSampler,
    MaxCliqueBaseline,
    cliques,
    from_hyperedges,
    jaccard,
    maximal_cliques,
    project,
    rho,
    to_hyperedges,
)
from graphlab.ops.library import active_kernel
from tests.hyper._cases import NAMES, brute_cliques, hypergraph, load

BACKENDS = ["auto", "compiled", "networkx", "reference", "networkit", "igraph"]


def need(backend):
    if backend == "compiled" and active_kernel("maximal_cliques", "cpu") != "compiled":
        pytest.skip("needs the compiled kernels")
    if backend in ("networkit", "igraph"):
        pytest.importorskip(backend)


def turan(parts: int) -> torch.Tensor:
    """Complement of disjoint triangles: 3^parts maximal cliques."""
    u, v = torch.cartesian_prod(torch.arange(3 * parts), torch.arange(3 * parts)).t()
    return torch.stack([u, v])[:, u // 3 != v // 3]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", NAMES)
def test_golden(name, backend):
    need(backend)
    for split in ("train", "test"):
        data = hypergraph(name, split)
        listed = maximal_cliques(project(data), data._store["num_nodes"], backend=backend)
        assert np.array_equal(listed.ptr, load(name)[f"{split}_maxclique_ptr"])
        assert np.array_equal(listed.idx, load(name)[f"{split}_maxclique_idx"])


@given(st.integers(0, 9), st.floats(0.1, 0.95), st.integers(0, 10**6))
def test_brute_force(nodes, density, seed):
    chosen = np.triu(np.random.default_rng(seed).random((nodes, nodes)) < density, 1)
    edges = torch.from_numpy(np.stack(np.nonzero(chosen | chosen.T)))
    want = brute_cliques(edges, nodes)
    for backend in ("auto", "networkx", "reference"):
        assert maximal_cliques(edges, nodes, backend=backend).to_list() == want


@pytest.mark.parametrize("backend", ["auto", "reference"])
def test_worst_case_and_many_words(backend):
    assert len(maximal_cliques(turan(6), 18, backend=backend)) == 3**6
    # A hub with 300 neighbours, among them a clique of 130: several words of bits.
    u, v = torch.combinations(torch.arange(130)).t()
    spokes = torch.stack([torch.zeros(300).long(), torch.arange(1, 301)])
    half = torch.cat([torch.stack([u, v]), spokes], dim=1)
    listed = maximal_cliques(torch.cat([half, half.flip(0)], 1), 302, backend=backend).to_list()
    assert len(listed) == 1 + 171 + 1 and max(len(c) for c in listed) == 130
    assert listed[-1] == (301,)


@pytest.mark.parametrize("backend", BACKENDS[:4])
def test_limits_raise(backend):
    need(backend)
    edges = turan(6)
    assert len(maximal_cliques(edges, 18, max_cliques=729, backend=backend)) == 729
    with pytest.raises(ValueError, match="max_cliques = 728"):
        maximal_cliques(edges, 18, max_cliques=728, backend=backend)
    with pytest.raises(ValueError, match="time_limit"):
        maximal_cliques(turan(11), 33, time_limit=1e-3, backend=backend)


def test_threads_do_not_matter():
    edges, before = turan(7), torch.get_num_threads()
    try:
        results = []
        for count in (1, 3):
            torch.set_num_threads(count)
            results.append(maximal_cliques(edges, 21))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(results[0].idx, results[1].idx)


@pytest.mark.parametrize(
    ("edges", "error", "match"),
    [
        ([[0], [0]], ValueError, "no self-loops.* joins node 0"),
        ([[0], [1]], ValueError, r"both directions, but has \(0, 1\) without \(1, 0\)"),
        ([[0, 5], [5, 0]], IndexError, "outside"),
    ],
)
def test_malformed_graph(edges, error, match):
    with pytest.raises(error, match=match):
        maximal_cliques(torch.tensor(edges), 3)


def test_repeated_edges_do_not_matter():
    edges = torch.tensor([[0, 1, 0, 1], [1, 0, 1, 0]])
    assert maximal_cliques(edges, 2).to_list() == [(0, 1)]


def test_unknown_and_missing_backends(monkeypatch):
    monkeypatch.setattr(cliques, "active_kernel", lambda name, device: "pure")
    with pytest.raises(ImportError, match="backend='compiled' needs graphlab-cuda-ops"):
        maximal_cliques(turan(1), 3, backend="compiled")
    with pytest.raises(ValueError, match="backend must be one of"):
        maximal_cliques(turan(1), 3, backend="magic")
    for name, hint in (("networkit", r"graphlab\[hyper\]"), ("igraph", "install igraph")):
        monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(ImportError, match=hint):
            maximal_cliques(turan(1), 3, backend=name)


def test_libraries_are_called_as_they_document(monkeypatch):
    class Graph:
        def __init__(self, n, edges=()):
            self.n, self.edges = n, list(edges)

        def addEdge(self, u, v):
            self.edges.append([u, v])

        def maximal_cliques(self):
            return [(2,), (1, 0)]

    class Search:
        def __init__(self, graph):
            self.graph = graph

        def run(self):
            self.done = True

        def getCliques(self):
            return self.graph.maximal_cliques() if self.done else None

    clique = SimpleNamespace(MaximalCliques=Search)
    monkeypatch.setitem(sys.modules, "igraph", SimpleNamespace(Graph=Graph))
    monkeypatch.setitem(sys.modules, "networkit", SimpleNamespace(Graph=Graph, clique=clique))
    edges = torch.tensor([[0, 1], [1, 0]])
    for name in ("igraph", "networkit"):
        assert maximal_cliques(edges, 3, backend=name).to_list() == [(0, 1), (2,)]


@pytest.mark.parametrize("installed", ["networkit", "igraph", None])
def test_without_kernels_the_first_installed_library_lists(monkeypatch, installed):
    monkeypatch.setattr(cliques, "active_kernel", lambda name, device: "pure")
    monkeypatch.setattr(cliques, "find_spec", lambda name: name == installed)
    assert cliques._first_installed() == (installed or "networkx")
    if installed is None:
        assert maximal_cliques(turan(2), 6).to_list() == brute_cliques(turan(2), 6)


@pytest.mark.parametrize("backend", ["auto", "compiled", "networkx", "reference"])
def test_memory_is_limited_unless_told_otherwise(backend):
    need(backend)
    dense = turan(7)
    with pytest.raises(
        ValueError, match="more than 625 maximal cliques.*max_memory = 100000 bytes"
    ):
        maximal_cliques(dense, 21, max_memory=1e5, backend=backend)
    for limits in (
        {"max_memory": None},
        {"max_memory": 1e6},
        {"max_cliques": 3**7, "max_memory": 1},
    ):
        assert len(maximal_cliques(dense, 21, **limits, backend=backend)) == 3**7
    with pytest.raises(ValueError, match="max_memory must be positive"):
        maximal_cliques(dense, 21, max_memory=0)


def test_every_caller_is_limited(monkeypatch):
    from graphlab.hyper import HypergraphReconstructor, MaxCliqueBaseline, cliques, projection_loss

    monkeypatch.setitem(cliques.maximal_cliques.__kwdefaults__, "max_memory", 1e4)
    dense = turan(6)
    pairs = torch.unique(dense.sort(dim=0).values, dim=1)
    source = torch.stack([pairs.t().reshape(-1), torch.arange(pairs.size(1)).repeat_interleave(2)])
    model = HypergraphReconstructor(beta=5, classifier="lr", preset="paper")
    for call in (
        lambda: model.fit(source, 18),
        lambda: MaxCliqueBaseline().predict(dense, 18),
        lambda: projection_loss(source, 18),
    ):
        with pytest.raises(ValueError, match=r"max_memory = 10000 bytes.*max_cliques="):
            call()
    assert model.fit(source, 18, max_cliques=1000).recipe_.source_cliques == 3**6
    with pytest.raises(ValueError, match="more maximal cliques than max_cliques = 10"):
        model.fit(source, 18, max_cliques=10)


def test_edges_without_a_number_of_nodes_have_the_largest_and_one():
    edges = torch.tensor([[0, 1, 1, 3], [1, 0, 3, 1]])
    cliques = maximal_cliques(edges)
    assert cliques.to_list() == [(0, 1), (1, 3), (2,)] and cliques.num_nodes == 4
    assert CliqueCover().predict(edges).num_nodes == 4
    assert MaxCliqueBaseline().predict(edges).num_nodes == 4
    assert len(maximal_cliques(torch.zeros(2, 0, dtype=torch.int64))) == 0
    with pytest.raises(ValueError, match="num_nodes"):
        maximal_cliques(torch.tensor([[2**30, 2**30 + 1], [2**30 + 1, 2**30]]))


@pytest.mark.parametrize("backend", ["reference", "networkx", "auto"])
def test_cliques_keep_the_names_and_are_a_hypergraph(backend):
    graph = nx.Graph([("b", "a"), ("c", "b")])
    graph.add_node("d")
    cliques = maximal_cliques(graph, backend=backend)
    assert cliques.node_id == ["b", "a", "c", "d"] and cliques.num_nodes == 4
    teams = from_hyperedges([{"a", "b"}, {"b", "c"}, {"d"}])
    assert to_hyperedges(cliques) == [{"a", "b"}, {"b", "c"}, {"d"}]
    assert jaccard(cliques, teams) == jaccard(teams, cliques) == 1.0
    assert cliques.to_hypergraph().node_id == ["b", "a", "c", "d"]
    assert torch.equal(project(cliques), project(cliques.to_hypergraph()))
    edges = torch.tensor([[0, 1], [1, 0]])
    assert to_hyperedges(maximal_cliques(edges, 3)) == [{0, 1}, {2}]
    assert maximal_cliques(edges, 3).to_hypergraph(5).num_nodes == 5
    named = maximal_cliques(edges, 3).to_hypergraph(node_id="xyz")
    assert to_hyperedges(named) == [{"x", "y"}, {"z"}]
    with pytest.raises(ValueError, match="node_id must name the 5 nodes, got 4 names"):
        cliques.to_hypergraph(5)


def test_candidates_keep_the_names_of_their_cliques():
    source = from_hyperedges([{"a", "b", "c"}, {"a", "b"}, {"c", "d"}])
    graph = nx.Graph([("b", "a"), ("c", "b"), ("a", "c")])
    candidates = CliqueSampler(beta=20).fit(source).sample(maximal_cliques(graph))
    assert candidates.num_nodes == 3 and {"a", "b", "c"} in to_hyperedges(candidates)


def test_rho_lists_the_cliques_that_are_not_given():
    teams = [{0, 1, 2}, {0, 1}]
    cliques = maximal_cliques(project(teams), 3)
    given, listed = rho(teams, cliques=cliques), rho(teams)
    assert torch.equal(given.dense(), listed.dense()) and given.hits.tolist() == [1, 1]
