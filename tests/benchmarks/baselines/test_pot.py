"""The dense yardstick computes what the authors' code computed."""

from __future__ import annotations

import pytest
import torch

from benchmarks.baselines.pot import DenseGraph, dense_compactness
from tests._golden import load


@pytest.mark.parametrize("case", ["pot_small_relu", "pot_small_prelu_iso"])
@pytest.mark.parametrize("view", [1, 2])
def test_dense_score(case, view):
    data = load("pot", case)
    edges, drawn = data["edge_index"], data[f"edge_index_{view}"].long()
    rate = float(data["drop_rate"][view - 1])
    graph = DenseGraph.build(edges, drawn, data["x"].size(0), rate)
    layers = [(data["W1"], data["b1"]), (data["W2"], data["b2"])]
    score = dense_compactness(data["x"], graph, layers, data[f"z{3 - view}"], float(data["alpha"]))
    found = score[data["node_list"]]  # scores are stored in the order of this list
    torch.testing.assert_close(found, data[f"score_{view}"], rtol=1e-4, atol=1e-5)
