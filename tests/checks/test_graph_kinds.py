"""Graphs as people have them: weights under other names, ids as numbers, batches, what is none."""

from __future__ import annotations

import math
import warnings
from fractions import Fraction
from typing import Any

import networkx
import numpy
import pandas
import pytest
import scipy.sparse
import torch
from torch import Tensor
from torch_geometric.data import Data, HeteroData
from torch_geometric.transforms import ToSparseTensor
from torch_geometric.utils import from_networkx, to_undirected

from graphlab import contrastive, embed, hyper, ops, tag
from tests.test_inputs import (
    ENDS,
    ENTRY_POINTS,
    HYPEREDGES,
    NODES,
    PLAIN,
    WHOLE_GRAPH,
    features,
    toy_data,
)

KARATE = networkx.karate_club_graph()
IDS = torch.where(PLAIN == 5, 2**40, PLAIN)


def fastrp(graph: Any, **options: Any) -> Tensor:
    return embed.fastrp(graph, dim=8, **options)


def renamed(name: str) -> Any:
    graph = networkx.Graph()
    graph.add_nodes_from(KARATE)
    graph.add_edges_from((u, v, {name: data["weight"]}) for u, v, data in KARATE.edges(data=True))
    return graph


# --- stored zeros ---------------------------------------------------------------------------------


def test_edges_set_to_zero_are_no_edges_for_networkx_either():
    matrix = networkx.to_scipy_sparse_array(KARATE, weight=None, format="csr")
    matrix[0, 1] = matrix[1, 0] = 0
    matrix.setdiag(1)
    matrix.setdiag(0)
    cut = KARATE.copy()
    cut.remove_edge(0, 1)
    expected = torch.tensor(list(networkx.clustering(cut).values()), dtype=torch.float64)
    stored = matrix.nnz
    torch.testing.assert_close(embed.topological_concentration(matrix), expected)
    assert matrix.nnz == stored  # the caller's matrix stays as it is
    found = {tuple(sorted(c)) for c in hyper.maximal_cliques(matrix).to_list()}
    assert found == {tuple(sorted(c)) for c in networkx.find_cliques(cut)}
    assert hyper.CliqueCover().predict(matrix).edge_index[0].max() == 33


def test_values_that_cancel_are_no_edge():
    row, col = [0, 1, 0, 1, 1, 2, 0, 0], [1, 0, 2, 2, 0, 0, 1, 2]
    value = [1.0, 1.0, 0.5, 0.0, -1.0, 1.0, -1.0, 0.5]
    matrix = scipy.sparse.coo_array((value, (row, col)), shape=(3, 3))
    compressed = scipy.sparse.csr_array((3, 3))
    compressed.indptr = numpy.array([0, 4, 6, 7])
    compressed.indices = numpy.array([1, 2, 1, 2, 0, 0, 0])
    compressed.data = numpy.array([1.0, 0.5, -1.0, 0.5, 1.0, -1.0, 1.0])
    edge = torch.tensor([[0, 2], [2, 0]])
    for given in (matrix, compressed):
        assert torch.equal(fastrp(given), fastrp(edge, num_nodes=3))
        assert torch.equal(hyper.maximal_cliques(given).idx, hyper.maximal_cliques(edge, 3).idx)
    assert matrix.nnz == 8 and compressed.nnz == 7


def test_stored_zeros_are_no_repetitions_that_count():
    matrix = networkx.to_scipy_sparse_array(KARATE, format="lil")
    matrix[0, 33] = matrix[33, 0] = 1
    matrix = matrix.tocsr()
    matrix[0, 33] = matrix[33, 0] = 0
    plain = networkx.to_scipy_sparse_array(KARATE)
    model = embed.FastRP.neo4j(dim=8)
    assert torch.equal(model.fit_transform(matrix), model.fit_transform(plain))
    whole = scipy.sparse.csr_array(matrix).astype(int)
    truth = hyper.Marioh().fit(HYPEREDGES, NODES)
    assert torch.equal(truth.predict(whole).edge_index, truth.predict(plain).edge_index)


def test_every_layout_of_torch_is_read():
    matrix = torch.zeros(8, 8)
    matrix[PLAIN[0], PLAIN[1]] = 2.0
    expected = fastrp(PLAIN, num_nodes=8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls its sparse tensors a beta feature
        kinds = [matrix.to_sparse_bsr((2, 2)), matrix.to_sparse_bsc((2, 4)), matrix.to_sparse()]
    for kind in kinds:
        torch.testing.assert_close(fastrp(kind), expected)


# --- weights --------------------------------------------------------------------------------------


def test_weights_of_networkx_are_read_from_data_by_their_name():
    expected = fastrp(KARATE)
    named = from_networkx(KARATE)
    column = from_networkx(KARATE, group_edge_attrs=["weight"])
    kept = named.clone()
    kept.edge_weight = kept.weight.view(-1, 1)
    assert torch.equal(fastrp(named, weight="weight"), expected)
    assert torch.equal(fastrp(column, weight="edge_attr"), expected)
    assert torch.equal(fastrp(kept), expected)
    assert torch.equal(fastrp(renamed("contacts"), weight="contacts"), expected)
    added = embed.AddFastRP(dim=8, weight="weight")(named)
    assert torch.equal(added.x, expected)
    assert torch.equal(embed.FastRP(dim=8, weight="weight").fit(named).transform(named), expected)


@pytest.mark.parametrize("name", ["weight", "edge_attr", "networkx"])
def test_one_numeric_attribute_that_is_not_read_is_told(name):
    graph: Any = renamed("contacts")
    if name == "weight":
        graph = from_networkx(KARATE)
    elif name == "edge_attr":
        graph = from_networkx(KARATE, group_edge_attrs=["weight"])
    word = "contacts" if name == "networkx" else name
    with pytest.warns(UserWarning, match=f"'{word}', which was not read") as caught:
        z = fastrp(graph)
    assert len(caught) == 1 and caught[0].filename == __file__
    assert torch.equal(z, fastrp(graph, weight=None))
    assert not torch.equal(z, fastrp(KARATE))


def test_what_is_no_weight_is_not_told():
    data = from_networkx(KARATE)
    count = data.num_edges
    del data.weight
    data.edge_type = torch.zeros(count, dtype=torch.long)
    data.edge_mask = torch.ones(count, dtype=torch.bool)
    data.e_id = torch.arange(count)
    data.edge_attr = torch.ones(count, 3)
    data.note = ["text"] * count
    assert fastrp(data).shape == (34, 8)
    cycle = Data(edge_index=torch.tensor([[0, 1, 2], [1, 2, 0]]), age=torch.ones(3), num_nodes=3)
    assert fastrp(cycle).shape == (3, 8)  # as many edges as nodes
    cycle.edge_age = cycle.age
    with pytest.warns(UserWarning, match="'edge_age', which was not read"):
        fastrp(cycle)


def test_none_reads_no_weights_of_anything():
    plain = networkx.Graph(KARATE.edges())
    plain = networkx.to_scipy_sparse_array(plain, nodelist=list(KARATE))
    expected = fastrp(plain)
    assert torch.equal(fastrp(KARATE, weight=None), expected)
    assert torch.equal(fastrp(networkx.to_scipy_sparse_array(KARATE), weight=None), expected)


@pytest.mark.parametrize(
    "value", ["strong", None, math.nan, math.inf, -1, "7", pytest.param(10**400, id="huge")]
)
def test_a_bad_weight_hurts_only_what_reads_it(value):
    graph = KARATE.copy()
    graph[2][3]["weight"] = value
    expected = embed.topological_concentration(KARATE)
    assert torch.equal(embed.topological_concentration(graph), expected)
    assert torch.equal(
        embed.approx_topological_concentration(graph, dim=4).isfinite(), expected > -1
    )
    assert torch.equal(hyper.maximal_cliques(graph).idx, hyper.maximal_cliques(KARATE).idx)
    with pytest.raises(ValueError, match=rf"edge \(2, 3\) has 'weight' = {value!r}: a weight must"):
        fastrp(graph)
    data = from_networkx(KARATE)
    at = int(((data.edge_index[0] == 2) & (data.edge_index[1] == 3)).nonzero())
    data.weight = data.weight.tolist()
    data.weight[at] = value
    assert torch.equal(embed.topological_concentration(data), expected)
    with pytest.raises(ValueError, match=rf"edge {at}, \(2, 3\), has Data.weight = {value!r}"):
        fastrp(data, weight="weight")


@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0])
def test_a_bad_entry_of_a_matrix_is_named(value):
    matrix = networkx.to_scipy_sparse_array(KARATE, dtype=float, format="csr")
    matrix[2, 3] = value
    expected = embed.topological_concentration(KARATE)
    assert torch.equal(embed.topological_concentration(matrix), expected)
    for given in (matrix, torch.from_numpy(matrix.toarray()).to_sparse()):
        with pytest.raises(ValueError, match=rf"entry \(2, 3\) of the matrix is {value!r}"):
            fastrp(given)
        assert fastrp(given, weight=None).shape == (34, 8)


def test_numbers_of_any_kind_are_weights():
    graph = renamed("w")
    for k, (_, _, data) in enumerate(graph.edges(data=True)):
        kinds = (float, numpy.float32, Fraction, numpy.int16)
        data["w"] = kinds[k % 4](data["w"])
    torch.testing.assert_close(fastrp(graph, weight="w"), fastrp(KARATE))
    graph.remove_edge(0, 1)
    graph.add_edge(0, 1)  # an edge without the attribute weighs one
    other = KARATE.copy()
    other.remove_edge(0, 1)
    other.add_edge(0, 1, weight=1)
    torch.testing.assert_close(fastrp(graph, weight="w"), fastrp(other))


def test_names_that_do_not_fit_are_refused():
    data = from_networkx(KARATE)
    with pytest.raises(ValueError, match="no attribute weight='w'; .*: 'weight'"):
        fastrp(data, weight="w")
    with pytest.raises(ValueError, match="no edge has the attribute weight='w'"):
        fastrp(KARATE, weight="w")
    with pytest.raises(ValueError, match="pass edge_weight"):
        fastrp(PLAIN, weight="w")
    data.edge_attr = torch.ones(data.num_edges, 2)
    with pytest.raises(ValueError, match=r"one weight per edge, shape \(156,\), got \(156, 2\)"):
        fastrp(data, weight="edge_attr")
    data.edge_attr = torch.ones(data.num_edges, dtype=torch.complex64)
    with pytest.raises(TypeError, match=r"Data\.edge_attr must be real, got dtype torch.complex64"):
        fastrp(data, weight="edge_attr")
    with pytest.raises(TypeError, match="weight must be the name of an attribute"):
        fastrp(PLAIN, weight=1.0)


def test_weighted_concentration_and_marioh_read_the_same_names():
    data = from_networkx(KARATE)
    expected = embed.weighted_concentration(data.edge_index, data.weight, 34)
    for graph, name in ((KARATE, "auto"), (data, "weight"), (renamed("w"), "w")):
        found = embed.weighted_concentration(graph, weight=name)
        torch.testing.assert_close(found, expected, equal_nan=True)
    with pytest.raises(ValueError, match="edge_weight must be given"):
        embed.weighted_concentration(PLAIN)
    with pytest.raises(ValueError, match="weight must be 'auto' where edge_weight is given, got '"):
        embed.weighted_concentration(data, data.weight, weight="weight")


# --- adj_t ----------------------------------------------------------------------------------------


def test_rows_of_adj_t_are_targets():
    edges, weight = torch.tensor([[0, 0, 1, 3], [1, 2, 2, 0]]), torch.tensor([1.0, 2.0, 3.0, 4.0])
    data = Data(edge_index=edges, edge_weight=weight, num_nodes=5)
    expected = fastrp(edges, num_nodes=5, edge_weight=weight, direction="out")
    for layout in (torch.sparse_csr, torch.sparse_coo):
        for attribute in ("edge_weight", None):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                given = ToSparseTensor(attr=attribute, layout=layout)(data)
            assert torch.equal(fastrp(given, direction="out"), expected)
    with pytest.raises(ValueError, match="edge_index or adj_t, got neither"):
        fastrp(Data(num_nodes=3))


def test_texts_are_added_to_adj_t():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sparse = ToSparseTensor()(Data(edge_index=ENDS, num_nodes=NODES))
    graph = tag.TextGraph.from_data(sparse, ["a"] * NODES)
    assert set(zip(*graph.edge_index.tolist(), strict=False)) == set(
        zip(*ENDS.tolist(), strict=False)
    )


def test_estimators_on_data_take_adj_t():
    data = toy_data(PLAIN)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sparse = ToSparseTensor()(data.clone())
    by_target = data.edge_index[:, (data.edge_index[1] * NODES + data.edge_index[0]).argsort()]
    model = tag.TAPE("gcn", {"x": data.x}, hidden_channels=4, num_layers=2, epochs=2)
    expected = model.fit(toy_data(by_target)).predict_proba()
    assert torch.equal(model.fit(sparse).predict_proba(), expected)


# --- numbers --------------------------------------------------------------------------------------

#: Who only takes edges apart, and what reads hypergraphs.
NUMBERS_NOT_READ = {"DropEdge", "DropEdge undirected", "project"}


@pytest.mark.parametrize("name", sorted(set(ENTRY_POINTS) - NUMBERS_NOT_READ))
def test_raw_ids_are_refused_with_the_way_to_map_them(name):
    with pytest.raises((IndexError, ValueError), match="map ids to 0, ..., N - 1"):
        ENTRY_POINTS[name](IDS)


@pytest.mark.parametrize("largest", [2**40, 2**33, 10**9 + 7, 2**31 - 2, 5_000_000])
@pytest.mark.parametrize("name", WHOLE_GRAPH)
def test_ids_without_a_number_of_nodes_are_refused_before_anything_is_made(name, largest):
    edges = torch.where(PLAIN == 5, largest, PLAIN)
    for graph in (edges, Data(edge_index=edges)):
        with pytest.raises(
            ValueError, match=f"28 entries go up to {largest}, which looks like an id"
        ):
            WHOLE_GRAPH[name](graph, None)
    with pytest.raises((IndexError, ValueError), match="map ids"):
        WHOLE_GRAPH[name](Data(edge_index=edges, num_nodes=NODES), None)


def test_a_stated_number_of_nodes_is_believed():
    edges = torch.tensor([[0, 1_100_000], [1_100_000, 0]])
    z = embed.fastrp(edges, 1_100_001, dim=1, weights=(1.0,))
    assert z.shape == (1_100_001, 1)
    with pytest.raises(ValueError, match=r"at most 2147483647, got 1099511627776: map ids"):
        ops.CSRGraph.from_edge_index(PLAIN, 2**40)


def test_nodes_without_edges_at_the_end_count_where_the_graph_knows_them():
    graph = networkx.path_graph(3)
    graph.add_node("alone")
    matrix = networkx.to_scipy_sparse_array(graph)
    edges = to_undirected(torch.tensor([[0, 1], [1, 2]]))
    for given in (graph, matrix, Data(edge_index=edges, num_nodes=4)):
        z = fastrp(given)
        assert z.shape == (4, 8) and not z[3].any()
    with pytest.warns(UserWarning, match="Data states no number of nodes: 3, the largest"):
        assert fastrp(Data(edge_index=edges)).shape == (3, 8)


# --- batches --------------------------------------------------------------------------------------


def batch(edge_index: Tensor) -> Data:
    """What a loader of neighbours gives: local numbers, and the names of nodes and edges."""
    edges = edge_index.size(1)
    return Data(
        x=features(), edge_index=edge_index, n_id=torch.arange(NODES) + 40, batch_size=2,
        input_id=torch.tensor([0, 1]), e_id=torch.arange(edges),
    )  # fmt: skip


@pytest.mark.parametrize("name", WHOLE_GRAPH)
def test_a_batch_of_neighbours_is_told_to_be_one(name):
    with pytest.warns(UserWarning, match="batch of a loader of neighbours") as caught:
        WHOLE_GRAPH[name](batch(PLAIN), None)
    assert len(caught) == 1


def test_messages_of_a_batch_lead_one_way():
    one_way = batch(PLAIN[:, PLAIN[0] > PLAIN[1]])
    with (
        pytest.warns(UserWarning, match="batch"),
        pytest.raises(ValueError, match="both directions"),
    ):
        embed.topological_concentration(one_way)
    with pytest.warns(UserWarning, match="batch"):
        found = embed.topological_concentration(one_way, direction="both")
    assert torch.equal(found, embed.topological_concentration(PLAIN, NODES))


# --- no graphs ------------------------------------------------------------------------------------

#: Entries of the table that cut the edges themselves, and what reads hypergraphs.
CUT = {
    "SubgraphStore.from_edges", "approx_topological_concentration", "edge_changes",
    "link metrics", "project",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(set(ENTRY_POINTS) - CUT))
def test_heterogeneous_graphs_are_refused_with_the_way_to_convert_them(name):
    graph = HeteroData()
    graph["author", "cites", "author"].edge_index = PLAIN
    with pytest.raises(TypeError, match="to_homogeneous"):
        ENTRY_POINTS[name](graph)  # type: ignore[arg-type]


def test_estimators_and_transforms_refuse_heterogeneous_graphs():
    graph = HeteroData()
    graph["author"].x = features()
    graph["author", "cites", "author"].edge_index = PLAIN
    model = tag.TAPE("gcn", {"x": features()}, hidden_channels=4, num_layers=2, epochs=2)
    for run in (
        model.fit,
        tag.GAugLLM("bgrl", [features(), features()], None, out_channels=4, epochs=2).fit,
        embed.AddFastRP(dim=4),
        embed.AddTopologicalConcentration(),
        lambda data: tag.TextGraph.from_data(data, ["a"] * NODES),
    ):
        with pytest.raises(TypeError, match="to_homogeneous"):
            run(graph)


FRAME = pandas.DataFrame({"source": ["ann", "bob"], "target": ["bob", "cid"]})


@pytest.mark.parametrize(
    ("graph", "words"),
    [
        (FRAME, "DataFrame: graphlab.datasets.read_edge_list"),
        ("edges.csv", "str: graphlab.datasets.read_edge_list"),
        ([("ann", "bob")], "list: torch.as_tensor"),
        (PLAIN.numpy(), "ndarray: torch.as_tensor"),
        ((PLAIN, None), "tuple: pass edge_index and edge_weight"),
        (torch.ones(7, 7), "float32: torch_geometric.utils.dense_to_sparse"),
    ],
)
def test_what_is_no_graph_is_refused_with_the_reader(graph, words):
    for run in (fastrp, embed.FastRP().fit, embed.topological_concentration, hyper.maximal_cliques):
        with pytest.raises(TypeError, match=words):
            run(graph)
    with pytest.raises(TypeError, match=words):
        contrastive.pamc_loss(features(), graph, torch.zeros(NODES, dtype=torch.long))
    with pytest.raises(TypeError, match="Data: pass data.edge_index"):
        contrastive.pamc_loss(features(), Data(edge_index=PLAIN), torch.zeros(NODES).long())


@pytest.mark.parametrize("graph", ["x", PLAIN, None, Data()])
def test_operators_on_prepared_rows_say_what_makes_them(graph):
    node, h = torch.tensor([0]), features()
    for run in (
        lambda: ops.random_walk(graph, node, length=2),
        lambda: ops.distinct_ends(graph),
        lambda: ops.walk_overlap(graph, PLAIN),
        lambda: ops.walk_overlap_visits(graph, PLAIN),
        lambda: ops.propagate(h, graph),
        lambda: ops.propagate(h, rows=graph),
        lambda: ops.propagate_dot(h, h, graph),
        lambda: ops.propagate_merge(h, graph, coefficients=[0.0, 1.0]),
        lambda: ops.propagate_squares(h, graph, coefficients=[0.0, 1.0]),
        lambda: ops.interval_propagate(h, h, graph, h[:, 0], h[:, 0]),
        lambda: ops.edge_bound(h, h, None, graph),
    ):
        with pytest.raises(
            TypeError, match="must be graphlab.ops.SparseRows, got .*from_edge_index"
        ):
            run()


@pytest.mark.parametrize(
    "kind",
    [networkx.Graph, networkx.DiGraph, networkx.MultiGraph, networkx.MultiDiGraph],
)
def test_every_class_of_networkx_equals_its_matrix(kind):
    graph = kind()
    graph.add_nodes_from("edcba")
    rows = [("a", "b", 2.0), ("b", "a", 3.0), ("c", "c", 1.0), ("a", "d", 4.0), ("a", "b", 5.0)]
    graph.add_weighted_edges_from(rows)
    options = {"direction": "out", "normalize": False, "input_matrix": "adjacency"}
    matrix = networkx.to_scipy_sparse_array(graph)
    assert torch.equal(fastrp(graph, **options), fastrp(matrix, **options))
    with pytest.raises(ValueError, match="edge_weight must be None with a networkx graph"):
        fastrp(graph, edge_weight=torch.ones(5))
    with pytest.raises(ValueError, match="num_nodes must be 5, the size of the graph, got 6"):
        fastrp(graph, num_nodes=6)
