"""What the tests share: golden cases are found or said to be missing, the toy graph is one."""

from __future__ import annotations

import pytest
import torch
from torch_geometric.utils import is_undirected

from tests._golden import arrays, cases, load
from tests._graphs import PARTS, planted


def test_a_golden_case_is_tensors():
    case = load("pamc", "metrics")
    assert all(isinstance(value, torch.Tensor) for value in case.values())
    assert case["m0"].dtype == torch.float64 and not case["y0"].is_floating_point()
    narrow = load("pamc", "metrics", dtype=torch.float32)
    assert narrow["m0"].dtype == torch.float32 and narrow["y0"].dtype == case["y0"].dtype
    assert load("embed", "fastrp_karate_adj_norm0")["input_matrix"] == "adj"


def test_golden_cases_are_listed():
    assert cases("pamc", "pamc_random_*") == [f"pamc_random_{i}" for i in range(5)]
    with pytest.raises(FileNotFoundError, match="no golden case tests/golden/pamc/nothing"):
        cases("pamc", "nothing*")
    with pytest.raises(FileNotFoundError, match="no golden file"):
        arrays("pamc", "nothing")


@pytest.mark.parametrize("stray", [0.0, 0.3])
def test_groups_are_planted(stray):
    data = planted(90, stray=stray)
    row, col = data.edge_index
    inside = data.y[row] == data.y[col]
    assert is_undirected(data.edge_index) and not data.has_self_loops()
    assert data.is_coalesced() or data.coalesce().num_edges == data.num_edges
    assert bool(inside.all()) == (stray == 0)
    assert inside.float().mean() > 1 / 3
    assert (data.x[:, :3].argmax(1) == data.y).float().mean() > 0.7
    parts = torch.stack([data[f"{name}_mask"] for name in PARTS])
    assert parts.sum(0).eq(1).all() and parts.sum(1).eq(30).all()


def test_a_seed_gives_one_graph():
    one, same, other = planted(seed=1), planted(seed=1), planted(seed=2)
    assert torch.equal(one.x, same.x) and torch.equal(one.edge_index, same.edge_index)
    assert not torch.equal(one.x, other.x)
