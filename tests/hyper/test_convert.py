"""Converters, with small stand-ins where a library is missing."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import networkx as nx
import pytest

from graphlab.hyper import (
    from_hypergraphx,
    from_networkx_bipartite,
    from_xgi,
    to_hypergraphx,
    to_networkx_bipartite,
    to_xgi,
)
from tests.hyper._cases import make, sets_of

DATA = make([(0, 1, 2), (0, 1, 2), (2, 3), ()], 5)


def same(a, b):
    assert sets_of(a) == sets_of(b)
    assert a._store["num_nodes"] == b._store["num_nodes"]


def test_networkx_round_trip():
    graph = to_networkx_bipartite(DATA)
    assert nx.is_bipartite(graph)
    back = from_networkx_bipartite(graph)
    same(back, DATA)
    assert back.node_id[4] == ("node", 4)


def test_davis_women():
    graph = nx.davis_southern_women_graph()
    data = from_networkx_bipartite(graph)
    assert (data._store["num_nodes"], data.num_hyperedges) == (18, 14)
    same(from_networkx_bipartite(graph, nodes=graph.graph["top"]), data)
    for edge, s in zip(data.hyperedge_id, sets_of(data), strict=True):
        assert {data.node_id[v] for v in s} == set(graph[edge])
    back = to_networkx_bipartite(data)
    assert ("node", "Evelyn Jefferson") in back


def test_networkx_errors():
    with pytest.raises(ValueError, match="bipartite = 0 or 1"):
        from_networkx_bipartite(nx.path_graph(3))
    with pytest.raises(ValueError, match="joins two vertices of one side"):
        from_networkx_bipartite(nx.path_graph(3), nodes=[0, 1])


class FakeEdges(dict):
    def members(self, edge):
        return set(self[edge])


class FakeXgi:
    def __init__(self):
        self.nodes, self.edges = [], FakeEdges()

    def add_nodes_from(self, nodes):
        self.nodes += nodes

    def add_edge(self, members, idx=None):
        self.edges[idx] = list(members)


class FakeHypergraphx:
    def __init__(self, weighted=False):
        self.weighted, self.nodes, self.edges = weighted, [], {}

    def add_nodes(self, nodes):
        self.nodes += nodes

    def add_edge(self, edge, weight=None):
        self.edges[tuple(edge)] = weight

    def get_nodes(self):
        return self.nodes

    def get_edges(self):
        return list(self.edges)

    def get_weight(self, edge):
        return self.edges[edge]

    def is_weighted(self):
        return self.weighted


def test_xgi_round_trip(monkeypatch):
    monkeypatch.setitem(sys.modules, "xgi", SimpleNamespace(Hypergraph=FakeXgi))
    back = from_xgi(to_xgi(DATA))
    same(back, DATA)
    assert back.hyperedge_id == [0, 1, 2, 3]


def test_real_xgi_round_trip():
    pytest.importorskip("xgi")
    data = make([(0, 1, 2), (0, 1, 2), (2, 3)], 5)
    same(from_xgi(to_xgi(data)), data)


def test_hypergraphx_counts_repeats(monkeypatch):
    module = SimpleNamespace(Hypergraph=FakeHypergraphx)
    monkeypatch.setitem(sys.modules, "hypergraphx", module)
    with pytest.warns(UserWarning, match="no empty hyperedges"):
        theirs = to_hypergraphx(DATA)
    back = from_hypergraphx(theirs)
    assert sets_of(back) == [(0, 1, 2), (2, 3)] and back._store["num_nodes"] == 5
    assert back.hyperedge_weight.tolist() == [2.0, 1.0]
    assert to_hypergraphx(make([(0, 1)], 2)).get_edges() == [(0, 1)]


def test_real_hypergraphx_round_trip():
    pytest.importorskip("hypergraphx")
    data = make([(0, 1, 2), (2, 3)], 5)
    same(from_hypergraphx(to_hypergraphx(data)), data)


@pytest.mark.parametrize(("convert", "name"), [(to_xgi, "xgi"), (to_hypergraphx, "hypergraphx")])
def test_missing_libraries_are_named(monkeypatch, convert, name):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=f"needs {name}"):
        convert(DATA)


def test_wrong_types_and_ids():
    with pytest.raises(TypeError, match=r"xgi\.Hypergraph"):
        from_xgi(3)
    with pytest.raises(TypeError, match=r"hypergraphx\.Hypergraph"):
        from_hypergraphx(3)
    data = make([(0, 1)], 2)
    data.node_id = ["a"]
    with pytest.raises(ValueError, match="node_id must have 2 entries"):
        to_networkx_bipartite(data)


@pytest.mark.parametrize("kind", [nx.Graph, nx.DiGraph, nx.MultiGraph, nx.MultiDiGraph])
def test_directions_and_parallel_edges_of_networkx_do_not_count(kind):
    graph = kind()
    graph.add_nodes_from([0, 1, 2], bipartite=0)
    graph.add_nodes_from("ef", bipartite=1)
    graph.add_edges_from([(0, "e"), ("e", 1), (0, "e"), (2, "f")])
    assert sets_of(from_networkx_bipartite(graph)) == [(0, 1), (2,)]
