"""Texts find their nodes by name; what cannot be joined so is told, not joined by position."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import torch
from torch_geometric.data import Data

from graphlab.tag import TextGraph

pandas = pytest.importorskip("pandas")

PAIR = Data(edge_index=torch.tensor([[0], [1]]), num_nodes=2)


# --- texts of a Data ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "node_id"),
    [
        ({"a": "A", "b": "B"}, ["b", "a"]),
        (pandas.Series({"a": "A", "b": "B"}), ["b", "a"]),
        (pandas.Series({"z": "Z", "a": "A", "b": "B"}), np.array(["b", "a"])),
        (pandas.Series({"a": "A", "b": "B"}), pandas.Series(["b", "a"])),
        (pandas.Series(["A", "B"], index=pandas.Index([0, 1], dtype=object)), [1, 0]),
        (pandas.Series({7: "B", 3: "A"}), torch.tensor([7, 3])),
        ({7: "B", 3: "A"}, torch.tensor([7, 3])),
        (pandas.Series(["A", "B"])[::-1], [1, 0]),
    ],
)
def test_a_series_joins_by_its_index_as_a_dict_does(text, node_id):
    graph = TextGraph.from_data(PAIR, text, node_id=node_id)
    assert graph.text == ["B", "A"]
    assert graph.node_id == (node_id if isinstance(node_id, list) else node_id.tolist())


@pytest.mark.parametrize("kind", [list, tuple, np.array, pandas.Series])
def test_texts_in_the_order_of_the_nodes_keep_their_names(kind):
    graph = TextGraph.from_data(PAIR, kind(["A", "B"]), node_id=[7, 3])
    assert (graph.text, graph.node_id) == (["A", "B"], [7, 3])
    assert "node_id" not in TextGraph.from_data(PAIR, kind(["A", "B"]))
    assert TextGraph.from_data(graph, kind(["C", "D"])).node_id == [7, 3]
    assert TextGraph.from_data(PAIR, kind(["A", "B"]), node_id=[0, 1]).text == ["A", "B"]


def test_a_series_that_was_numbered_by_hand_goes_by_its_numbers():
    by_hand = pandas.Series(["A", "B"], index=pandas.Index([0, 1], dtype=object))
    assert TextGraph.from_data(PAIR, by_hand).text == ["A", "B"]
    with pytest.raises(ValueError, match=r"node_id must name the nodes .* \[1, 0\] and so on"):
        TextGraph.from_data(PAIR, pandas.Series({1: "A", 0: "B"}))


def test_a_series_whose_numbers_are_the_names_in_another_order_must_say_which_it_means():
    # Numbered by pandas or by hand: ``Series({0: "A", 1: "B"})`` has the same index.
    text = pandas.Series(["A", "B"])
    with pytest.raises(
        ValueError, match=r"text\.tolist\(\) goes by position, text\.to_dict\(\) by"
    ):
        TextGraph.from_data(PAIR, text, node_id=[1, 0])
    assert TextGraph.from_data(PAIR, text.tolist(), node_id=[1, 0]).text == ["A", "B"]
    assert TextGraph.from_data(PAIR, text.to_dict(), node_id=[1, 0]).text == ["B", "A"]


@pytest.mark.parametrize(
    ("text", "node_id", "error", "message"),
    [
        (["A", "B"], ["zzz"], ValueError, "node_id must name the 2 nodes, got 1 names"),
        (["A", "B"], ["z", "z"], ValueError, r"node_id must be distinct, but \['z'\] repeat"),
        (["A", "B"], "ab", TypeError, "node_id must be a list of names, got str"),
        (["A", "B"], [["a"], ["b"]], TypeError, r"node_id must hold names .* got \['a'\]"),
        (["A"], ["a", "b"], ValueError, "text must have 2 entries, got 1"),
        (pandas.Series({"a": "A", "b": "B"}), None, ValueError, "an index of names, .* got None"),
        (pandas.Series({"a": "A", "b": "B"}), ["a", "q"], ValueError, r"lacks 1 nodes: \['q'\]"),
        (pandas.Series(["A", "B"], index=["a", "a"]), ["a", "b"], ValueError, "index of text must"),
        (pandas.DataFrame({"a": ["A"], "b": ["B"]}), None, TypeError, "got DataFrame: pass the"),
    ],
)
def test_names_that_do_not_fit_are_refused(text, node_id, error, message):
    with pytest.raises(error, match=message):
        TextGraph.from_data(PAIR, text, node_id=node_id)


def test_labels_follow_the_texts_they_came_with():
    data = Data(edge_index=PAIR.edge_index, y=torch.tensor([1, 0]), num_nodes=2)
    for text in ({"c": "C", "a": "A", "b": "B"}, pandas.Series({"c": "C", "a": "A", "b": "B"})):
        graph = TextGraph.from_data(data, text, node_id=["b", "a"], labels=[2, 0, 1])
        assert graph.text == ["B", "A"]
        with pytest.raises(ValueError, match="0.0% of the labels"):
            TextGraph.from_data(data, text, node_id=["b", "a"], labels=[2, 1, 0])
        with pytest.raises(ValueError, match="labels must have one entry per text, 3, got"):
            TextGraph.from_data(data, text, node_id=["b", "a"], labels=[1, 0])


# --- columns of ids with unusual names ------------------------------------------------------------


def nodes(**columns):
    return {"text": ["two", "zero", "one"], **columns}


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("paper_id", [2, 0, 1]),
        ("nodeId", ["b", "a", "c"]),
        ("Paper ID", [1, 2, 3]),
        ("index", [0, 2, 5]),
        ("Unnamed: 0", [0.0, 2.0, 5.0]),
        ("__index_level_0__", [9, 8, 7]),
    ],
)
def test_a_column_that_looks_like_ids_is_not_passed_over_in_silence(column, values, tmp_path):
    table = nodes(**{column: values})
    told = f"rows are the ids of the nodes, but '{column}' looks like ids: id_column='{column}'"
    tables = [table, pandas.DataFrame(table)]
    pandas.DataFrame(table).to_csv(tmp_path / "n.csv", index=False)
    for given in [*tables, tmp_path / "n.csv"]:
        with pytest.warns(UserWarning, match=told) as caught:
            graph = TextGraph.from_tables(given)
        assert graph.node_id == ["0", "1", "2"] and caught[0].filename == __file__
        assert TextGraph.from_tables(given, id_column=column).num_nodes == 3


def test_the_index_that_pandas_writes_is_told(tmp_path):
    frame = pandas.DataFrame(nodes())
    frame.to_csv(tmp_path / "n.csv")
    assert TextGraph.from_csv(tmp_path / "n.csv").num_nodes == 3
    frame.index = ["b", "a", "c"]
    frame.to_csv(tmp_path / "n.csv")
    with pytest.warns(UserWarning, match=r"but '' looks like ids: id_column='' takes them"):
        TextGraph.from_csv(tmp_path / "n.csv")
    assert TextGraph.from_csv(tmp_path / "n.csv", id_column="").node_id == ["b", "a", "c"]


def test_ids_are_judged_over_all_parts_of_a_file(tmp_path):
    count = 5000
    for last, told in ((count - 1, False), (count, True), (0, False)):
        frame = pandas.DataFrame({"doc_id": [*range(count - 1), last], "text": ["x"] * count})
        frame.to_csv(tmp_path / "n.csv", index=False)
        if told:
            with pytest.warns(UserWarning, match="'doc_id' looks like ids"):
                TextGraph.from_csv(tmp_path / "n.csv")
        else:
            TextGraph.from_csv(tmp_path / "n.csv")


@pytest.mark.parametrize(
    "columns",
    [
        {"paper_id": [0, 1, 2]},
        {"author_id": [7, 7, 3]},
        {"author_id": [7, None, 3]},
        {"author_id": [[7], [8], [3]]},
        {"paid": [30, 20, 10]},
        {"year": [2001, 2000, 1999]},
        {"": [7, 8, 9]},
        {"id": [4, 5, 6], "paper_id": [2, 0, 1]},
    ],
)
def test_columns_that_are_no_other_ids_bring_no_warning(columns):
    assert TextGraph.from_tables(nodes(**columns)).num_nodes == 3
    assert TextGraph.from_tables(nodes(**columns), text_columns="text").num_nodes == 3


def test_rows_that_have_names_or_whose_column_is_used_bring_no_warning():
    table = nodes(author_id=[5, 6, 4])
    frame = pandas.DataFrame(table)
    assert TextGraph.from_tables(frame.set_index("text", drop=False)).node_id[0] == "two"
    named = frame.set_index(pandas.Index([3, 1, 2], name="key"))
    assert TextGraph.from_tables(named).node_id == ["3", "1", "2"]
    assert TextGraph.from_tables(table, label_column="author_id").y is not None
    with pytest.warns(UserWarning, match="'author_id' looks like ids"):
        TextGraph.from_tables(frame[1:])


# --- texts of edges -------------------------------------------------------------------------------

THREE = {"id": [0, 1, 2], "text": ["a", "b", "c"]}


@pytest.mark.parametrize("gap", [np.nan, None, pandas.NA, "", "  ", float("nan")])
@pytest.mark.parametrize("undirected", [True, False])
def test_edges_without_text_are_refused_however_a_table_says_so(gap, undirected):
    edges = {"src": [0, 1], "dst": [1, 2], "rel": ["cites", gap]}
    for table in (edges, pandas.DataFrame(edges)):
        with pytest.raises(
            ValueError, match=r"edges has edges without text \(column 'rel'\), in row 1"
        ):
            TextGraph.from_tables(THREE, table, edge_text_column="rel", undirected=undirected)


def test_edges_without_text_are_named_by_line(tmp_path):
    (tmp_path / "e.csv").write_text("src,dst,rel\n0,1,cites\n1,2,\n2,0, \n")
    with pytest.raises(ValueError, match=r"e\.csv has edges without text .* in lines \[3, 4\]"):
        TextGraph.from_tables(THREE, tmp_path / "e.csv", edge_text_column="rel")


def test_a_loop_that_is_left_out_needs_no_text():
    edges = {"src": [0, 1], "dst": [1, 1], "rel": [1.0, None]}
    graph = TextGraph.from_tables(THREE, edges, edge_text_column="rel")
    assert graph.edge_text == ["1", "1"]


RELATIONS = {
    "src": [0, 0, 1, 0, 1, 2],
    "dst": [1, 1, 0, 1, 0, 2],
    "rel": ["lives in", "born in", "mother of", "born in", "born in", "loop"],
}


@pytest.mark.parametrize("kind", ["dict", "frame", "csv", "folder"])
def test_edges_that_say_different_things_are_different_edges(kind, tmp_path):
    edges = RELATIONS if kind == "dict" else pandas.DataFrame(RELATIONS)
    given = (THREE, edges)
    if kind in ("csv", "folder"):
        edges.to_csv(tmp_path / "edges.csv", index=False)
        pandas.DataFrame(THREE).to_csv(tmp_path / "nodes.csv", index=False)
        given = (tmp_path / "nodes.csv", tmp_path / "edges.csv") if kind == "csv" else (tmp_path,)
    graph = TextGraph.from_tables(*given, edge_text_column="rel")
    assert graph.edge_index.tolist() == [[0, 0, 0, 1, 1, 1], [1, 1, 1, 0, 0, 0]]
    assert graph.edge_text == ["lives in", "born in", "mother of"] * 2
    assert TextGraph.from_tables(*given).edge_index.tolist() == [[0, 1], [1, 0]]
    directed = TextGraph.from_tables(*given, edge_text_column="rel", undirected=False)
    assert directed.edge_text == RELATIONS["rel"]
    assert directed.coalesce().num_edges == 3


def test_tables_and_multigraphs_of_networkx_hold_the_same_edges():
    rng = np.random.default_rng(0)
    columns = {"src": rng.integers(0, 3, 60), "dst": rng.integers(0, 3, 60)}
    columns["rel"] = rng.choice(["a", "b", "c"], 60)
    made = TextGraph.from_tables(THREE, columns, edge_text_column="rel")
    g = nx.MultiGraph()
    g.add_nodes_from((i, {"text": text}) for i, text in enumerate(THREE["text"]))
    rows = zip(*(values.tolist() for values in columns.values()), strict=True)
    for a, b, rel in {(min(a, b), max(a, b), rel) for a, b, rel in rows if a != b}:
        g.add_edge(a, b, rel=rel)
    wanted = TextGraph.from_networkx(g, edge_text="rel")
    assert made.edge_index.tolist() == wanted.edge_index.tolist()

    def triples(graph):
        return sorted(
            (*ends, rel)
            for ends, rel in zip(graph.edge_index.t().tolist(), graph.edge_text, strict=True)
        )

    assert triples(made) == triples(wanted)


def test_tables_with_no_edges_but_a_column_of_texts():
    empty = pandas.DataFrame({"src": [], "dst": [], "rel": []})
    graph = TextGraph.from_tables(THREE, empty, edge_text_column="rel")
    assert graph.num_edges == 0 and graph.edge_text == []


@pytest.mark.parametrize("missing", [None, float("nan"), " "], ids=repr)
def test_a_row_without_a_name_in_its_index_is_named(missing):
    frame = pandas.DataFrame({"text": ["a", "b"]}, index=pandas.Index(["u", missing], name="paper"))
    with pytest.raises(ValueError, match="nodes, row 1 lacks the id of its node"):
        TextGraph.from_tables(frame)


def test_whole_numbers_in_an_index_are_the_ids_that_columns_make_of_them():
    frame = pandas.DataFrame({"text": ["a", "b"]}, index=pandas.Index([7.0, 8.0], name="paper"))
    graph = TextGraph.from_tables(frame, {"src": [7], "dst": [8.0]})
    assert graph.node_id == ["7", "8"] and graph.edge_index.tolist() == [[0, 1], [1, 0]]


def test_a_split_of_lists_is_named():
    table = {"text": ["a", "b"], "split": [["train"], ["val"]]}
    with pytest.raises(ValueError, match="row 0, column 'split' must hold a text or a number"):
        TextGraph.from_tables(table)
