"""Edges and their weights: what is demanded of them, and what is said of anything else."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy
import pandas
import pytest
import torch
from torch_geometric.data import Data, HeteroData
from torch_geometric.data.hypergraph_data import HyperGraphData

from graphlab._checks import (
    check_edge_index,
    check_edge_weight,
    check_message_edges,
    trusted_values,
)
from graphlab._checks.graph_kinds import check_simple_graph, refuse_ids, refuse_no_edges

PATH = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
TWICE = PATH[:, [0, 1, 0, 2, 3]]
LOOP = torch.tensor([[0, 1], [0, 1]])
ONE_WAY = PATH[:, [0, 2, 3]]


@pytest.mark.parametrize("edges", [PATH, PATH.flip(1), PATH[:, :0]])
def test_simple_graphs_pass_every_demand(edges):
    out = check_edge_index(edges.int(), 3, loops=False, duplicates=False, symmetric=True)
    assert torch.equal(out, edges)


@pytest.mark.parametrize("edges", [TWICE, LOOP, ONE_WAY])
def test_nothing_is_demanded_unasked(edges):
    assert torch.equal(check_edge_index(edges, 3), edges)


def test_repeats_do_not_hurt_symmetry():
    assert torch.equal(check_edge_index(TWICE, 3, symmetric=True), TWICE)


@pytest.mark.parametrize(
    ("edges", "demands", "message"),
    [
        (LOOP, {"loops": False}, r"views\[1\] must have no self-loops, but views\[1\]\[:, 0\] "),
        (TWICE, {"duplicates": False}, r"no duplicates, but has \(0, 1\) more than once"),
        (ONE_WAY, {"symmetric": True}, r"has \(0, 1\) without \(1, 0\): use .*to_undirected$"),
        (
            ONE_WAY.flip(0),
            {"symmetric": True, "unless": "directed=True"},
            r"has \(1, 0\) without \(0, 1\).* or directed=True$",
        ),
    ],
)
def test_what_is_demanded_is_checked(edges, demands, message):
    with pytest.raises(ValueError, match=message):
        check_edge_index(edges, 3, "views[1]", **demands)


def refused(call: Callable[[], Any], words: str, kind: type[Exception] = ValueError) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == words


# --- shapes, types, ranges ------------------------------------------------------------------------


def test_edges_are_int64_afterwards():
    for dtype in (torch.int32, torch.int64):
        out = check_edge_index(PATH.to(dtype), 3)
        assert out.dtype == torch.int64 and torch.equal(out, PATH)


@pytest.mark.parametrize(
    ("shape", "hint"),
    [
        ((3, 2), " (transpose it?)"),
        ((2,), ""),
        ((3, 3), ""),
        ((1, 2, 2), ""),
        ((3, 2, 1), ""),
        ((4, 1), ""),
    ],
)
def test_other_shapes(shape, hint):
    edges = torch.zeros(shape, dtype=torch.long)
    words = f"e must have shape (2, E), got {shape}{hint}"
    refused(lambda: check_edge_index(edges, 3, "e"), words)


@pytest.mark.parametrize(
    ("shape", "square"),
    [((3, 3), True), ((1, 1), True), ((2, 2), False), ((2, 3), False), ((3,), False)],
)
def test_a_matrix_of_adjacencies_is_told_from_edges(shape, square):
    with pytest.raises(TypeError, match="^e must be int64 or int32, got dtype torch.float32") as c:
        check_edge_index(torch.zeros(shape), 3, "e")
    assert str(c.value).endswith("dense_to_sparse reads adjacency matrices") == square


def test_the_range_is_checked_unless_somebody_else_does():
    far = torch.tensor([[0], [3]])
    with pytest.raises(IndexError, match=r"^edge_index\[1, 0\] = 3 is outside \[0, 3\)$"):
        check_edge_index(far, 3)
    with pytest.raises(IndexError, match="= 6 is outside .*: map ids to 0, ..., N - 1"):
        check_edge_index(far * 2, 3)
    assert torch.equal(check_edge_index(far, 3, values=False), far)
    demands = {"loops": False, "duplicates": False, "symmetric": True}
    for edges in (LOOP, TWICE, ONE_WAY):
        assert torch.equal(check_edge_index(edges, 3, values=False, **demands), edges)
        with trusted_values():
            assert torch.equal(check_edge_index(edges, 3, **demands), edges)


def test_edges_are_named_by_their_nodes():
    """Products of another number than that of the nodes would name others."""
    twice = torch.tensor([[4, 2, 0, 2], [0, 3, 1, 3]])
    with pytest.raises(ValueError, match=r"has \(2, 3\) more than once"):
        check_edge_index(twice, 5, duplicates=False)
    loops = torch.tensor([[1, 3, 3, 0], [0, 3, 3, 0]])
    with pytest.raises(ValueError, match=r"\[:, 1\] joins node 3 with itself"):
        check_edge_index(loops, 5, loops=False)
    one_way = torch.tensor([[4, 0, 3], [0, 4, 2]])
    with pytest.raises(ValueError, match=r"has \(3, 2\) without \(2, 3\)"):
        check_edge_index(one_way, 5, symmetric=True)
    with pytest.raises(ValueError, match="more than once"):
        check_edge_index(TWICE, 3, symmetric=True, duplicates=False)


def test_edges_of_messages_may_be_a_sparse_matrix():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sparse = torch.eye(3).to_sparse_csr()
    for given in (PATH, sparse, SimpleNamespace(sparse_sizes=lambda: (3, 3))):
        check_message_edges(given, 3)
    with pytest.raises(IndexError, match="^edge_index"):
        check_message_edges(PATH, 2)
    with pytest.raises(TypeError, match="^e must be a torch.Tensor of shape"):
        check_message_edges([[0], [1]], 3, "e")


# --- weights --------------------------------------------------------------------------------------


@pytest.mark.parametrize("default", [torch.float32, torch.float64])
def test_whole_numbers_and_truth_values_weigh(default):
    before = torch.get_default_dtype()
    torch.set_default_dtype(default)
    try:
        for given in (torch.tensor([1, 0]), torch.tensor([True, False])):
            found = check_edge_weight(given, 2)
            assert found.dtype == default and found.tolist() == [1, 0]
    finally:
        torch.set_default_dtype(before)
    half = torch.ones(2, dtype=torch.float16)
    assert check_edge_weight(half, 2) is half


def test_weights_that_are_none():
    one = torch.ones(2)
    words = "w must have shape (3,), one weight per edge, got (2,)"
    refused(lambda: check_edge_weight(one, 3, "w"), words)
    words = "edge_weight must have shape (2,), one weight per edge, got (2, 1)"
    refused(lambda: check_edge_weight(one[:, None], 2), words)
    words = "w must be real, got dtype torch.complex64"
    refused(lambda: check_edge_weight(one.to(torch.complex64), 2, "w"), words, TypeError)
    nan, negative = torch.tensor([1.0, math.nan]), torch.tensor([1.0, -1.0])
    refused(lambda: check_edge_weight(nan, 2, "w"), "w must be finite, but w[(1,)] = nan")
    words = "w must be non-negative, but w[1] = -1.0"
    refused(lambda: check_edge_weight(negative, 2, "w"), words)
    assert check_edge_weight(negative, 2, nonnegative=False) is negative
    refused(
        lambda: check_edge_weight(nan, 2, "w", nonnegative=False),
        "w must be finite, but w[(1,)] = nan",
    )
    with trusted_values():
        assert check_edge_weight(negative, 2) is negative and check_edge_weight(nan, 2) is nan


# --- numbers of nodes and what is no graph --------------------------------------------------------


@pytest.mark.parametrize(
    ("ends", "most"), [(0, 2**20), (2**16, 2**20), (2**20, 10 * 2**20), (2**31, 2**31 - 1)]
)
def test_a_largest_number_that_looks_like_an_id(ends, most):
    assert refuse_ids(most, ends) == most
    with pytest.raises(ValueError, match=f"^e must .* its {ends} entries go up to {most}, which"):
        refuse_ids(most + 1, ends, "e")


class Table:
    """By its name alone, such as those of libraries that are not imported."""


WAYS: list[tuple[Any, str, str]] = [
    (Data(), "Data", "pass data.edge_index"),
    (pandas.DataFrame(), "DataFrame", "read_edge_list reads tables"),
    (Table(), "Table", "read_edge_list reads tables"),
    ("edges.csv", "str", "read_edge_list reads tables"),
    (Path("edges.csv"), "PosixPath", "read_edge_list reads tables"),
    ((PATH, None), "tuple", "pass edge_index and edge_weight as two arguments"),
    (([0], [1]), "tuple", "torch.as_tensor makes one"),
    ((), "tuple", "torch.as_tensor makes one"),
    ([[0], [1]], "list", "torch.as_tensor makes one"),
    (numpy.zeros((2, 1)), "ndarray", "torch.as_tensor makes one"),
    (3, "int", "torch_geometric.utils has to_edge_index"),
    (None, "NoneType", "torch_geometric.utils has to_edge_index"),
    (torch.eye(2).to_sparse(), "torch.sparse_coo", "torch_geometric.utils has to_edge_index"),
]


@pytest.mark.parametrize(
    ("given", "kind", "way"), WAYS, ids=[f"{k} {i}" for i, (_, k, _) in enumerate(WAYS)]
)
def test_the_way_from_what_people_have(given, kind, way):
    with pytest.raises(TypeError) as caught:
        refuse_no_edges(given, "e")
    start, _, rest = str(caught.value).partition(": ")
    assert start == f"e must be a torch.Tensor of shape (2, E), got {kind}"
    assert way in rest


def test_graphs_of_several_types_and_hypergraphs_are_no_simple_ones():
    assert "Data" in check_simple_graph(Data(), "g")
    with pytest.raises(TypeError, match=r"^g must have one type of nodes: use HeteroData.to_homog"):
        check_simple_graph(HeteroData(), "g")
    with pytest.raises(TypeError, match=r"^g must be a graph: use graphlab.hyper.project"):
        check_simple_graph(HyperGraphData(), "g")
