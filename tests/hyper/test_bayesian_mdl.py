"""The wrapper of graph-tool, with a stand-in where graph-tool is missing."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
import torch

from graphlab.hyper import BayesianMDL, project
from tests.hyper._cases import make, sets_of


class FakeGraph:
    def __init__(self, directed):
        self.edges = []

    def add_vertex(self, count):
        self.count = count

    def add_edge_list(self, edges):
        self.edges = edges


class FakeState:
    def __init__(self, graph):
        self.f = SimpleNamespace(vertices=lambda: iter(range(4)))
        self.is_fac = [False, True, False, False]
        self.c = [[2, 0, 1], None, [2, 3], [0, 1]]
        self.x = [1, 5, 2, 0]

    def mcmc_sweep(self, niter):
        self.niter = niter


def test_occupied_cliques_are_returned(monkeypatch):
    inference = SimpleNamespace(CliqueState=FakeState)
    module = SimpleNamespace(Graph=FakeGraph, seed_rng=lambda seed: None, inference=inference)
    monkeypatch.setitem(sys.modules, "graph_tool", module)
    monkeypatch.setitem(sys.modules, "graph_tool.inference", inference)
    edges = project(make([(0, 1, 2), (2, 3)], 4))
    assert sets_of(BayesianMDL().fit().predict(edges, 4)) == [(0, 1, 2), (2, 3)]


def test_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "graph_tool", None)
    with pytest.raises(ImportError, match="python3-graph-tool"):
        BayesianMDL().predict(torch.tensor([[0, 1], [1, 0]]), 2)
