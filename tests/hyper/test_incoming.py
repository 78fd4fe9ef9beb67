"""Hypergraphs as people have them: sets of names, tables, objects of other libraries, odd sizes."""

from __future__ import annotations

import copy
import pickle
import re
import warnings
from types import SimpleNamespace

import networkx as nx
import numpy as np
import pytest
import torch
from torch_geometric.data import Batch, Data
from torch_geometric.data.hypergraph_data import HyperGraphData

from graphlab.datasets import read_hif, write_hif
from graphlab.hyper import (
    CliqueCover,
    HypergraphReconstructor,
    Marioh,
    MaxCliqueBaseline,
    from_hyperedges,
    from_hypergraphx,
    from_membership_table,
    from_networkx_bipartite,
    from_xgi,
    jaccard,
    multi_jaccard,
    project,
    projection_loss,
    to_hyperedges,
    to_networkx_bipartite,
)
from tests._data import REPOSITORY

pandas = pytest.importorskip("pandas", reason="comes with ogb")

TEAMS = [{"ann", "bob", "eve"}, {"bob", "eve"}, {"eve", "zoe"}, {"ann", "bob", "eve"}]
ROWS = [(name, f"p{p}") for p, team in enumerate(TEAMS) for name in sorted(team)]
TABLE = pandas.DataFrame(ROWS, columns=["author", "paper"])


DOUBLED = pandas.concat([TABLE, TABLE[["author"]]], axis=1)


def bipartite() -> nx.Graph:
    graph = nx.Graph()
    graph.add_nodes_from(["ann", "bob", "eve", "zoe"], bipartite=0)
    graph.add_nodes_from([("p", i) for i in range(4)], bipartite=1)
    graph.add_edges_from((name, ("p", i)) for i, team in enumerate(TEAMS) for name in team)
    return graph


FORMS = {
    "sets": TEAMS,
    "lists": [list(team) for team in TEAMS],
    "tuples": tuple(tuple(team) for team in TEAMS),
    "names": {f"p{p}": team for p, team in enumerate(TEAMS)},
    "table": TABLE,
    "table, other order": TABLE[["paper", "author"]],
    "bipartite": bipartite(),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_goes_straight_into_fit(form):
    given = FORMS[form]
    by_number = from_hyperedges(TEAMS)
    assert project(given).equal(project(by_number))
    model = HypergraphReconstructor(beta=10, classifier="lr", preset="paper")
    edges, count = project(by_number), by_number.num_nodes
    want = model.fit(by_number).predict(edges, count)
    assert model.fit(given).predict(edges, count).edge_index.equal(want.edge_index)
    assert projection_loss(given) == projection_loss(by_number)
    assert multi_jaccard(given, TEAMS) == 1.0


def test_names_come_out_again():
    data = from_hyperedges(TEAMS)
    assert data.node_id == ["ann", "bob", "eve", "zoe"] and to_hyperedges(data) == TEAMS
    edges, weight = project(data, weighted=True)
    graph = nx.Graph()
    graph.add_nodes_from(["zoe", "ann", "bob", "eve"])
    graph.add_edges_from([("ann", "bob"), ("ann", "eve"), ("bob", "eve"), ("eve", "zoe")])
    model = HypergraphReconstructor(beta=10, classifier="lr", preset="paper").fit(TEAMS)
    stated = Data(edge_index=edges, num_nodes=4, node_id=data.node_id)
    for found in (
        model.predict(graph),
        model.predict(stated),
        model.predict(edges, node_id=data.node_id),
        CliqueCover().predict(graph),
        MaxCliqueBaseline().predict(edges, node_id=data.node_id),
        Marioh(classifier="lr").fit(TEAMS).predict(edges, None, weight, node_id=data.node_id),
    ):
        assert {"eve", "zoe"} in to_hyperedges(found)
        assert {name for team in to_hyperedges(found) for name in team} == set(data.node_id)
    assert "node_id" not in model.predict(edges, 4)
    assert "node_id" not in CliqueCover().predict(nx.complete_graph(3))
    with pytest.raises(ValueError, match="node_id must name the 4 nodes, got 2 names"):
        model.predict(edges, 4, node_id=["a", "b"])


def test_scores_compare_names():
    assert jaccard([{"a", "b"}], [{"b", "c"}]) == 0.0
    assert jaccard([{"b", "c"}], [{"c", "b"}, {"a"}]) == 0.5
    found = MaxCliqueBaseline().predict(nx.Graph([("zoe", "eve"), ("eve", "bob")]))
    assert jaccard(found, [{"bob", "eve"}, {"eve", "zoe"}]) == 1.0
    # A tensor has numbers only.
    assert (
        jaccard(torch.tensor([[0, 1], [0, 0]]), from_hyperedges([{"b", "a"}]), num_nodes=2) == 1.0
    )


def test_sets_of_numbers_are_compared_with_more_nodes_by_number():
    index = torch.tensor([[1, 2, 4], [0, 0, 0]])
    plain = HyperGraphData(edge_index=index, num_nodes=6)
    for sets in ([{1, 2, 4}], ((4, 2, 1),), {"a": [1, 2, 4]}):
        assert jaccard(sets, plain) == jaccard(plain, sets) == 1.0
        assert jaccard(index, sets, num_nodes=6) == 1.0
    assert jaccard([{0, 1, 2}], plain) == 0.0
    # As many names as nodes are put in order, as project numbers them.
    assert jaccard(HyperGraphData(edge_index=index[:, :0], num_nodes=3), [{7, 8, 9}]) == 0.0
    assert jaccard(torch.tensor([[0, 1, 2], [0, 0, 0]]), [{7, 8, 9}], num_nodes=3) == 1.0
    with pytest.raises(ValueError, match="equal node counts, got 6 and 2"):
        jaccard(plain, [{1, 6}])


def test_nodes_of_a_bipartite_graph_are_vertices_of_it():
    graph = nx.Graph([("ann", 1), ("bob", 1)])
    assert from_networkx_bipartite(graph, ["bob", "ann"]).node_id == ["ann", "bob"]
    with pytest.raises(ValueError, match="must be vertices of the graph, but 1 are none.*'eve'"):
        from_networkx_bipartite(graph, ["ann", "bob", "eve"])


def test_sets_of_numbers_beside_their_number_are_nodes():
    assert project([{0, 3}, {3, 5}], 7).tolist() == [[0, 3, 3, 5], [3, 0, 5, 3]]
    assert from_hyperedges([{10, 30}], nodes=[30, 20, 10]).edge_index.tolist() == [[0, 2], [0, 0]]
    mixed = from_hyperedges([[("a", 1), "b"], []])
    assert mixed.node_id == [("a", 1), "b"] and mixed.num_hyperedges == 2


@pytest.mark.parametrize(
    ("value", "error", "match"),
    [
        (["abc", "de"], TypeError, r"hyperedge 0 is 'abc': write \['abc'\]"),
        ([1, 2], TypeError, "hyperedge 0 is 1"),
        ([{"a", None}], ValueError, "hyperedge 0 holds a missing name"),
        ([["a", float("nan")]], ValueError, "missing name"),
        ([[["a"], ["b"]]], TypeError, "not hashable"),
        ([[0, 1], [0, 0]], TypeError, r"looks like an incidence.*torch\.tensor"),
        (TABLE.rename(columns={"author": "who"}), ValueError, r"column of the nodes.*\['who',"),
        (TABLE.assign(paper=None), ValueError, "row 0 of the table lacks"),
        (object(), TypeError, "got object"),
    ],
)
def test_what_cannot_be_converted(value, error, match):
    with pytest.raises(error, match=match):
        project(value)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (
            lambda: from_hyperedges("ab"),
            TypeError,
            "groups of nodes, or a mapping of them, got str",
        ),
        (lambda: from_hyperedges(3), TypeError, "groups of nodes, or a mapping of them, got int"),
        (lambda: from_hyperedges([["a"]], nodes=["a", "a"]), ValueError, "not repeat a name"),
        (lambda: from_membership_table([["a", 1]]), TypeError, "table must be a pandas DataFrame"),
        (
            lambda: from_membership_table(DOUBLED, "author", "paper"),
            ValueError,
            "table must have one column 'author'",
        ),
        (
            lambda: from_membership_table(TABLE.assign(author=[1, *["x"] * (len(TABLE) - 1)])),
            ValueError,
            "column 'author' of the table has words and numbers",
        ),
    ],
)
def test_what_names_no_hyperedges_is_refused(call, error, match):
    with pytest.raises(error, match=match):
        call()


INCIDENCE = [[0, 1, 2, 3], [0, 0, 1, 1]]


@pytest.mark.parametrize(
    "value",
    [
        torch.tensor(INCIDENCE),
        np.array(INCIDENCE),
        np.array([[0, 1, 2]] * 3),
        torch.tensor([0, 1]),
        torch.zeros(2, 0),
        TABLE,
    ],
    ids=lambda value: f"{type(value).__name__}{tuple(value.shape)}",
)
def test_one_array_is_no_list_of_hyperedges(value):
    match = r"hyperedges must be groups .* of shape \(.*an incidence \(2, nnz\) is a hypergraph"
    with pytest.raises(TypeError, match=match):
        from_hyperedges(value)


def test_a_list_of_arrays_is_one_of_hyperedges():
    for kind in (torch.tensor, np.array):
        assert to_hyperedges(from_hyperedges([kind([0, 1]), kind([1, 2])])) == [{0, 1}, {1, 2}]


def test_names_of_numpy_are_plain_names(tmp_path):
    one, two = np.int64(1), np.int32(2)
    words = list(np.array(["ann", "bob"]))
    graph = nx.Graph()
    graph.add_nodes_from([one, two], bipartite=0)
    graph.add_node(np.str_("e"), bipartite=1)
    graph.add_edges_from([(one, np.str_("e")), (two, np.str_("e"))])
    for data, wanted in (
        (from_hyperedges([{one, two}, (two,)]), [1, 2]),
        (from_hyperedges([[torch.tensor(1), torch.tensor(1), torch.tensor(2)]]), [1, 2]),
        (from_hyperedges({np.int64(7): words}), ["ann", "bob"]),
        (from_hyperedges([[1]], nodes=np.array([2, 1])), [2, 1]),
        (from_networkx_bipartite(graph), [1, 2]),
    ):
        assert data.node_id == wanted
        names = [*data.node_id, *(data.hyperedge_id if "hyperedge_id" in data else ())]
        assert all(type(name) in (int, str) for name in names)
        write_hif(data, tmp_path / "names.json")
        assert read_hif(tmp_path / "names.json").node_id == wanted


def test_tables_with_columns_of_other_names():
    odd = TABLE.rename(columns={"author": "who", "paper": "what"})
    for columns in (("who", "what"), (0, 1)):
        assert to_hyperedges(from_membership_table(odd, *columns)) == TEAMS
    more = from_membership_table(TABLE, nodes=["zoe", "new", "eve", "bob", "ann"])
    assert more.num_nodes == 5 and more.hyperedge_id == ["p0", "p1", "p2", "p3"]
    with pytest.raises(ValueError, match=r"hyperedge 0 names \['ann'"):
        from_membership_table(TABLE, nodes=["bob"])
    arrow = pytest.importorskip("pyarrow", reason="needs the extra 'tables'")
    assert to_hyperedges(from_membership_table(arrow.Table.from_pandas(TABLE))) == TEAMS


# --- numbers of nodes and hyperedges --------------------------------------------------------------

SIZES = [
    ([(0, 1), (1, 2)], 3),
    ([(0, 1), (1, 2), (0, 2)], 5),  # isolated nodes
    ([(0, 1), (1, 0), (0,), (1,)], 4),  # as many hyperedges as nodes, isolated ones among them
    ([(0,), (), ()], 3),  # empty hyperedges at the end
    ([], 3),
    ([()], 1),
    ([], 0),
]


@pytest.mark.parametrize(("sets", "count"), SIZES)
def test_numbers_are_those_that_were_stated(sets, count, tmp_path):
    data = from_hyperedges(sets, range(count))
    assert (data.num_nodes, data.num_edges, data.num_hyperedges) == (count, len(sets), len(sets))
    for again in (
        data.clone(),
        copy.deepcopy(data),
        from_hyperedges(to_hyperedges(data), data.node_id),
    ):
        assert again.num_nodes == count and again.num_hyperedges == len(sets)
    assert (
        project(data).shape[1] == project(data.edge_index, count, num_hyperedges=len(sets)).shape[1]
    )
    graph = to_networkx_bipartite(data)
    assert from_networkx_bipartite(graph).num_nodes == count
    found = MaxCliqueBaseline().predict(project(data), data.num_nodes)
    assert found.num_nodes == count


@pytest.mark.parametrize(("sets", "count"), SIZES)
def test_plain_data_of_pyg_is_read_as_stated(sets, count):
    ours = from_hyperedges(sets, range(count))
    plain = HyperGraphData(
        edge_index=ours.edge_index, num_nodes=count, num_hyperedges=ours.num_hyperedges
    )
    assert len(to_hyperedges(plain)) == len(sets)
    assert to_networkx_bipartite(plain).number_of_nodes() == count + len(sets)
    by_rows = HyperGraphData(x=torch.zeros(count, 2), edge_index=ours.edge_index)
    by_rows.num_hyperedges = len(sets)
    assert to_networkx_bipartite(by_rows).number_of_nodes() == count + len(sets)


def test_batches_add_up():
    data = from_hyperedges([{"a", "b"}, {"c"}, ()], nodes="abcd")
    batch = Batch.from_data_list([data, data])
    assert (batch.num_nodes, batch.num_edges) == (8, 6)
    assert batch.edge_index.tolist() == [[0, 1, 2, 4, 5, 6], [0, 0, 1, 3, 3, 4]]
    assert batch[1].num_nodes == 4 and to_hyperedges(batch[1]) == to_hyperedges(data)
    assert project(batch).tolist() == [[0, 1, 4, 5], [1, 0, 5, 4]]
    again = pickle.loads(pickle.dumps(data))
    assert (again.num_nodes, again.num_edges, again.validate()) == (4, 3, True)


def test_ids_are_no_numbers_of_nodes():
    raw = torch.tensor([[2**40, 2**40 + 1], [0, 0]])
    with pytest.raises(ValueError, match=r"up to 1099511627777, which looks like an id: map ids"):
        project(HyperGraphData(edge_index=raw))
    with pytest.raises(ValueError, match=r"up to 50000001, which looks like an id"):
        project(HyperGraphData(edge_index=raw - 2**40 + 50_000_000))
    with pytest.raises(ValueError, match="num_nodes must be at most 2147483647"):
        project(raw, 2**41)
    assert from_hyperedges([{2**40, 2**40 + 1}]).node_id == [2**40, 2**40 + 1]


def test_parts_keep_the_names_of_their_nodes():
    data = from_xgi_stub().clone()
    part = data.subgraph(torch.tensor([1, 2, 3]))
    assert part.node_id == ["bob", "eve", "zoe"] and part.num_nodes == 3
    assert "hyperedge_id" not in part and part.edge_index[0].max() < 3
    del data.node_id
    part = data.subgraph(torch.tensor([False, True, True, True]))
    assert "node_id" not in part and part.num_nodes == 3


def test_sizes_follow_what_a_hypergraph_states():
    data = from_hyperedges([{"a", "b"}, {"b", "c"}])
    del data.num_hyperedges
    assert data.num_edges == 2
    data.edge_attr = torch.ones(3, 4)
    assert (data.num_nodes, data.num_edges) == (3, 3)
    empty = type(data)()
    assert (empty.num_nodes, empty.num_edges) == (0, 0)


@pytest.mark.parametrize("lone", [[], ["d"], ["d", "e"]])
def test_attributes_of_parts_follow_what_they_belong_to(lone):
    # As many nodes as incidences, or as hyperedges, is chance.
    data = from_hyperedges([{"a", "b"}, {"c"}, {"b", "c"}, ()], nodes=["a", "b", "c", *lone])
    data.incidence_weight, data.edge_attr = torch.arange(5.0), torch.arange(4.0)
    data.x, data.note = torch.arange(float(data.num_nodes)), "by hand"
    assert [data.is_node_attr(key) for key in ("x", "edge_attr", "note")] == [True, False, False]
    data.other, data.seed = torch.arange(7), torch.tensor(3)
    assert data.is_edge_attr("edge_attr")
    assert not any(data.is_edge_attr(key) for key in ("x", "node_id", "note", "other", "seed"))
    part = data.subgraph(torch.tensor([2, 1]))
    assert (part.node_id, part.x.tolist(), part.note) == (["c", "b"], [2.0, 1.0], "by hand")
    assert part.edge_index.tolist() == [[1, 0], [0, 0]] and part.num_edges == 1
    assert part.incidence_weight.tolist() == [3.0, 4.0] and part.edge_attr.tolist() == [2.0]
    assert len(part.other) == 7 and part.seed == 3


def test_an_object_like_that_of_xgi_goes_straight_in():
    assert project(stub_of_xgi()).equal(project(TEAMS))
    assert multi_jaccard(stub_of_xgi(), TEAMS) == 1.0


def from_xgi_stub():
    return from_xgi(stub_of_xgi())


def stub_of_xgi():
    edges = SimpleNamespace(members=lambda e: TEAMS[e])
    return StubXgi(["ann", "bob", "eve", "zoe"], edges)


class StubXgi:
    def __init__(self, nodes, edges):
        self.nodes, self.edges = nodes, Iter(edges)


class Iter:
    def __init__(self, edges):
        self.members = edges.members

    def __iter__(self):
        return iter(range(len(TEAMS)))


def test_xgi_goes_in_and_directions_are_refused():
    xgi = pytest.importorskip("xgi", reason="needs the extra 'hyper'")
    native = xgi.Hypergraph([sorted(team) for team in TEAMS])
    native.add_node("new")
    data = from_xgi(native)
    assert to_hyperedges(data) == TEAMS and data.num_nodes == 5
    model = HypergraphReconstructor(beta=10, classifier="lr", preset="paper")
    assert model.fit(native).predict(project(native), 5).num_nodes == 5
    directed = xgi.DiHypergraph([([1, 2], [3]), ([3], [1, 4])])
    for function in (from_xgi, project, model.fit):
        with pytest.raises(
            TypeError, match="DiHypergraph, whose directions would be lost.*drop_dir"
        ):
            function(directed)
    assert to_hyperedges(from_xgi(directed, drop_directions=True)) == [{1, 2, 3}, {1, 3, 4}]
    faces = xgi.SimplicialComplex([[1, 2, 3]])
    assert from_xgi(faces).num_hyperedges == 4


def test_every_class_of_hypergraphx():
    library = pytest.importorskip("hypergraphx")
    plain = library.Hypergraph([(1, 2, 3), (3, 4)], weighted=True, weights=[2.0, 0.5])
    assert to_hyperedges(from_hypergraphx(plain)) == [{1, 2, 3}, {3, 4}]
    assert from_hypergraphx(plain).hyperedge_weight.tolist() == [2.0, 0.5]
    assert project(plain).equal(project([{1, 2, 3}, {3, 4}]))
    temporal = library.TemporalHypergraph(weighted=True)
    temporal.add_edge((1, 2), time=5, weight=2.5)
    temporal.add_edge((1, 2), time=7, weight=1.0)
    data = from_hypergraphx(temporal)
    assert to_hyperedges(data) == [{1, 2}, {1, 2}] and data.time.tolist() == [5, 7]
    assert data.hyperedge_weight.tolist() == [2.5, 1.0]
    layers = library.MultiplexHypergraph()
    layers.add_edge((1, 2, 3), layer="mail")
    layers.add_edge((2, 3), layer="talk")
    data = from_hypergraphx(layers)
    assert to_hyperedges(data) == [{1, 2, 3}, {2, 3}] and data.layer == ["mail", "talk"]
    directed = library.DirectedHypergraph([((1, 2), (3,)), ((3,), (1, 4))])
    for function in (from_hypergraphx, project):
        with pytest.raises(TypeError, match="DirectedHypergraph, whose directions would be lost"):
            function(directed)
    both = from_hypergraphx(directed, drop_directions=True)
    assert to_hyperedges(both) == [{1, 2, 3}, {1, 3, 4}]


class StubHypergraphx:
    def __init__(self, edges, weights=None, **more):
        self.edges, self.weights = edges, weights
        self.__dict__.update(more)

    def get_nodes(self):
        return [1, 2, 3, 4]

    def get_edges(self):
        return self.edges

    def is_weighted(self):
        return self.weights is not None

    def get_weight(self, edge, *mark):
        return self.weights[(*mark, edge) if mark else edge]


def test_what_hypergraphx_marks_its_edges_with_is_kept():
    plain = StubHypergraphx([(1, 2, 3), (3, 4)])
    assert to_hyperedges(from_hypergraphx(plain)) == [{1, 2, 3}, {3, 4}]
    assert "hyperedge_weight" not in from_hypergraphx(plain)
    assert project(plain).equal(project([{1, 2, 3}, {3, 4}]))
    weights = {(5, (1, 2)): 2.5, (7, (1, 2)): 1.0}
    data = from_hypergraphx(StubHypergraphx(list(weights), weights, get_times_for_edge=None))
    assert data.time.tolist() == [5, 7] and data.hyperedge_weight.tolist() == [2.5, 1.0]
    layers = [("mail", (1, 2, 3)), ("talk", (2, 3))]
    data = from_hypergraphx(StubHypergraphx(layers, get_existing_layers=None))
    assert data.layer == ["mail", "talk"] and to_hyperedges(data) == [{1, 2, 3}, {2, 3}]
    directed = StubHypergraphx([((1, 2), (3,)), ((3,), (1, 3, 4))], get_source_edges=None)
    with pytest.raises(TypeError, match="whose directions would be lost"):
        from_hypergraphx(directed)
    both = from_hypergraphx(directed, drop_directions=True)
    assert to_hyperedges(both) == [{1, 2, 3}, {1, 3, 4}]


def test_an_unknown_class_is_named():
    class Odd(SimpleNamespace):
        def get_nodes(self):
            return [1, 2]

        def get_edges(self):
            return [((1,), "x", (2,))]

        def is_weighted(self):
            return False

    with pytest.raises(TypeError, match="hypergraph is a Odd, whose hyperedges are no sets"):
        from_hypergraphx(Odd())


def test_nothing_warns():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        HypergraphReconstructor(beta=5, classifier="lr", preset="paper").fit(TABLE)


def test_the_page_runs(capsys):
    text = (REPOSITORY / "docs" / "hypergraph.md").read_text(encoding="utf-8")
    block = next(b for b in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "teams" in b)
    exec(compile(block, "docs/hypergraph.md", "exec"), {})
    assert "zoe" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("function", "given"),
    [
        (from_xgi, SimpleNamespace(nodes=[], edges=SimpleNamespace(dimembers=None))),
        (
            from_hypergraphx,
            SimpleNamespace(get_nodes=list, get_edges=list, get_source_edges=list),
        ),
    ],
)
def test_directions_are_not_dropped_in_silence(function, given):
    with pytest.raises(TypeError, match=f"{function.__name__}.hypergraph, drop_directions=True"):
        function(given)
