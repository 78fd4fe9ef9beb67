"""Personalised PageRank against dense solves, networkx and its own definition."""

from __future__ import annotations

import shutil
import warnings

import networkx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError
from torch import Tensor

from graphlab.embed import PPR, personalized_pagerank
from tests import _golden
from tests._data import test_data_root as data_root

RING = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 0]])


def dense(edges: Tensor, weight: Tensor, num_nodes: int, teleport: float, dangling: str) -> Tensor:
    """PageRank of every node by a linear solve in float64, one row a source."""
    matrix = torch.zeros(num_nodes, num_nodes, dtype=torch.float64)
    matrix.index_put_((edges[0], edges[1]), weight.double(), accumulate=True)
    degree = matrix.sum(dim=1)
    empty = degree == 0
    matrix = matrix / degree.clamp(min=1e-300).unsqueeze(1)
    matrix[empty] = 0
    rows = []
    for source in range(num_nodes):
        own = matrix.clone()
        restart = torch.zeros(num_nodes, dtype=torch.float64)
        restart[source] = 1
        if dangling == "self":
            own[empty, empty] = 1
        else:
            own[empty] = restart if dangling == "source" else 1 / num_nodes
        system = torch.eye(num_nodes, dtype=torch.float64) - (1 - teleport) * own.T
        rows.append(torch.linalg.solve(system, teleport * restart))
    return torch.stack(rows)


@pytest.mark.parametrize("name", _golden.cases("embed", "ppr_*"))
def test_golden(name: str) -> None:
    case = _golden.load("embed", name)
    edges = torch.stack([case["edge_row"], case["edge_col"]]).long()
    count = int(case["num_nodes"])
    found = personalized_pagerank(
        edges,
        torch.eye(count, dtype=torch.float64),
        edge_weight=case["edge_val"],
        teleport=float(case["teleport"]),
        tol=1e-15,
        dangling=case["dangling"],
    )
    torch.testing.assert_close(found.T, case["ppr"], rtol=0, atol=1e-12)


def test_golden_rows_of_cora(tmp_path) -> None:
    from torch_geometric.datasets import Planetoid

    case = _golden.load("retrieval", "ppr_cora_rows")
    shutil.copytree(data_root("planetoid", "Cora", "raw"), tmp_path / "Cora" / "raw")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the files of the data set are old
        data = Planetoid(str(tmp_path), "Cora")[0]
    edges, count = data.edge_index, data.num_nodes
    model = PPR(teleport=float(case["teleport"]), tol=1e-13).fit(edges, count)
    start = torch.zeros(count, case["sources"].numel(), dtype=torch.float64)
    start[case["sources"], torch.arange(case["sources"].numel())] = 1
    found = model.query(start)
    torch.testing.assert_close(
        found.T.gather(1, case["ppr_top_index"]), case["ppr_top_value"], rtol=0, atol=1e-10
    )
    torch.testing.assert_close(found.norm(dim=0), case["ppr_l2"], rtol=0, atol=1e-10)


@given(st.integers(0, 10_000), st.sampled_from(["source", "uniform", "self"]))
@settings(max_examples=25, deadline=None)
def test_equals_linear_solve(seed: int, dangling: str) -> None:
    generator = torch.Generator().manual_seed(seed)
    count = int(torch.randint(2, 12, (1,), generator=generator))
    edges = torch.randint(0, count, (2, 2 * count), generator=generator)
    weight = torch.rand(2 * count, generator=generator, dtype=torch.float64)
    weight[torch.rand(2 * count, generator=generator) < 0.2] = 0
    found = personalized_pagerank(
        edges,
        torch.eye(count, dtype=torch.float64),
        edge_weight=weight,
        tol=1e-14,
        dangling=dangling,  # type: ignore[arg-type]
    )
    torch.testing.assert_close(
        found.T, dense(edges, weight, count, 0.15, dangling), rtol=0, atol=1e-11
    )


def test_equals_networkx() -> None:
    graph = networkx.gnp_random_graph(40, 0.06, seed=3, directed=True)
    graph.add_node(40)
    start = {0: 1.0, 5: 3.0}
    expected = networkx.pagerank(
        graph, alpha=0.85, personalization=start, dangling=start, tol=1e-14, max_iter=1000
    )
    restart = torch.zeros(41, 1, dtype=torch.float64)
    restart[0], restart[5] = 1, 3
    found = personalized_pagerank(graph, restart, tol=1e-14).flatten()
    torch.testing.assert_close(
        found, torch.tensor([expected[v] for v in graph], dtype=torch.float64), rtol=0, atol=1e-11
    )


def test_gradient_with_respect_to_restart() -> None:
    restart = torch.rand(4, 2, dtype=torch.float64, requires_grad=True)
    edges = torch.tensor([[0, 1, 2, 0], [1, 2, 0, 3]])
    for dangling in ("source", "uniform", "self"):
        assert torch.autograd.gradcheck(
            lambda r, rule=dangling: personalized_pagerank(
                edges, r, steps=20, dangling=rule, teleport=0.3
            ),
            (restart,),
        )


def test_gradient_path_gives_the_values_of_the_other() -> None:
    restart = torch.rand(4, 3, dtype=torch.float64)
    plain = personalized_pagerank(RING, restart)
    torch.testing.assert_close(
        personalized_pagerank(RING, restart.requires_grad_()).detach(), plain, rtol=0, atol=1e-14
    )


def test_isolated_node_keeps_its_mass() -> None:
    assert PPR().fit(RING, num_nodes=6).query([5]).flatten().tolist() == [0, 0, 0, 0, 0, 1]


def test_batch_equals_single_queries() -> None:
    edges = torch.randint(0, 50, (2, 300), generator=torch.Generator().manual_seed(0))
    model = PPR().fit(edges, 50)
    together = model.query(torch.arange(50))
    for node in (0, 17, 49):
        torch.testing.assert_close(together[:, node : node + 1], model.query([node]))


def test_topk_takes_the_largest_and_breaks_ties_by_node() -> None:
    star = torch.tensor([[0, 0, 0, 0, 1, 2, 3, 4], [1, 2, 3, 4, 0, 0, 0, 0]])
    found = PPR().fit(star).query([0, 3], topk=3)
    assert found.shape == (2, 5)
    assert found.indptr.tolist() == [0, 3, 6]
    assert found.indices.tolist() == [0, 1, 2, 0, 1, 3]
    whole = PPR().fit(star).query([0, 3])
    torch.testing.assert_close(torch.tensor(found.data[3:]), whole[[0, 1, 3], 1])


def test_topk_leaves_out_nodes_that_are_not_reached() -> None:
    assert PPR().fit(RING, num_nodes=6).query([5], topk=4).indices.tolist() == [5]


def test_saved_and_loaded(tmp_path) -> None:
    edges = torch.tensor([[0, 1, 2, 0], [1, 2, 0, 3]])
    for dangling in ("source", "uniform", "self"):
        model = PPR(dangling=dangling).fit(edges, 5, torch.rand(4))
        model.save(tmp_path)
        other = PPR.load(tmp_path)
        assert torch.equal(other.query([0, 4]), model.query([0, 4]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"teleport": 0}, "teleport must lie strictly between 0 and 1, got 0"),
        ({"teleport": 1.0}, "teleport must lie strictly"),
        ({"teleport": "much"}, "teleport must be a number, got str"),
        ({"tol": 0.0}, "tol must lie strictly"),
        ({"tol": None}, "tol must be a number"),
        ({"teleport": 1e-6}, "teleport = 1e-06 needs .* steps"),
        ({"steps": 0}, "steps must be at least 1"),
        ({"steps": 10_001}, "steps must be at most 10000"),
        ({"dangling": "sink"}, "dangling must be one of"),
        ({"edge_weight": torch.tensor([1.0, 1, 1, -1])}, "edge_weight"),
        ({"edge_weight": torch.tensor([1.0, 1, 1, torch.nan])}, "edge_weight"),
        ({"edge_index": RING + 2}, "edge_index.* outside"),
        (
            {"restart": torch.zeros(4, 1)},
            "restart must have a positive sum per column, but column 0",
        ),
        ({"restart": torch.tensor([[1.0], [-0.5], [0], [0]])}, r"restart\[1, 0\] = -0.5"),
        ({"restart": torch.tensor([[1.0], [torch.inf], [0], [0]])}, "restart must be finite"),
        ({"restart": torch.ones(4)}, "restart must be 2-D"),
        ({"restart": torch.ones(4, 1, dtype=torch.long)}, "restart must be floating point"),
        ({"restart": torch.ones(5, 1), "num_nodes": 4}, "restart must have 4 rows"),
    ],
)
def test_bad_input(change: dict[str, object], message: str) -> None:
    arguments: dict[str, object] = {"edge_index": RING, "restart": torch.ones(4, 1)} | change
    with pytest.raises((TypeError, ValueError, IndexError), match=message):
        personalized_pagerank(arguments.pop("edge_index"), **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("queries", "message"),
    [
        (4, r"queries\[0\] = 4 is outside"),
        ([0, -1], r"queries\[1\] = -1 is outside"),
        ([0.5], "queries must be nodes"),
        ("zero", "queries must be nodes"),
        (None, "queries must be nodes"),
        (torch.ones(3, 1), "restart must have 4 rows"),
    ],
)
def test_bad_queries(queries: object, message: str) -> None:
    with pytest.raises((TypeError, ValueError, IndexError), match=message):
        PPR().fit(RING).query(queries)


def test_needs_a_fit() -> None:
    with pytest.raises(NotFittedError, match=r"PPR\.fit"):
        PPR().query([0])


def test_a_restart_of_whole_numbers_is_refused():
    edges = torch.tensor([[0, 1], [1, 0]])
    with pytest.raises(TypeError, match="restart must be float32 or float64, got torch.float16"):
        personalized_pagerank(edges, torch.ones(2, 1).half(), num_nodes=2)
