"""Graphs with texts: what is refused, where they come from, whether texts sit at their nodes."""

from __future__ import annotations

import copy
import csv
import pickle
import warnings
from functools import lru_cache

import networkx as nx
import numpy as np
import pytest
import torch
from torch_geometric.data import Batch, Data
from torch_geometric.transforms import (
    LargestConnectedComponents,
    RandomLinkSplit,
    RemoveIsolatedNodes,
    ToSparseTensor,
    ToUndirected,
)

from graphlab.datasets import python_stdlib
from graphlab.tag import TextGraph, check_alignment
from graphlab.tag.text_graph import check_text_alignment
from tests._data import test_data_root

EDGES = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])


def tiny(**changes) -> TextGraph:
    fields = {
        "edge_index": EDGES,
        "y": torch.tensor([0, 1, -1]),
        "text": ["a cat", "a dog", "a cow"],
        "label_names": ["cats", "dogs"],
        "label_descriptions": ["they purr", "they bark"],
        "edge_text": ["ab", "ba", "bc", "cb"],
    }
    return TextGraph(**{**fields, **changes})


def test_it_is_a_data():
    graph = tiny(x=torch.eye(3))
    assert isinstance(graph, Data) and graph.validate()
    assert (graph.num_nodes, graph.num_edges, graph.num_label_names) == (3, 4, 2)
    assert isinstance(copy.copy(graph), TextGraph) and isinstance(graph.clone(), TextGraph)
    part = graph.subgraph(torch.tensor([1, 2]))
    assert part.text == ["a dog", "a cow"] and part.edge_index.tolist() == [[0, 1], [1, 0]]
    assert ToUndirected()(TextGraph(edge_index=EDGES[:, :1], text=["a", "b"])).num_edges == 2


def named(num_nodes: int, edges: list[list[int]], **fields) -> TextGraph:
    """A graph whose texts say where they belong."""
    edge_index = torch.tensor(edges).t()
    return TextGraph(
        edge_index=edge_index,
        y=torch.arange(num_nodes) % 2,
        text=[f"node {i}" for i in range(num_nodes)],
        node_id=torch.arange(num_nodes),
        label_names=["even", "odd"],
        edge_text=[f"{i} to {j}" for i, j in edges],
        **fields,
    )


def assert_texts_follow(graph: TextGraph, *, reversible: bool = False) -> None:
    graph.check()
    names = graph.node_id.tolist()
    assert graph.text == [f"node {i}" for i in names]
    assert graph.y.tolist() == [i % 2 for i in names]
    assert graph.label_names == ["even", "odd"]
    for (i, j), text in zip(graph.edge_index.t().tolist(), graph.edge_text, strict=True):
        wanted = {f"{names[i]} to {names[j]}"}
        if reversible:
            wanted.add(f"{names[j]} to {names[i]}")
        assert text in wanted


PATH = [[4, 2], [2, 1], [1, 5], [3, 0]]
# As many edges as nodes, and as many classes as nodes: lengths tell nothing.
RING = [[2, 0], [0, 1], [1, 2]]
PAIR = [[1, 0], [0, 1]]


@pytest.mark.parametrize(("count", "edges"), [(7, PATH), (3, RING), (2, PAIR)])
def test_texts_follow_nodes_and_edges(count, edges):
    graph = named(count, edges)
    half = torch.tensor([1, 0])
    for part in (
        graph.subgraph(half),
        graph.subgraph(torch.arange(count) < 2),
        graph.edge_subgraph(half),
        graph.edge_subgraph(torch.arange(len(edges)) > 0),
        graph.sort(),
        graph.coalesce(),
        RemoveIsolatedNodes()(graph),
        RemoveIsolatedNodes()(graph.subgraph(torch.arange(count) > 0)),
        LargestConnectedComponents()(graph),
        copy.deepcopy(graph),
        pickle.loads(pickle.dumps(graph)),
        graph.clone().cpu(),
        Batch.from_data_list([graph, graph])[1],
    ):
        assert isinstance(part, TextGraph)
        assert_texts_follow(part)
    assert_texts_follow(graph)
    twice = graph.concat(graph)
    assert twice.text == graph.text * 2 and twice.label_names == ["even", "odd"]


@pytest.mark.parametrize(("count", "edges"), [(7, PATH), (3, RING)])
def test_texts_follow_where_edges_are_split_or_turned(count, edges):
    graph = named(count, edges)
    both = ToUndirected()(graph)
    assert both.num_edges == 2 * len(edges)
    assert_texts_follow(both, reversible=True)
    sizes = {"num_val": 1, "num_test": 1, "neg_sampling_ratio": 0.0}
    for part in RandomLinkSplit(**sizes)(graph):
        assert_texts_follow(part)
    for part in RandomLinkSplit(**sizes, is_undirected=True)(both):
        assert_texts_follow(part, reversible=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # sparse matrices are called beta
        sparse = ToSparseTensor(remove_edge_index=False)(graph)
    assert sorted(sparse.edge_text) == sorted(graph.edge_text) and sparse.text == graph.text


def test_repeated_edges_keep_their_first_text_or_say_what_to_do():
    graph = named(3, [[1, 2], [0, 1], [1, 2]])
    graph.edge_text = ["first", "other", "last"]
    merged = graph.coalesce()
    assert merged.edge_index.tolist() == [[0, 1], [1, 2]]
    assert merged.edge_text == ["other", "first"] and graph.edge_text[2] == "last"
    plain = TextGraph(edge_index=graph.edge_index, text=["a", "b", "c"]).coalesce()
    assert plain.edge_index.tolist() == merged.edge_index.tolist() and "edge_text" not in plain
    with pytest.raises(TypeError, match=r"edge_text cannot be merged .*del graph\.edge_text"):
        ToUndirected()(graph)
    del graph.edge_text
    assert ToUndirected()(graph).num_edges == 4


def test_what_is_applied_in_place_leaves_the_texts_alone():
    graph = tiny(x=torch.eye(3))
    assert graph.apply_(lambda value: value.add_(1), "x", "text") is graph
    assert torch.equal(graph.x, torch.eye(3) + 1) and graph.text == tiny().text
    assert torch.equal(graph.edge_index, EDGES)
    assert graph.apply_(lambda value: value.add_(1), "text").text == tiny().text


def test_graphs_with_other_classes_are_not_joined():
    with pytest.raises(ValueError, match="label_names must be the same"):
        named(3, RING).concat(tiny(node_id=torch.arange(3)))


def test_lists_of_texts_refuse_what_they_cannot():
    text = tiny().text
    assert text[1:] == ["a dog", "a cow"] and text[torch.tensor(1)] == "a dog"
    assert text[np.array([2, 0])] == ["a cow", "a cat"] and isinstance(text, list)
    with pytest.raises(IndexError, match=r"mask must have shape \(3,\), got \(2,\)"):
        text[torch.tensor([True, False])]
    with pytest.raises(TypeError, match="texts have no torch.stack"):
        torch.stack([text])


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"text": ["a", "b"], "num_nodes": 3}, ValueError, "text must have 3 entries"),
        ({"text": ["a", "", " "]}, ValueError, r"text must not be empty, but 2 are: \[1, 2\]"),
        ({"text": ["a", None, "c"]}, TypeError, r"1 are not: \[1\] \(NoneType\)"),
        ({"text": "abc"}, TypeError, "text must be a list of texts"),
        ({"edge_index": EDGES + 1}, IndexError, "edge_index"),
        ({"edge_text": ["ab"]}, ValueError, "edge_text must have 4 entries, got 1"),
        ({"label_names": ["a", "a"]}, ValueError, "label_names must be distinct"),
        ({"label_descriptions": ["x"]}, ValueError, "label_descriptions must have 2 entries"),
        ({"y": torch.tensor([0, 1, 2])}, IndexError, r"y must be in \[-1, 2\)"),
        ({"y": torch.tensor([0, 1])}, ValueError, r"y must have shape \(3,\)"),
        ({"x": torch.eye(2)}, ValueError, "x must have 3 rows"),
    ],
)
def test_what_does_not_fit_is_refused(changes, error, message):
    with pytest.raises(error, match=message):
        tiny(**changes)


# --- tables ---------------------------------------------------------------------------------------


def table(path, *rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return path


def test_tables_are_joined_by_id(tmp_path):
    nodes = table(
        tmp_path / "nodes.csv",
        ["label", "title", "id", "abstract", "split"],
        ["dogs", "T1", "n7", 'has "quotes",\ncommas\nand lines', "train"],
        ["", "T2", "n3", "", "none"],
        ["cats", "T3", "x", "A3", "test"],
    )
    edges = table(tmp_path / "edges.csv", ["dst", "src", "why"], ["n7", "x", "a"], ["x", "x", "b"],
                  ["x", "n7", "c"])  # fmt: skip
    graph = TextGraph.from_csv(nodes, edges, edge_text_column="why")
    assert graph.node_id == ["n7", "n3", "x"]
    assert graph.text[0] == 'T1\n\nhas "quotes",\ncommas\nand lines' and graph.text[1] == "T2"
    assert (graph.label_names, graph.y.tolist()) == (["cats", "dogs"], [1, -1, 0])
    assert graph.edge_index.tolist() == [[0, 0, 2, 2], [2, 2, 0, 0]]
    assert graph.edge_text == ["a", "c", "a", "c"]
    assert graph.train_mask.tolist() == [True, False, False]
    directed = TextGraph.from_csv(nodes, edges, undirected=False)
    assert directed.edge_index.tolist() == [[2, 2, 0], [0, 2, 2]]
    described = {"dogs": "bark", "cats": "purr"}
    named = TextGraph.from_csv(nodes, edges, label_descriptions=described)
    assert named.label_descriptions == ["purr", "bark"]


@pytest.mark.parametrize(
    ("labels", "names", "expected"),
    [
        (["2", "0", "-1"], None, (["0", "1", "2"], [2, 0, -1])),
        (["1", "0", ""], ["cats", "dogs"], (["cats", "dogs"], [1, 0, -1])),
        (["dogs", "cats", ""], ["dogs", "cats"], (["dogs", "cats"], [0, 1, -1])),
        (["10", "2", "10"], ["10", "2"], (["10", "2"], [0, 1, 0])),
    ],
)
def test_labels_are_names_or_numbers(tmp_path, labels, names, expected):
    rows = [["text", "label"], *(["t", label] for label in labels)]
    graph = TextGraph.from_csv(table(tmp_path / "n.csv", *rows), label_names=names)
    assert (graph.label_names, graph.y.tolist()) == expected
    assert graph.num_edges == 0


@pytest.mark.parametrize(
    ("nodes", "edges", "message"),
    [
        (b"id,text\na,x\nb\n", b"", r"nodes\.csv, line 3 has 1 fields, the header 2"),
        (b"id,text\na,x\n\nb,y\n", b"", r"line 3 is empty"),
        (b"id,text\na,x\na,y\n", b"", "repeats 1 ids"),
        (b"id,text\na,x\nb, \n", b"", r"nodes without text \(text\), in line 3"),
        (b"id,words\na,x\n", b"", "no column text"),
        (b"id,id,text\na,a,x\n", b"", "repeats a column"),
        (b"id,text\na,\xff\xfe\n", b"", r"nodes\.csv, line 2: byte 0xff is not utf-8"),
        ("id,text\na,x\n".encode("utf-16-le"), b"", "null characters .*encoding='utf-16'"),
        (b'id,text\na,"x\n', b"", r"nodes\.csv: the quote that opens in line 2 is never closed"),
        (b'id,text\na,"x"y\n', b"", r"nodes\.csv, line 2: .*must be written twice"),
        (b"PAR1id", b"", "is a Parquet or Arrow file .*from_tables"),
        (
            b"id,text\na,x\n",
            b"src,dst\na,a\na,q\n",
            r"edges\.csv, line 3 names the unknown node 'q' in column 'dst'",
        ),
        (b"id,text\na,x\n", b"from,to\na,a\n", "columns for both ends"),
    ],
)
def test_strange_tables_are_refused_by_line(tmp_path, nodes, edges, message):
    (tmp_path / "nodes.csv").write_bytes(nodes)
    (tmp_path / "edges.csv").write_bytes(edges)
    with pytest.raises(ValueError, match=message):
        TextGraph.from_csv(tmp_path)


def test_other_encodings_are_read_when_named(tmp_path, monkeypatch):
    (tmp_path / "nodes.csv").write_bytes("id,text\nJosé,a text\n".encode("cp1252"))
    (tmp_path / "edges.csv").write_bytes("src,dst\nJosé,José\n".encode("cp1252"))
    with pytest.raises(ValueError, match="byte 0xe9 is not utf-8.*encoding='cp1252'"):
        TextGraph.from_csv(tmp_path)
    with pytest.raises(ValueError, match="encoding must be a name"):
        TextGraph.from_csv(tmp_path, encoding="none-such")
    assert TextGraph.from_csv(tmp_path, encoding="cp1252").node_id == ["José"]
    monkeypatch.setenv("HOME", str(tmp_path))
    assert TextGraph.from_csv("~", encoding="cp1252").num_nodes == 1
    assert TextGraph.from_csv("~/nodes.csv", "~/edges.csv", encoding="cp1252").num_nodes == 1


def test_marks_of_byte_order_and_long_texts_are_read(tmp_path):
    limit = csv.field_size_limit()
    (tmp_path / "n.csv").write_bytes("id,text\na,".encode("utf-8-sig") + b"x" * 200_000 + b"\n")
    graph = TextGraph.from_csv(tmp_path / "n.csv")
    assert graph.node_id == ["a"] and len(graph.text[0]) == 200_000
    assert csv.field_size_limit() == limit


@pytest.mark.parametrize(
    ("folder", "size"),
    [("text_graphs/cora", (2211, 9542, 7)), ("llm_outputs/citeseer_tag", (3186, 8450, 6))],
)
def test_real_tables(folder, size):
    graph = TextGraph.from_csv(test_data_root(*folder.split("/")))
    assert (graph.num_nodes, graph.num_edges, graph.num_label_names) == size
    assert not graph.has_self_loops() and graph.is_undirected()
    found = check_text_alignment(graph)
    assert found.deviations > 30
    order = torch.randperm(graph.num_nodes, generator=torch.Generator().manual_seed(0))
    graph.text = [graph.text[i] for i in order.tolist()]
    with pytest.raises(ValueError, match="no more similar"):
        check_text_alignment(graph)


# --- PyG and networkx -----------------------------------------------------------------------------


def test_texts_join_a_data_by_name():
    data = Data(x=torch.eye(3), edge_index=EDGES, y=torch.tensor([0, 1, 0]), extra=3)
    graph = TextGraph.from_data(data, {"a": "A", "c": "C", "b": "B"}, node_id=["c", "a", "b"])
    assert graph.text == ["C", "A", "B"] and graph.x is data.x and graph.extra == 3
    with pytest.raises(ValueError, match=r"text lacks 1 nodes: \['z'\]"):
        TextGraph.from_data(data, {"a": "A", "b": "B"}, node_id=["a", "b", "z"])
    with pytest.raises(ValueError, match="node_id must name the 3 nodes"):
        TextGraph.from_data(data, {"a": "A"})
    with pytest.raises(ValueError, match="distinct"):
        TextGraph.from_data(data, {"a": "A"}, node_id=["a", "a", "a"])


def test_texts_without_names_are_checked_as_far_as_can_be():
    data = Data(edge_index=EDGES, y=torch.tensor([0, 1, 2]), num_nodes=3)
    texts = ["A", "B", "C"]
    assert TextGraph.from_data(data, texts, labels=[0, 1, 2]).text == texts
    with pytest.raises(ValueError, match="another version of the graph"):
        TextGraph.from_data(data, texts[:2])
    with pytest.raises(ValueError, match=r"33\.3%.*same nodes in another order"):
        TextGraph.from_data(data, texts, labels=[1, 0, 2])
    with pytest.raises(ValueError, match=r"66\.7%.*numbers of the classes differ"):
        TextGraph.from_data(data, texts, labels=[0, 2, 2])
    with pytest.raises(ValueError, match=r"labels must have the shape of data\.y, got \(2,\)"):
        TextGraph.from_data(data, texts, labels=[0, 1])


@pytest.mark.parametrize("kind", [nx.Graph, nx.DiGraph])
def test_networkx_graphs(kind):
    g = kind()
    g.add_node("u", text="U", label="cats")
    g.add_node("v", text="V")
    g.add_edge("u", "v", why="because")
    graph = TextGraph.from_networkx(g, edge_text="why")
    assert (graph.node_id, graph.text, graph.y.tolist()) == (["u", "v"], ["U", "V"], [0, -1])
    assert graph.num_edges == (1 if kind is nx.DiGraph else 2)
    assert set(graph.edge_text) == {"because"}
    g.add_node("w")
    with pytest.raises(ValueError, match=r"1 nodes have no attribute 'text': \['w'\]"):
        TextGraph.from_networkx(g)


# --- predictions ----------------------------------------------------------------------------------


def read_top(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    return torch.tensor([int(line.split(",")[0]) if line else -1 for line in lines])


def test_real_predictions_of_citeseer_are_aligned():
    folder = test_data_root("llm_outputs", "citeseer_tag")
    graph = TextGraph.from_csv(folder)
    top = read_top(folder / "gpt_preds.csv")
    report = check_alignment(top, graph.y)
    assert report.score == pytest.approx(0.5929, abs=5e-5)
    for seed in range(5):
        order = torch.randperm(top.numel(), generator=torch.Generator().manual_seed(seed))
        with pytest.raises(ValueError, match="another order of nodes"):
            check_alignment(top[order], graph.y)
    with pytest.raises(ValueError, match="numbers of the classes differ"):
        check_alignment((top + 1) % 6, graph.y)


def test_real_predictions_of_cora_are_aligned():
    folder = test_data_root("llm_outputs", "cora_tape")
    top = read_top(folder / "gpt_preds.csv")
    with np.load(folder / "graph.npz") as content:
        y = torch.from_numpy(content["y"]).long()
    ranked = torch.stack([top + 1, torch.zeros_like(top)], dim=1)
    assert check_alignment(ranked, y).score == pytest.approx(0.67688, abs=5e-6)
    with pytest.raises(ValueError, match="another order of nodes"):
        check_alignment(ranked, y.sort().values)


def test_edges_in_one_direction_are_compared_whatever_their_ends():
    graph = topics(200, same=True)
    up = graph.edge_index.sort(dim=0).values.unique(dim=1)
    down, both = up.flip(0), torch.cat([up, up, up.flip(0)], dim=1)
    found = [
        check_text_alignment(TextGraph(edge_index=edges, text=graph.text))
        for edges in (graph.edge_index, up, down, both)
    ]
    assert found[0].aligned and found == [found[0]] * 4


@pytest.mark.parametrize("name", ["x", "y"])
def test_an_array_in_the_place_of_a_tensor_is_named(name):
    graph = tiny()
    graph[name] = np.zeros(3)
    with pytest.raises(TypeError, match=f"{name} must be a torch.Tensor, got ndarray"):
        graph.check()


def test_alignment_needs_something_to_compare():
    none = torch.tensor([-1, -1])
    with pytest.raises(ValueError, match="no node has both"):
        check_alignment(none, torch.tensor([0, 1]))
    with pytest.raises(ValueError, match="a row per label"):
        check_alignment(none, torch.tensor([0, 1, 1]))
    with pytest.raises(ValueError, match="num_classes"):
        check_alignment(torch.tensor([0, 5]), torch.tensor([0, 5]), num_classes=3)
    with pytest.raises(ValueError, match="too few edges"):
        check_text_alignment(TextGraph(text=["a", "b"]))


def in_another_order(graph, seed):
    order = torch.randperm(graph.num_nodes, generator=torch.Generator().manual_seed(seed))
    return TextGraph(edge_index=graph.edge_index, text=[graph.text[i] for i in order.tolist()])


@pytest.mark.parametrize("seed", range(2))
def test_the_standard_library_is_aligned_and_in_another_order_is_not(seed):
    data = standard_library()
    graph = TextGraph.from_data(data, data.text)
    report = check_text_alignment(graph, seed=seed)
    assert report.aligned and report.deviations > 8 and report.score > 1.5 * report.chance
    with pytest.raises(ValueError, match=r"random orders.* standard deviations.*no more similar"):
        check_text_alignment(in_another_order(graph, seed), seed=seed)


@lru_cache
def standard_library():
    return python_stdlib()


def topics(count, *, same):
    """A ring of nodes that write about the subject of their neighbours, or just not about it."""
    words = ["cat dog cow hen", "red blue green pink"]
    text = [words[(i // (count // 2) if same else i) % 2] + f" item{i}" for i in range(count)]
    ends = torch.arange(count)
    return TextGraph(edge_index=torch.stack([ends, (ends + 1) % count]), text=text)


@pytest.mark.parametrize("same", [True, False])
def test_neighbours_of_other_subjects_are_evidence_too(same):
    report = check_text_alignment(topics(200, same=same))
    assert report.aligned and (report.deviations > 0) is same
    with pytest.raises(ValueError, match="different orders of nodes"):
        check_text_alignment(in_another_order(topics(2000, same=same), 0))


def test_edges_are_drawn_where_there_are_many():
    graph = topics(400, same=True)
    every, some = (check_text_alignment(graph, max_edges=count) for count in (400, 200))
    assert some.aligned and 0 < some.deviations < every.deviations
    assert check_text_alignment(graph, max_edges=200) == some
    assert check_text_alignment(graph, max_edges=200, seed=1) != some
    with pytest.raises(ValueError, match="max_edges must be at least 2, got 1"):
        check_text_alignment(graph, max_edges=1)


@pytest.mark.parametrize(
    "graph",
    [topics(6, same=True), TextGraph(edge_index=EDGES, text=["same words"] * 3)],
    ids=["small", "alike"],
)
def test_too_little_text_is_no_evidence(graph):
    with pytest.warns(UserWarning, match="too little to tell"):
        assert check_text_alignment(graph).aligned is None


def test_few_predictions_are_no_evidence():
    y = torch.tensor([0, 1, 2, 3, 0])
    with pytest.warns(UserWarning, match="100.0% of 5 labels, .* standard .*too few to tell"):
        assert check_alignment(y, y).aligned is None
    with pytest.warns(UserWarning, match="too few to tell"):
        check_alignment(torch.tensor([1, 2, 3, 0, 1, 0]), torch.tensor([0, 1, 2, 3, 0, 1]))
    # A weak predictor on many labels is not at chance, and one at chance is refused.
    generator = torch.Generator().manual_seed(0)
    many = torch.randint(5, (2000,), generator=generator)
    noise = torch.randint(5, (2000,), generator=generator)
    weak = torch.where(torch.rand(2000, generator=generator) < 0.15, many, noise)
    assert check_alignment(weak, many).aligned
    with pytest.raises(
        ValueError, match=r"of 2000 labels, .* from chance .*another order of nodes"
    ):
        check_alignment(noise, many)


# --- own folders ----------------------------------------------------------------------------------


def folder(path, nodes="id,text\n1,a\n2,b\n", edges="src,dst\n1,2\n", classes='["c", "d"]'):
    (path / "nodes.csv").write_text(nodes)
    (path / "edges.csv").write_text(edges)
    (path / "classes.json").write_bytes(classes.encode() if isinstance(classes, str) else classes)
    return path


def test_names_of_classes_are_kept_without_labels(tmp_path):
    graph = TextGraph.from_csv(folder(tmp_path), label_descriptions={"d": "D.", "c": "C."})
    assert graph.y is None
    assert (graph.label_names, graph.label_descriptions) == (["c", "d"], ["C.", "D."])
    plain = nx.Graph()
    plain.add_node(1, text="a")
    assert TextGraph.from_networkx(plain, label_names=["c", "d"]).num_label_names == 2


@pytest.mark.parametrize("classes", ['\ufeff["c", "d"]', '{"1": "d", "0": "c"}'])
def test_forms_of_classes(tmp_path, classes):
    assert TextGraph.from_csv(folder(tmp_path, classes=classes)).label_names == ["c", "d"]


@pytest.mark.parametrize("classes", ["[", '"c"', b'["\xff"]', '{"0": "c", "2": "d"}'])
def test_broken_classes_are_named(tmp_path, classes):
    with pytest.raises(ValueError, match=r"classes\.json"):
        TextGraph.from_csv(folder(tmp_path, classes=classes))


def test_a_header_alone_is_told_from_a_missing_column(tmp_path):
    with pytest.raises(ValueError, match=r"nodes\.csv has a header and no nodes"):
        TextGraph.from_csv(folder(tmp_path, nodes="id,text\n"))
    with pytest.raises(ValueError, match=r"edges\.csv needs columns for both ends"):
        TextGraph.from_csv(folder(tmp_path, edges="a,b\n"))


def test_labels_that_are_ids_are_refused(tmp_path):
    nodes = "id,text,label\n1,a,20240131\n2,b,20240201\n"
    path = folder(tmp_path, nodes=nodes) / "nodes.csv"
    with pytest.raises(ValueError, match="numbers of classes from 0, got 20240201"):
        TextGraph.from_csv(path)
    named = TextGraph.from_csv(path, label_names=["20240131", "20240201"])
    assert named.y.tolist() == [0, 1]


def test_nan_is_no_label():
    graph = nx.Graph()
    graph.add_node(1, text="a", label=float("nan"))
    graph.add_node(2, text="b", label="cats")
    found = TextGraph.from_networkx(graph)
    assert (found.y.tolist(), found.label_names) == ([-1, 0], ["cats"])


def test_numbers_of_names_are_integers():
    with pytest.raises(TypeError, match="y must hold numbers of label_names, integers"):
        tiny(y=torch.tensor([0.5, 1.0, 0.0]))


def test_graphs_that_lack_what_is_asked_for_are_refused():
    graph = nx.Graph()
    graph.add_nodes_from((i, {"text": "a"}) for i in range(2))
    graph.add_edge(0, 1)
    with pytest.raises(ValueError, match=r"1 edges have no attribute 'why': \[\(0, 1\)\]"):
        TextGraph.from_networkx(graph, edge_text="why")
    bare = TextGraph(edge_index=EDGES, text=["a", "b", "c"])
    del bare["text"]
    with pytest.raises(ValueError, match="text must be given: a TextGraph needs a text"):
        bare.check()
    described = {"c": "C.", "d": "D."}  # by name, where a list is wanted: not the names themselves
    with pytest.raises(TypeError, match="label_descriptions must be a list, got dict"):
        TextGraph.from_networkx(graph, label_names=["c", "d"], label_descriptions=described)
