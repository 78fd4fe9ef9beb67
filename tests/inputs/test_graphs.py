"""Every public function that takes a graph, given every kind of graph that people have.

What is right gives what the plain edges give; what is wrong ends in an error that names the
argument, never in a bare IndexError, an AttributeError, or numbers that are none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import pytest
import torch
from torch import Tensor
from torch_geometric.data import Data, HeteroData

from tests._rows import rows
from tests.inputs._edge_calls import EDGE_CALLS, GRAPH_CALLS
from tests.inputs._object_calls import (
    DATA_CALLS,
    ELSEWHERE,
    HYPERGRAPH_CALLS,
    OBJECT_CALLS,
    hypergraph,
)
from tests.inputs._public import takers
from tests.test_inputs import EDGE_INDICES, ENDS, GRAPHS, HYPEREDGES, NODES, PLAIN, toy_data

NAMED = re.compile(
    r"\b(edge_index|graph|data|hypergraph|hyperedge_index|positives|num_nodes|edge_weight|x)\b"
)


def test_every_public_function_of_a_graph_is_here() -> None:
    known = (EDGE_CALLS, GRAPH_CALLS, DATA_CALLS, HYPERGRAPH_CALLS, OBJECT_CALLS, ELSEWHERE)
    listed = {name for calls in known for name in calls}
    assert listed == set(takers("graph"))
    assert set(ELSEWHERE.values()) < listed


def values(found: Any) -> list[Any]:
    """The tensors and other values of a result."""
    return list(found) if isinstance(found, (tuple, list)) else [found]


def assert_equal(found: Any, expected: Any) -> None:
    ours, theirs = values(found), values(expected)
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        if isinstance(one, Tensor):
            torch.testing.assert_close(one, other, equal_nan=True, check_dtype=False)
        else:
            assert one == other


#: Edges in another type: the same result.
SAME_EDGES: dict[str, Callable[[], tuple[Tensor, Tensor]]] = {
    **{f"EdgeIndex {kind}": make for kind, make in EDGE_INDICES.items()},
    "int32": lambda: (PLAIN.int(), PLAIN),
    "not contiguous": lambda: (torch.stack([PLAIN, PLAIN], dim=2)[..., 0], PLAIN),
}


#: These compare with the very edges they were made from, or are told of nodes by them.
FIXED_ORDER = ("CentralityDropEdge.expected_budget", "CentralityDropEdge.keep", "TCReweight.update")


@pytest.mark.parametrize("name", EDGE_CALLS)
def test_same_edges_give_the_same(name: str) -> None:
    expected: dict[bytes, Any] = {}  # the plain edges come in three orders
    with rows() as table:
        for row, make in SAME_EDGES.items():
            given, plain = make()
            if name in FIXED_ORDER and not torch.equal(plain, PLAIN):
                continue
            with table.row(row):
                order = plain.numpy().tobytes()
                if order not in expected:
                    expected[order] = EDGE_CALLS[name](plain.clone())
                assert_equal(EDGE_CALLS[name](given), expected[order])


def changed(column: int, value: int) -> Tensor:
    edges = PLAIN.clone()
    edges[0, column] = value
    return edges


#: What is no list of edges between NODES nodes.
BAD_EDGES: dict[str, Callable[[], Any]] = {
    "floating point": lambda: PLAIN.float(),
    "floating point with NaN": lambda: PLAIN.double() + float("nan"),
    "complex": lambda: PLAIN.to(torch.complex64),
    "raw ids": lambda: PLAIN + 2**40,
    "one beyond": lambda: changed(3, NODES),
    "negative": lambda: changed(3, -1),
    "three rows": lambda: torch.cat([PLAIN, PLAIN[:1]]),
    "transposed": lambda: PLAIN.t(),
    "one dimension": lambda: PLAIN[0],
    "a list": lambda: PLAIN.tolist(),
    "an array": lambda: PLAIN.numpy(),
    "None": lambda: None,
    "a word": lambda: "edges",
    "HeteroData": HeteroData,
}

#: Wrong for those that take nothing but edges.
BAD_FOR_EDGES = BAD_EDGES | {
    kind: GRAPHS[kind] for kind in ("Data", "torch COO", "torch CSR", "scipy COO", "networkx")
}

#: What is right although it looks wrong, by function and row; with the reason.
NO_VALUES = "it only chooses among the edges"
MATRIX = "an encoder of PyG takes a sparse matrix"
ALLOWED = {
    **{
        (name, row): NO_VALUES
        for name in ("DropEdge.keep", "EdgeDrop.__call__", "S2GAE.mask")
        for row in ("raw ids", "one beyond", "negative")
    },
    ("EdgeDrop.__call__", "Data"): "it is a transform",
    ("CentralityDropEdge.expected_budget", "None"): "optional",
    ("TextGraph.__init__", "None"): "optional",
    ("FastRP.transform", "None"): "optional",
    **{
        (name, row): MATRIX
        for name in (
            "BGRL.target",
            "EmbeddingModel.embed",
            "EmbeddingModel.forward",
            "RevGAT.forward",
            "S2GAE.forward",
            "S2GAE.levels",
            "TwoViewModel.embed",
            "TwoViewModel.forward",
        )
        for row in ("torch COO", "torch CSR")
    },
    # A single pass of a network: what is in range is the affair of its layers.
    **{
        (name, row): "no look at values in every pass of a network"
        for name in (
            "BGRL.target",
            "EmbeddingModel.forward",
            "GraphMAE.loss",
            "GraphCLIP.forward",
            "GraphCLIPEncoder.forward",
            "RevGAT.forward",
            "S2GAE.forward",
            "S2GAE.levels",
            "S2GAE.loss",
            "TwoViewModel.forward",
            "TwoViewModel.views",
        )
        for row in ("raw ids", "one beyond", "negative")
    },
}


def call(name: str, given: Any) -> Any:
    return EDGE_CALLS[name](given) if name in EDGE_CALLS else GRAPH_CALLS[name](given, NODES)


@pytest.mark.parametrize("name", [*EDGE_CALLS, *GRAPH_CALLS])
def test_wrong_edges_are_refused_by_name(name: str) -> None:
    with rows() as table:
        for row, make in (BAD_FOR_EDGES if name in EDGE_CALLS else BAD_EDGES).items():
            if (name, row) in ALLOWED:
                continue
            with table.row(row), pytest.raises((TypeError, ValueError, IndexError), match=NAMED):
                call(name, make())


@pytest.mark.parametrize("name", GRAPH_CALLS)
def test_every_kind_of_graph_gives_what_its_edges_give(name: str) -> None:
    expected = GRAPH_CALLS[name](PLAIN, NODES)
    with rows() as table:
        for row, make in GRAPHS.items():
            if row == "scipy CSR of bool" and name == "Marioh.predict":
                continue  # weights of a multiplicity are whole numbers
            with table.row(row):
                try:
                    found = GRAPH_CALLS[name](make(), None)
                except ValueError as error:  # without weights, or with two statements of them
                    assert re.search(r"\bedge_weight must be (given|None)", str(error)), error
                else:
                    assert_equal(found, expected)


#: Valid graphs that are rare; no result may be silently none.
RARE: dict[str, Callable[[], Tensor]] = {
    "one direction": lambda: ENDS,
    "self-loops": lambda: torch.cat([PLAIN, torch.arange(NODES).repeat(2, 1)], dim=1),
    "repeated": lambda: torch.cat([PLAIN, PLAIN], dim=1),
    "no edges": lambda: PLAIN[:, :0],
    "one edge": lambda: torch.tensor([[0, 1], [1, 0]]),
}

#: NaN is documented as the value of nodes without neighbours or of missing targets.
UNDEFINED = (
    "topological_concentration",
    "approx_topological_concentration",
    "weighted_concentration",
    "count_features",
    "motif_features",
)


@pytest.mark.parametrize("name", [*EDGE_CALLS, *GRAPH_CALLS])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_rare_graphs_give_numbers_or_an_error_by_name(name: str) -> None:
    with rows() as table:
        for row, make in RARE.items():
            with table.row(row):
                try:
                    found = values(call(name, make()))
                except (TypeError, ValueError, IndexError, NotImplementedError) as error:
                    assert NAMED.search(str(error)), error
                else:
                    tensors = [one for one in found if isinstance(one, Tensor)]
                    assert name in UNDEFINED or all(one.isfinite().all() for one in tensors)


def data_without(*names: str) -> Data:
    data = toy_data(PLAIN)
    for name in names:
        del data[name]
    return data


BAD_DATA: dict[str, Callable[[], Any]] = {
    "HeteroData": HeteroData,
    "a tensor": lambda: PLAIN,
    "a word": lambda: "graph",
    "without edges": lambda: data_without("edge_index"),
    "floating point": lambda: toy_data(PLAIN.float()),
    "raw ids": lambda: toy_data(PLAIN + 2**40),
    "negative": lambda: toy_data(changed(3, -1)),
    "transposed": lambda: toy_data(PLAIN.t().contiguous()),
}

DATA_ALLOWED = {
    ("EdgeDrop.forward", "raw ids"): NO_VALUES,
    ("EdgeDrop.forward", "negative"): NO_VALUES,
    ("TextGraph.from_data", "without edges"): "a graph may have none",
}


@pytest.mark.parametrize("name", DATA_CALLS)
def test_wrong_data_is_refused_by_name(name: str) -> None:
    with rows() as table:
        for row, make in BAD_DATA.items():
            if (name, row) in DATA_ALLOWED:
                continue
            with table.row(row), pytest.raises((TypeError, ValueError, IndexError), match=NAMED):
                DATA_CALLS[name](make())


@pytest.mark.parametrize("name", DATA_CALLS)
def test_data_with_an_edge_index_object_gives_the_same(name: str) -> None:
    expected: dict[bytes, Any] = {}
    with rows() as table:
        for kind, make in EDGE_INDICES.items():
            with table.row(kind):
                given, plain = make()
                order = plain.numpy().tobytes()
                if order not in expected:
                    expected[order] = DATA_CALLS[name](toy_data(plain))
                assert_equal(DATA_CALLS[name](toy_data(given)), expected[order])


def available(name: str) -> bool:
    library = {"to_xgi": "xgi", "to_hypergraphx": "hypergraphx"}.get(name)
    return library is None or find_spec(library) is not None


BAD_HYPERGRAPHS: dict[str, Callable[[], Any]] = {
    "floating point": lambda: HYPEREDGES.float(),
    "three rows": lambda: torch.cat([HYPEREDGES, HYPEREDGES[:1]]),
    "a node beyond": lambda: torch.cat([HYPEREDGES, torch.tensor([[NODES], [0]])], dim=1),
    "raw ids": lambda: HYPEREDGES + torch.tensor([[2**40], [0]]),
    "negative": lambda: torch.cat([HYPEREDGES, torch.tensor([[-1], [0]])], dim=1),
    "an array": lambda: HYPEREDGES.numpy(),
    "None": lambda: None,
    "a word": lambda: "hypergraph",
    "HeteroData": HeteroData,
}


@pytest.mark.parametrize("name", HYPERGRAPH_CALLS)
def test_wrong_hypergraphs_are_refused_by_name(name: str) -> None:
    if not available(name):
        pytest.skip("the library is not installed")
    with rows() as table:
        for row, make in BAD_HYPERGRAPHS.items():
            with table.row(row), pytest.raises((TypeError, ValueError, IndexError), match=NAMED):
                HYPERGRAPH_CALLS[name](make())


@pytest.mark.parametrize("name", HYPERGRAPH_CALLS)
def test_hypergraph_object_gives_what_its_incidences_give(name: str) -> None:
    if not available(name):
        pytest.skip("the library is not installed")
    found = HYPERGRAPH_CALLS[name](hypergraph())
    if name != "write_hif":  # it takes the object alone
        assert_equal(found, HYPERGRAPH_CALLS[name](HYPEREDGES.clone()))


OTHERS: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "a word": lambda: "graph",
    "a tensor": lambda: PLAIN,
    "HeteroData": HeteroData,
    "a number": lambda: 3,
}


@pytest.mark.parametrize("name", OBJECT_CALLS)
def test_other_objects_are_refused_by_name(name: str) -> None:
    run, make, library = OBJECT_CALLS[name]
    if find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    run(make())
    with rows() as table:
        for row, other in OTHERS.items():
            with table.row(row), pytest.raises((TypeError, ValueError), match=NAMED):
                run(other())
