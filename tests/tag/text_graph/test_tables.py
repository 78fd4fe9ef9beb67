"""Tables of every kind make the same graph, and what is wrong with one is named with its place."""

from __future__ import annotations

import gzip
import json
import lzma
import pickle
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch_geometric.transforms import LargestConnectedComponents, RemoveIsolatedNodes

from graphlab.tag import TextEncoder, TextGraph, encode_nodes
from graphlab.tag.text_graph import StoredTexts
from graphlab.tag.text_graph._sources.frame import HubTable
from tests.tag.text_graph.test_text_graph import named

NODES = {
    "label": ["dogs", None, "cats", "cats"],
    "title": ["T1", "T2", "T3", "T4"],
    "id": ["n7", "n3", "x", "alone"],
    "abstract": ['has "quotes",\ncommas', None, "A3", "  "],
    "split": ["train", "none", "validation", "test"],
}
EDGES = {"dst": ["n7", "x", "x", "n3"], "src": ["x", "x", "n7", "n7"], "why": ["a", "b", "c", "d"]}
ARROW = "pyarrow is not installed: pip install graphlab[tables]"
HUB = "datasets is not installed: pip install graphlab[tables]"


def records(columns):
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def csv_text(columns, sep=","):
    quoted = [['"' + (v or "").replace('"', '""') + '"' for v in row.values()]
              for row in records(columns)]  # fmt: skip
    return "\n".join([sep.join(columns), *(sep.join(row) for row in quoted), ""])


def arrow_table(columns):
    return pytest.importorskip("pyarrow", reason=ARROW).table(columns)


def in_a_file(columns, path, kind):
    path = path.with_suffix(f".{kind}")
    if kind == "csv":
        path.write_text(csv_text(columns), encoding="utf-8")
    elif kind == "tsv":
        path.write_bytes(csv_text(columns, "\t").encode("utf-16"))
    elif kind == "csv.gz":
        path.write_bytes(gzip.compress(csv_text(columns, ";").encode()))
    elif kind == "jsonl":
        lines = [json.dumps(row) for row in records(columns)]
        path.write_text("\n".join([*lines, "", ""]), encoding="utf-8-sig")
    elif kind == "ndjson.xz":
        # What is none may be left out.
        rows = [{k: v for k, v in row.items() if v is not None} for row in records(columns)]
        path.write_bytes(lzma.compress("\n".join(map(json.dumps, rows)).encode()))
    elif kind == "parquet":
        table = arrow_table(columns)
        pytest.importorskip("pyarrow.parquet").write_table(table, path, row_group_size=3)
    else:
        ipc = pytest.importorskip("pyarrow.ipc", reason=ARROW)
        table = arrow_table(columns)
        new = ipc.new_stream if kind == "arrow" else ipc.new_file
        with new(str(path), table.schema) as writer:
            writer.write_table(table, max_chunksize=3)
    return path


FILES = ("csv", "tsv", "csv.gz", "jsonl", "ndjson.xz", "parquet", "arrow", "feather")


def in_memory(columns, kind):
    if kind == "dict":
        return columns
    if kind == "pandas":
        pandas = pytest.importorskip("pandas")
        return pandas.DataFrame(columns).astype({"split": "category"} if "id" in columns else {})
    if kind == "pyarrow":
        return arrow_table(columns)
    if kind == "polars":
        pytest.importorskip("pyarrow", reason=ARROW)
        return pytest.importorskip("polars", reason="polars is not installed").DataFrame(columns)
    hub = pytest.importorskip("datasets", reason=HUB)
    data = hub.Dataset.from_dict(columns)
    return data if kind == "datasets" else data.to_iterable_dataset()


OBJECTS = ("dict", "pandas", "pyarrow", "polars", "datasets", "streamed")


def assert_is_the_graph(graph):
    assert graph.node_id == ["n7", "n3", "x", "alone"]
    assert list(graph.text) == ['T1\n\nhas "quotes",\ncommas', "T2", "T3\n\nA3", "T4"]
    assert (graph.label_names, graph.y.tolist()) == (["cats", "dogs"], [1, -1, 0, 0])
    assert graph.edge_index.tolist() == [[0, 0, 0, 1, 2, 2], [1, 2, 2, 0, 0, 0]]
    assert graph.edge_text == ["d", "a", "c", "d", "a", "c"]
    assert graph.train_mask.tolist() == [True, False, False, False]
    assert graph.val_mask.tolist() == [False, False, True, False]


@pytest.mark.parametrize("kind", FILES)
def test_files_of_every_kind_are_the_same_graph(kind, tmp_path):
    nodes = in_a_file(NODES, tmp_path / "nodes", kind)
    edges = in_a_file(EDGES, tmp_path / "edges", kind)
    graph = TextGraph.from_tables(nodes, edges, edge_text_column="why")
    assert_is_the_graph(graph)
    stored = TextGraph.from_tables(nodes, edges, edge_text_column="why", text_file=tmp_path / "t")
    assert isinstance(stored.text, StoredTexts)
    assert_is_the_graph(stored)
    directed = TextGraph.from_tables(nodes, edges, undirected=False, edge_text_column="why")
    assert directed.edge_index.tolist() == [[2, 2, 0, 0], [0, 2, 2, 1]]
    assert directed.edge_text == ["a", "b", "c", "d"]
    if kind not in ("csv.gz", "ndjson.xz"):
        assert TextGraph.from_tables(tmp_path).num_edges == 4


@pytest.mark.parametrize("kind", OBJECTS)
def test_tables_in_memory_are_the_same_graph(kind, tmp_path):
    nodes, edges = in_memory(NODES, kind), in_memory(EDGES, kind)
    assert_is_the_graph(TextGraph.from_tables(nodes, edges, edge_text_column="why"))
    mixed = in_a_file(EDGES, tmp_path / "edges", "csv")
    assert_is_the_graph(TextGraph.from_tables(nodes, mixed, edge_text_column="why"))


@pytest.mark.parametrize(
    ("ids", "ends"),
    [
        ([7, 3], ["7", "3"]),
        ([7.0, 3.0], [7, 3]),
        (["7", "3"], [7.0, 3.0]),
        (np.array([7, 3], np.uint8), np.array(["7", "3"])),
        ([b"7", b"3"], [7, 3]),
    ],
)
def test_whole_numbers_are_the_same_ids_however_a_table_keeps_them(ids, ends):
    nodes = {"id": ids, "text": ["a", "b"]}
    graph = TextGraph.from_tables(nodes, {"src": ends[:1], "dst": ends[1:]}, undirected=False)
    assert graph.node_id == ["7", "3"] and graph.edge_index.tolist() == [[0], [1]]


def test_other_values_are_written_as_python_does():
    nodes = {"id": [0.5, True, np.float32(1.25)], "text": ["a", "b", "c"]}
    assert TextGraph.from_tables(nodes).node_id == ["0.5", "True", "1.25"]


def test_rows_without_a_column_of_ids_have_their_index():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"Text": ["a", None, "c"], "Label": [1.0, 0.0, np.nan]}).dropna(
        subset="Text"
    )
    graph = TextGraph.from_tables(frame, {"src": [0], "dst": [2]})
    assert graph.node_id == ["0", "2"] and graph.y.tolist() == [1, -1]
    assert graph.edge_index.tolist() == [[0, 1], [1, 0]]
    assert TextGraph.from_tables({"text": ["a", "b"]}).node_id == ["0", "1"]


def test_class_labels_bring_their_names():
    hub = pytest.importorskip("datasets", reason=HUB)
    kinds = {"text": hub.Value("string"), "label": hub.ClassLabel(names=["cats", "dogs", "cows"])}
    rows = {"text": ["a", "b"], "label": [1, 0]}
    data = hub.Dataset.from_dict(rows, features=hub.Features(kinds))
    graph = TextGraph.from_tables(data.with_format("torch"))
    assert (graph.label_names, graph.y.tolist()) == (["cats", "dogs", "cows"], [1, 0])
    with pytest.raises(TypeError, match=r"nodes must be one split, nodes=data\[\.\.\.\], got"):
        TextGraph.from_tables(hub.DatasetDict({"train": data}))


class Streamed:
    """What a data set of Hugging Face looks like from outside; it may not know its columns."""

    __module__ = "datasets.arrow_dataset"

    def __init__(self, rows, features=None, *, known=True):
        self.rows, self.features = rows, features
        self.column_names = list(rows[0]) if known and rows else None

    def __iter__(self):
        return iter(self.rows)

    def select_columns(self, names):
        return Streamed([{name: row[name] for name in names} for row in self.rows])

    def iter(self, batch_size):
        for start in range(0, len(self.rows), batch_size):
            part = self.rows[start : start + batch_size]
            yield {name: [row[name] for row in part] for name in part[0]}


class Formatted(Streamed):
    """One that gives tensors unless it is asked for plain values."""

    __module__ = "datasets.arrow_dataset"

    def select_columns(self, names):
        return Formatted(super().select_columns(names).rows)

    def with_format(self, kind):
        assert kind is None
        return Streamed(self.rows)

    def iter(self, batch_size):
        raise AssertionError("the values must be plain")


@pytest.mark.parametrize("kind", [Streamed, Formatted])
@pytest.mark.parametrize("known", [True, False])
def test_data_sets_of_the_hub_are_read_by_parts(kind, known):
    nodes, edges = (kind(records(columns), known=known) for columns in (NODES, EDGES))
    assert_is_the_graph(TextGraph.from_tables(nodes, edges, edge_text_column="why"))


def test_classes_of_the_hub_bring_their_names():
    rows = [{"text": "a", "label": 1}, {"text": "b", "label": 0}]
    label = SimpleNamespace(names=["cats", "dogs", "cows"])
    data = Streamed(rows, {"text": SimpleNamespace(), "label": label}, known=False)
    graph = TextGraph.from_tables(data)
    assert (graph.label_names, graph.y.tolist()) == (["cats", "dogs", "cows"], [1, 0])
    with pytest.raises(ValueError, match="nodes has no column text, only"):
        TextGraph.from_tables(Streamed([], known=False))


# --- texts that stay in a file ----------------------------------------------------------------


def stored_graph(tmp_path, count, edges):
    graph = named(count, edges)
    graph.text = StoredTexts.write(graph.text, tmp_path / "texts")
    return graph


def test_texts_in_a_file_follow_their_nodes(tmp_path):
    graph = stored_graph(tmp_path, 7, [[4, 2], [2, 1], [1, 5], [3, 0]])
    half = torch.tensor([1, 0])
    for part in (
        graph.check(),
        graph.subgraph(half),
        graph.subgraph(torch.arange(7) < 2),
        RemoveIsolatedNodes()(graph),
        LargestConnectedComponents()(graph),
        graph.clone().cpu(),
        graph.sort(),
        pickle.loads(pickle.dumps(graph)),
    ):
        assert isinstance(part, TextGraph) and isinstance(part.text, StoredTexts)
        part.check()
        assert list(part.text) == [f"node {i}" for i in part.node_id.tolist()]
    twice = graph.concat(graph)
    assert twice.text == [*graph.text] * 2 and isinstance(graph.text, StoredTexts)


def test_what_takes_texts_takes_those_of_a_file(tmp_path):
    listed = named(3, [[2, 0], [0, 1], [1, 2]])
    graph = stored_graph(tmp_path, 3, [[2, 0], [0, 1], [1, 2]])
    encoder = TextEncoder("hashing")
    assert torch.equal(encode_nodes(graph, encoder).x, encode_nodes(listed, encoder).x)
    store = encoder.encode_to(graph.text, tmp_path / "rows", dtype="float32")
    assert torch.equal(store.tensor(), encoder.encode(listed.text))
    made = TextGraph.from_data(listed, graph.text)
    assert isinstance(made.text, StoredTexts)


def test_a_clone_has_a_list_of_its_own():
    graph = named(3, [[2, 0]])
    graph.clone().text[0] = "another"
    assert graph.text[0] == "node 0"


# --- what is wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": ["a", None]}, r"nodes, row 1 lacks the id of its node \(column 'id', got None"),
        ({"id": [1.0, float("nan")]}, r"nodes, row 1 lacks the id .* got nan"),
        ({"id": ["a", "a"]}, r"nodes repeats 1 ids: \['a'\], the first in rows \[0, 1\]"),
        ({"id": [["a"], ["b"]]}, r"nodes, row 0, column 'id' must hold a text or a number, got"),
        ({"text": ["x", None]}, r"nodes has nodes without text \(text\), in row 1"),
        ({"text": [float("nan"), " "]}, r"nodes without text \(text\), in rows \[0, 1\]"),
        ({"text": [{"a": 1}, "x"]}, r"row 0, column 'text' must hold a text .* got dict"),
        ({"label": [20240131, 20240201]}, r"nodes, column 'label': .*got 20240201"),
        ({"label": [[1], [2]]}, r"nodes, column 'label': labels must be one number or name"),
        ({"label": [1]}, r"the columns of nodes must have one length, got .*'label': 1"),
        ({"text": "xy"}, r"nodes\['text'\] must be a list of values, got str"),
        ({"id": [], "text": []}, "nodes has a header and no nodes"),
    ],
)
def test_wrong_nodes_are_named(change, message):
    nodes = {"id": ["a", "b"], "text": ["x", "y"]} | change
    with pytest.raises((ValueError, TypeError), match=message):
        TextGraph.from_tables(nodes)


@pytest.mark.parametrize(
    ("end", "message"),
    [
        ("q", r"edges, row 1 names the unknown node 'q' in column 'dst' \(nodes are 'a', '7'"),
        (" a", r"'dst': there is 'a', without spaces"),
        ("7.0", r"'dst': there is '7'; write whole numbers without a fraction"),
        ("07", r"'dst': there is '7', without zeros in front"),
        (None, r"edges, row 1 lacks the node in column 'dst'"),
    ],
)
def test_wrong_edges_are_named(end, message):
    nodes = {"id": ["a", "7"], "text": ["x", "y"]}
    with pytest.raises(ValueError, match=message):
        TextGraph.from_tables(nodes, {"src": ["a", "a"], "dst": ["7", end]})


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("n.jsonl", '{"id": "a", "text": "x"}\n{"id": ', r"n\.jsonl, line 2 must hold one JSON"),
        ("n.jsonl", '{"text": "x"}\n\n{"text": "y"}\n', r"n\.jsonl, line 2 is empty"),
        ("n.jsonl", '[{"text": "x"}]', r"line 1 must hold one JSON object, got list.*read_json"),
        ("n.jsonl", '{"id": "a", "text": NaN}', r"nodes without text \(text\), in line 1"),
        ("n.parquet", "id,text\na,x\n", r"n\.parquet cannot be read as parquet"),
        ("n.arrow", "id,text\na,x\n", r"n\.arrow cannot be read as arrow"),
        ("n.csv", "PK\x03\x04", "zip archive or a spreadsheet"),
        ("n.csv", 'id,text\na,"one\ntwo"\n,x\n', r"n\.csv, line 4 lacks the id"),
        ("n.csv", "id,text\na,x\nb,y,z\n\n", r"line 3 has 3 fields, the header 2: 'b,y,z'"),
        ("n.csv", "id,text\n\n", "has a header and no nodes"),
        ("n.csv", "", "has no column text"),
    ],
)
def test_wrong_files_are_named_by_line(name, content, message, tmp_path):
    if name.endswith(("parquet", "arrow")):
        pytest.importorskip("pyarrow", reason=ARROW)
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=message):
        TextGraph.from_tables(tmp_path / name)


def test_damaged_archives_are_named(tmp_path):
    path = tmp_path / "n.csv.gz"
    path.write_bytes(gzip.compress(b"id,text\n" + b"a,x\n" * 1000)[:-20])
    with pytest.raises(ValueError, match=r"n\.csv\.gz is damaged and cannot be unpacked"):
        TextGraph.from_tables(path)


def test_arguments_that_mean_nothing_are_refused(tmp_path):
    nodes = {"text": ["x"]}
    with pytest.raises(ValueError, match="encoding is for text files, got 'utf-16'"):
        TextGraph.from_tables(nodes, encoding="utf-16")
    with pytest.raises(ValueError, match="sep is for CSV files, got ';'"):
        TextGraph.from_tables(nodes, sep=";")
    with pytest.raises(ValueError, match=r"sep is for CSV files, got ';' for .*n\.jsonl"):
        TextGraph.from_tables(tmp_path / "n.jsonl", sep=";")
    with pytest.raises(FileNotFoundError, match=r"there is no file .*n\.parquet"):
        TextGraph.from_tables(tmp_path / "n.parquet")
    with pytest.raises(ValueError, match=r"nodes has no column \['words'\], only "):
        TextGraph.from_tables(nodes, text_columns="words")
    with pytest.raises(TypeError, match="nodes must be a path, .* got int"):
        TextGraph.from_tables(3)
    with pytest.raises(ValueError, match="source_column and target_column must differ"):
        TextGraph.from_tables(nodes, {"a": ["0"]}, source_column="a", target_column="a")
    (tmp_path / "nodes.csv").write_text("text\nx\n")
    with pytest.raises(ValueError, match="is no file of texts: it will not be replaced"):
        TextGraph.from_csv(tmp_path / "nodes.csv", text_file=tmp_path / "nodes.csv")
    with pytest.raises(ValueError, match="sep must be one character"):
        TextGraph.from_csv(tmp_path / "nodes.csv", sep="::")
    (tmp_path / "nodes.jsonl").write_text('{"text": "x"}')
    with pytest.raises(ValueError, match=r"holds several tables \['nodes.csv', 'nodes.jsonl'\]"):
        TextGraph.from_tables(tmp_path)


def test_a_split_that_is_none_is_told():
    with pytest.warns(UserWarning, match=r"'split' has none of train, .* but \['0', '1'\]"):
        graph = TextGraph.from_tables({"text": ["x", "y"], "split": [0, 1]})
    assert not graph.train_mask.any()


def test_a_very_long_line_is_read_and_a_broken_one_named(tmp_path):
    long = "w " * 5_000_000
    (tmp_path / "n.csv").write_text(f"id,text\na,{long}\nb,short\n,x\n")
    with pytest.raises(ValueError, match=r"n\.csv, line 4 lacks the id"):
        TextGraph.from_csv(tmp_path / "n.csv")
    (tmp_path / "n.csv").write_text(f"id,text\na,{long}\nb,short\n")
    graph = TextGraph.from_csv(tmp_path / "n.csv", text_file=tmp_path / "t")
    assert len(graph.text[0]) == len(long) - 1 and graph.text[1] == "short"


def test_tables_of_several_levels_or_splits_are_refused():
    pandas = pytest.importorskip("pandas", reason="comes with ogb")
    frame = pandas.DataFrame([["x"]], columns=pandas.MultiIndex.from_tuples([("text", "a")]))
    with pytest.raises(ValueError, match="nodes must have one level of columns, got 2"):
        TextGraph.from_tables(frame)
    with pytest.raises(TypeError, match=r"nodes must be one split, .*got \['train'\]"):
        HubTable({"train": None}, "nodes")


def test_descriptions_by_name_describe_every_class():
    nodes = {"text": ["x", "y"], "label": ["c", "d"]}
    names = {"label_names": ["c", "d"]}
    graph = TextGraph.from_tables(nodes, label_descriptions={"d": "D.", "c": "C."}, **names)
    assert graph.label_descriptions == ["C.", "D."]
    listed = TextGraph.from_tables(nodes, label_descriptions=("C.", "D."), **names)
    assert listed.label_descriptions == ["C.", "D."]
    with pytest.raises(
        ValueError, match=r"label_descriptions must describe \['c', 'd'\], got \['c'"
    ):
        TextGraph.from_tables(nodes, label_descriptions={"c": "C."}, **names)
