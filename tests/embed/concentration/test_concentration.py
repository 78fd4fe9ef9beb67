"""Topological concentration: golden files, brute force, identities, bad input."""

from __future__ import annotations

import math
import warnings

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_geometric import EdgeIndex
from torch_geometric.data import Data

from graphlab.embed import (
    AddTopologicalConcentration,
    approx_topological_concentration,
    concentration_shift,
    topological_concentration,
    weighted_concentration,
)
from graphlab.ops import library
from tests._golden import arrays, cases

TC_FILES = cases("tc", "tc_*")
ATC_FILES = cases("tc", "atc_*")
WEIGHTED_FILES = cases("tc", "weighted_tc_*")
PARTS = ("train", "valid", "test")
TRIANGLE = torch.tensor([[0, 1, 1, 2, 2, 0], [1, 0, 2, 1, 0, 2]])


def both_ways(edges) -> torch.Tensor:
    """Edges given once each, in both directions."""
    index = torch.as_tensor(np.asarray(edges)).long().view(2, -1)
    return torch.cat([index, index.flip(0)], dim=1)


def problem(case):
    """Training edges, nodes, and the three sets of targets of a golden file."""
    targets = {part: both_ways(case[f"edge_{part}"]) for part in PARTS}
    return targets["train"], int(case["num_nodes"]), {**targets, "train": None}


def adjacency(index: torch.Tensor, num_nodes: int) -> torch.Tensor:
    out = torch.zeros(num_nodes, num_nodes, dtype=torch.float64)
    out[index[0], index[1]] = 1
    return out


def brute_force(train, num_nodes, targets, num_hops, beta, count="walk"):
    """Every pair of hops by itself, node by node, as in the definition."""
    a = adjacency(train, num_nodes)
    powers = [torch.linalg.matrix_power(a, k) for k in range(1, num_hops + 1)]
    t = a if targets is None else adjacency(targets, num_nodes)
    out = torch.zeros(num_nodes, dtype=torch.float64)
    for i in range(num_nodes):
        near = t[i].nonzero()[:, 0].tolist()
        if not near or a[i].sum() <= (1 if targets is None else 0):
            continue
        top = bottom = 0.0
        for k1, left in enumerate(powers):
            mine = left[i] if count == "walk" else (left[i] > 0).double()
            for k2, right in enumerate(powers):
                shared = sum(float((mine * (right[j] > 0)).sum()) for j in near) / len(near)
                own = 1 if targets is None and k1 == k2 == 0 else 0
                top += beta ** (k1 + k2) * shared
                bottom += beta ** (k1 + k2) * (float(mine.sum()) - own)
        out[i] = top / bottom
    return out


# --- golden files --------------------------------------------------------------------------------


@pytest.mark.parametrize("count", ["walk", "set"])
@pytest.mark.parametrize("name", TC_FILES)
def test_golden_concentration(name, count):
    case = arrays("tc", name)
    train, num_nodes, targets = problem(case)
    got = topological_concentration(
        train, num_nodes, targets=targets, num_hops=int(case["K"]), count=count
    )
    prefix = "tc" if count == "walk" else "tcset"
    for part in PARTS:
        assert got[part].dtype == torch.float64
        np.testing.assert_allclose(got[part], case[f"{prefix}_{part}"], rtol=1e-9, atol=1e-12)


def approximate(case, projection_matrix, phi):
    train, num_nodes, targets = problem(case)
    return approx_topological_concentration(
        train,
        num_nodes,
        targets=targets,
        num_hops=int(case["K"]),
        weights=case["alpha"].tolist(),
        phi=phi,
        projection_matrix=projection_matrix,
    )


@pytest.mark.parametrize("phi", ["dot", "cosine"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", ATC_FILES)
def test_golden_approximation_with_given_projection(name, dtype, phi):
    case = arrays("tc", name)
    got = approximate(case, torch.from_numpy(case["R"]).to(dtype), phi)
    key = "atc_dot" if phi == "dot" else "atc_cos"
    for part in PARTS:
        assert got[part].dtype == dtype
        np.testing.assert_allclose(got[part], case[f"{key}_{part}"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", [name for name in ATC_FILES if "small" in name])
def test_golden_limit_of_many_columns(name):
    # With the unit matrix for R, inner products are those of infinitely many columns.
    case = arrays("tc", name)
    got = approximate(case, torch.eye(int(case["num_nodes"]), dtype=torch.float64), "dot")
    for part in PARTS:
        want = case[f"atc_expected_dot_{part}"]
        np.testing.assert_allclose(got[part], want, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("weights", ["gcn", "sage", "random"])
@pytest.mark.parametrize("name", WEIGHTED_FILES)
def test_golden_weighted_concentration(name, weights):
    case = arrays("tc", name)
    _, num_nodes, targets = problem(case)
    edge_index = torch.from_numpy(case["edge_index"]).long()
    edge_weight = torch.from_numpy(case[f"weight_{weights}"])
    got = weighted_concentration(edge_index, edge_weight, num_nodes, targets=targets)
    for part in PARTS:
        # NaN where the authors' program divides 0 by 0.
        want = case[f"wtc_{weights}_{part}"]
        np.testing.assert_allclose(got[part], want, rtol=1e-5, atol=1e-6)


# --- definition and identities -------------------------------------------------------------------


@st.composite
def graphs(draw):
    nodes = draw(st.integers(2, 11))
    pairs = [(i, j) for i in range(nodes) for j in range(i)]
    train = draw(st.lists(st.sampled_from(pairs), min_size=1, max_size=25))
    rest = sorted(set(pairs) - set(train))
    other = draw(st.lists(st.sampled_from(rest), max_size=8)) if rest else []
    return nodes, both_ways(np.array(train).T), both_ways(np.array(other).reshape(-1, 2).T)


@given(graphs(), st.integers(1, 3), st.floats(0.1, 2.0), st.sampled_from(["walk", "set"]))
def test_is_the_sum_over_all_pairs_of_hops(graph, num_hops, beta, count):
    nodes, train, other = graph
    targets = {"own": None, "other": other}
    options = {"num_hops": num_hops, "beta": beta, "count": count}
    got = topological_concentration(train, nodes, targets=targets, **options)
    for name, edges in targets.items():
        want = brute_force(train, nodes, edges, **options)
        torch.testing.assert_close(got[name], want, rtol=1e-10, atol=1e-12)


def test_one_hop_is_the_clustering_coefficient():
    graph = nx.barabasi_albert_graph(300, 4, seed=1)
    edges = both_ways(np.array(graph.edges).T)
    want = [c for _, c in sorted(nx.clustering(graph).items())]
    for count in ("walk", "set"):
        got = topological_concentration(edges, 300, count=count)
        np.testing.assert_allclose(got, want, rtol=1e-12)


def test_triangle_and_path():
    assert topological_concentration(TRIANGLE).tolist() == [1.0, 1.0, 1.0]
    path = both_ways([[0, 1], [1, 2]])
    assert topological_concentration(path, fill=-1.0).tolist() == [-1.0, 0.0, -1.0]


def test_equal_weights_are_one_hop():
    graph = nx.watts_strogatz_graph(60, 6, 0.3, seed=2)
    edges = both_ways(np.array(graph.edges).T)
    other = both_ways(np.array(nx.complement(graph).edges).T[:, ::7])
    got = weighted_concentration(
        edges, torch.ones(edges.size(1)), 60, targets={"own": None, "other": other}, fill=0.0
    )
    plain = topological_concentration(edges, 60, targets={"own": None, "other": other})
    degree = torch.bincount(edges[0], minlength=60).double()
    torch.testing.assert_close(got["other"], plain["other"])
    torch.testing.assert_close(got["own"], plain["own"] * (degree - 1) / degree)


def test_unbiased_variant_is_exact_for_the_unit_matrix():
    graph = nx.watts_strogatz_graph(50, 6, 0.3, seed=3)
    edges = both_ways(np.array(graph.edges).T)
    got = approx_topological_concentration(
        edges, 50, num_hops=1, phi="dot", normalize="tc",
        projection_matrix=torch.eye(50, dtype=torch.float64),
    )  # fmt: skip
    torch.testing.assert_close(got, topological_concentration(edges, 50))


@pytest.mark.parametrize("weight", [0.5, 0.7, 2.0, -1.0])
def test_one_hop_has_no_use_for_its_weight(weight):
    edges = both_ways(np.array(nx.watts_strogatz_graph(50, 6, 0.3, seed=3).edges).T)
    got = approx_topological_concentration(
        edges, 50, weights=[weight], num_hops=1, phi="dot", normalize="tc",
        projection_matrix=torch.eye(50, dtype=torch.float64),
    )  # fmt: skip
    torch.testing.assert_close(got, topological_concentration(edges, 50))


def test_unbiased_variant_approaches_the_exact_value():
    graph = nx.watts_strogatz_graph(50, 6, 0.3, seed=3)
    edges = both_ways(np.array(graph.edges).T)
    options = {"num_hops": 1, "phi": "dot", "normalize": "tc", "seed": 5}
    exact = topological_concentration(edges, 50)
    errors = [
        (approx_topological_concentration(edges, 50, dim=dim, **options) - exact).abs().mean()
        for dim in (64, 4096)
    ]
    assert errors[1] < 0.05 < errors[0]


def test_seed_names_the_projection():
    first = approx_topological_concentration(TRIANGLE, seed=1, dim=16)
    assert torch.equal(first, approx_topological_concentration(TRIANGLE, seed=1, dim=16))
    assert not torch.equal(first, approx_topological_concentration(TRIANGLE, seed=2, dim=16))
    given = torch.eye(3)
    options = {"projection_matrix": given, "dim": 7}
    assert torch.equal(
        approx_topological_concentration(TRIANGLE, seed=1, **options),
        approx_topological_concentration(TRIANGLE, seed=2, **options),
    )


def test_duplicates_count_once_and_nodes_may_be_left_out():
    edges = both_ways(np.array(nx.karate_club_graph().edges).T)
    twice = torch.cat([edges, edges[:, ::3]], dim=1)
    for num_hops in (1, 2):
        want = topological_concentration(edges, num_hops=num_hops)
        assert torch.equal(topological_concentration(twice, num_hops=num_hops), want)
        nodes = torch.tensor([3, 0, 20])
        got = topological_concentration(edges, num_hops=num_hops, nodes=nodes, fill=math.nan)
        torch.testing.assert_close(got[nodes], want[nodes], rtol=1e-12, atol=0.0)
        assert got.isnan().sum() == 31


@pytest.mark.parametrize("count", ["walk", "set"])
@pytest.mark.parametrize("num_hops", [1, 2, 3])
def test_bits_do_not_depend_on_threads(num_hops, count, kernels):
    graph = nx.barabasi_albert_graph(400, 3, seed=5)
    edges = both_ways(np.array(graph.edges).T)
    threads = torch.get_num_threads()
    results = []
    try:
        for number in (1, 2, 3):
            torch.set_num_threads(number)
            results.append(topological_concentration(edges, num_hops=num_hops, count=count))
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(results[0], other) for other in results[1:])


def test_transform_adds_the_attribute():
    data = AddTopologicalConcentration()(Data(edge_index=TRIANGLE, num_nodes=4))
    assert data.tc.tolist() == [1.0, 1.0, 1.0, 0.0]
    data = Data(edge_index=TRIANGLE, x=torch.zeros(3, 2))
    assert AddTopologicalConcentration(attr_name=None)(data).x.tolist() == [[0.0, 0.0, 1.0]] * 3


def test_compiled_operators_are_used(kernels):
    assert (library.active_kernel("walk_overlap", "cpu") == "compiled") is kernels.compiled


# --- shift ---------------------------------------------------------------------------------------


def test_shift_leaves_out_what_is_undefined():
    before = torch.tensor([0.5, math.nan, 0.25, 1.0])
    after = torch.tensor([0.25, 0.5, 0.25, math.nan])
    shift = concentration_shift(before, after)
    assert (shift.mean, shift.wasserstein, shift.num_nodes) == (0.125, 0.125, 2)
    assert shift.difference.isnan().tolist() == [False, True, False, True]
    masked = concentration_shift(before, after, torch.tensor([True, False, False, False]))
    assert (masked.mean, masked.num_nodes) == (0.25, 1)
    nothing = concentration_shift(before, after, torch.zeros(4, dtype=torch.bool))
    assert math.isnan(nothing.mean) and nothing.num_nodes == 0


def test_shift_refuses_other_shapes():
    with pytest.raises(ValueError, match="one length, got 3 and 2"):
        concentration_shift(torch.zeros(3), torch.zeros(2))
    with pytest.raises(ValueError, match="mask must be bool"):
        concentration_shift(torch.zeros(3), torch.zeros(3), torch.zeros(3))
    with pytest.raises(ValueError, match="tc_test must be 1-D floating point"):
        concentration_shift(torch.zeros(3), torch.zeros(3, dtype=torch.int64))


@pytest.mark.parametrize("count", ["walk", "set"])
@pytest.mark.parametrize("num_hops", [1, 2])
def test_graphs_without_edges_are_all_isolated_nodes(num_hops, count):
    none = torch.empty(2, 0, dtype=torch.int64)
    options = {"num_hops": num_hops, "count": count}
    for nodes in (0, 4):
        tc = topological_concentration(none, nodes, fill=-1.0, **options)
        assert tc.tolist() == [-1.0] * nodes
        assert torch.equal(tc, topological_concentration(none, nodes, fill=-1.0, beta=2, **options))
        atc = approx_topological_concentration(none, nodes, num_hops=num_hops)
        assert atc.tolist() == [0.0] * nodes
    both = topological_concentration(none, 4, targets={"a": None, "b": TRIANGLE}, **options)
    assert both["a"].tolist() == both["b"].tolist() == [0.0] * 4
    some = [Data(edge_index=edges, num_nodes=3) for edges in (TRIANGLE, none)]
    add = AddTopologicalConcentration(num_hops, count=count)
    assert [add(data).tc.tolist() for data in some][1] == [0.0] * 3


# --- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize("function", [topological_concentration, approx_topological_concentration])
def test_graphs_that_do_not_fit_are_refused(function):
    with pytest.raises(ValueError, match=r"both directions, but has \(0, 1\) without \(1, 0\)"):
        function(torch.tensor([[0, 1, 2], [1, 2, 1]]))
    with pytest.raises(ValueError, match=r"no self-loops, but edge_index\[:, 1\] joins node 2"):
        function(torch.tensor([[0, 2, 1], [1, 2, 0]]))
    with pytest.raises(IndexError, match=r"edge_index\[0, 2\] = 1 is outside \[0, 1\)"):
        function(torch.tensor([[0, 0, 1], [0, 0, 0]]), 1)
    with pytest.raises(ValueError, match=r"targets\['test'\] must have no self-loops"):
        function(TRIANGLE, 4, targets={"test": torch.tensor([[3], [3]])})
    with pytest.raises(ValueError, match="targets must name at least one"):
        function(TRIANGLE, targets={})
    with pytest.raises(TypeError, match="edge_index must be"):
        function([[0, 1], [1, 0]])
    with pytest.warns(UserWarning, match="targets shares 1 edges with edge_index"):
        function(TRIANGLE, targets=TRIANGLE[:, :2])


def test_options_out_of_range_are_refused():
    with pytest.raises(ValueError, match="num_hops must be at least 1"):
        topological_concentration(TRIANGLE, num_hops=0)
    with pytest.raises(ValueError, match="beta must be positive"):
        topological_concentration(TRIANGLE, beta=-1.0)
    with pytest.raises(ValueError, match="count must be one of 'walk', 'set'"):
        topological_concentration(TRIANGLE, count="paths")
    with pytest.raises(IndexError, match=r"nodes\[0\] = 3"):
        topological_concentration(TRIANGLE, nodes=torch.tensor([3]))
    with pytest.raises(ValueError, match="exceed max_visits=5"):
        topological_concentration(TRIANGLE, num_hops=2, max_visits=5)
    assert topological_concentration(TRIANGLE, max_visits=100).tolist() == [1.0] * 3


def test_projection_that_does_not_fit_is_refused():
    approximate = approx_topological_concentration
    with pytest.raises(ValueError, match="projection_matrix must have 3 rows"):
        approximate(TRIANGLE, projection_matrix=torch.ones(4, 2))
    with pytest.raises(TypeError, match="float32 or float64, got torch.float16"):
        approximate(TRIANGLE, projection_matrix=torch.ones(3, 2).half())
    with pytest.raises(ValueError, match="projection_matrix must be finite"):
        approximate(TRIANGLE, projection_matrix=torch.full((3, 2), math.nan))
    with pytest.raises(ValueError, match="weights must hold num_hops=2 numbers, got 1"):
        approximate(TRIANGLE, weights=[1.0])
    with pytest.raises(ValueError, match="pass phi='dot'"):
        approximate(TRIANGLE, normalize="tc")
    with pytest.raises(ValueError, match="dim must be at least 1"):
        approximate(TRIANGLE, dim=0)


def test_weights_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"edge_weight must have shape \(6,\)"):
        weighted_concentration(TRIANGLE, torch.ones(5))
    with pytest.raises(ValueError, match="edge_weight must be non-negative"):
        weighted_concentration(TRIANGLE, -torch.ones(6))


def test_graphs_without_edges_are_defined_where_beta_is():
    empty = torch.empty(2, 0, dtype=torch.int64)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert topological_concentration(empty, 3, beta=0.5, fill=7.0).tolist() == [7.0] * 3
        assert topological_concentration(empty, 0, beta=0.5).shape == (0,)
        lonely = topological_concentration(TRIANGLE, 5, targets=torch.tensor([[3, 4], [4, 3]]))
    assert lonely.tolist() == [0.0] * 5


def test_nodes_with_nothing_but_a_self_loop_are_counted():
    edges = torch.cat([TRIANGLE, torch.tensor([[4], [4]])], dim=1)
    got = weighted_concentration(edges, torch.ones(7), fill=-1.0)
    assert torch.equal(got, weighted_concentration(edges, torch.ones(7), 5, fill=-1.0))
    assert got[3:].tolist() == [-1.0, -1.0]


def test_weighted_concentration_reads_the_size_of_edge_index():
    edges = EdgeIndex(TRIANGLE, sparse_size=(5, 5))
    assert weighted_concentration(edges, torch.ones(6)).numel() == 5


def test_weights_of_hops_are_finite():
    edges = torch.tensor([[0, 1], [1, 0]])
    with pytest.raises(ValueError, match=r"weights must be finite, got \[1.0, inf\]"):
        approx_topological_concentration(edges, 2, num_hops=2, weights=(1.0, math.inf))
