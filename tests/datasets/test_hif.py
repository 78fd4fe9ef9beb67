"""The interchange format: conformance files, losslessness, errors that name the entry."""

from __future__ import annotations

import gzip
import json
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from torch_geometric.data.hypergraph_data import HyperGraphData

from graphlab.datasets import read_hif, write_hif
from graphlab.datasets._schema import validate
from graphlab.hyper import project
from tests._data import find_data_root, test_data_root

FAULTS = {
    "bad_edge_field": r"edges\[0\] has the unknown field 'test'",
    "bad_edge_without_id": r"edges\[0\] lacks the field 'edge'",
    "bad_incidence_field": r"incidences\[0\] has the unknown field 'test'",
    "bad_network_type": r"network-type must be one of .* got 'bad",
    "bad_node_field": r"nodes\[0\] has the unknown field 'test'",
    "bad_node_float": r"nodes\[0\].node must be of type string or integer, got 1.23",
    "bad_node_without_id": r"nodes\[0\] lacks the field 'node'",
    "bad_top_level_field": "has the unknown field 'test'",
    "empty": "lacks the field 'incidences'",
    "extra_fields_with_direction": "has the unknown field 'extra_field'",
    "invalid_direction_value": "direction must be one of .* got 'invalid_value'",
    "metadata_as_list": "metadata must be of type object, got",
    "missing_required_field_incidence": "lacks the field 'node'",
    "missing_required_fields_with_direction": r"incidences\[0\] lacks the field 'edge'",
    "single_incidence_with_direction_not_in_enum": "direction must be one of .* got 'side'",
    "single_incidence_with_weight_as_string": "weight must be of type number, got 'hello'",
}


def files(kind):
    root = find_data_root()
    folder = None if root is None else root / "hypergraph" / "hif" / kind
    return sorted(folder.glob("*.json")) if folder is not None and folder.is_dir() else [None]


def need(path):
    if path is None:
        test_data_root("hypergraph", "hif", "compliant")
        pytest.skip("needs the conformance files of the format")


@pytest.mark.parametrize("path", files("compliant"), ids=lambda p: getattr(p, "stem", "none"))
def test_compliant_files_survive(path, tmp_path):
    need(path)
    write_hif(read_hif(path), tmp_path / "again.json")
    again = json.loads((tmp_path / "again.json").read_text(encoding="utf-8"))
    assert again == json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", files("non-compliant"), ids=lambda p: getattr(p, "stem", "none"))
def test_other_files_are_refused_with_the_fault(path):
    need(path)
    with pytest.raises(ValueError, match=FAULTS[path.stem]):
        read_hif(path)


@pytest.mark.parametrize(
    ("name", "nodes", "edges"),
    [
        ("lesmis.hif", 80, 402),
        ("publications_main_component.hif", None, 33),
        ("diseasome", 516, None),
    ],
)
def test_published_files_survive(name, nodes, edges, tmp_path):
    path = test_data_root("hypergraph", "hif", f"{name}.json")
    data = read_hif(path)
    assert nodes is None or data._store["num_nodes"] == nodes
    assert edges is None or data.num_hyperedges == edges
    write_hif(data, tmp_path / "again.json")
    again = json.loads((tmp_path / "again.json").read_text(encoding="utf-8"))
    assert again == json.loads(path.read_text(encoding="utf-8"))
    project(data)


def write(tmp_path, content):
    path = tmp_path / "case.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_numbers_weights_and_ids(tmp_path):
    content = {
        "incidences": [
            {"edge": "e", "node": 1, "weight": 0.5},
            {"edge": "e", "node": "1"},
            {"edge": 7, "node": 1, "direction": "head"},
        ],
        "nodes": [{"node": "lone", "attrs": {"x": [1]}}],
        "edges": [{"edge": "empty"}, {"edge": "e", "weight": -2}],
        "metadata": {"a": {"b": 1}},
    }
    data = read_hif(write(tmp_path, content))
    assert data.node_id == ["lone", 1, "1"] and data.hyperedge_id == ["empty", "e", 7]
    assert data.edge_index.tolist() == [[1, 2, 1], [1, 1, 2]]
    assert data.incidence_weight.tolist() == [0.5, 1.0, 1.0]
    data.incidence_weight[2] = 3
    write_hif(data, tmp_path / "again.json")
    content["incidences"][2]["weight"] = 3.0
    assert json.loads((tmp_path / "again.json").read_text(encoding="utf-8")) == content


def test_what_no_incidence_names_is_listed(tmp_path):
    content = {
        "incidences": [{"edge": "e", "node": "a"}],
        "nodes": [{"node": "lone", "weight": 2}],
        "metadata": {"a": 1},
    }
    data = read_hif(write(tmp_path, content))
    data.node_id, data.num_nodes = [*data.node_id, "new"], 3
    data.hyperedge_id, data.num_hyperedges = [*data.hyperedge_id, "empty"], 2
    write_hif(data, tmp_path / "again.json")
    content["nodes"].append({"node": "new"})
    content["edges"] = [{"edge": "empty"}]
    assert json.loads((tmp_path / "again.json").read_text(encoding="utf-8")) == content


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([{"a": [1]}, {"a": []}], None),
        ([{"a": [1]}, {"a": [2, "x"]}], r"top\[1\]\.a\[1\] must be of type integer, got 'x'"),
    ],
)
def test_lists_in_records_are_looked_into(value, message):
    numbers = {"type": "array", "items": {"type": "integer"}}
    schema = {"type": "array", "items": {"type": "object", "properties": {"a": numbers}}}
    with nullcontext() if message is None else pytest.raises(ValueError, match=message):
        validate(value, schema, "top")


def test_plain_data_keeps_isolated_nodes_and_empty_hyperedges(tmp_path):
    index = torch.tensor([[0, 1], [0, 0]])
    data = HyperGraphData(edge_index=index, num_nodes=3, num_hyperedges=2)
    write_hif(data, tmp_path / "plain.json")
    again = read_hif(tmp_path / "plain.json")
    assert (again._store["num_nodes"], again.num_hyperedges) == (3, 2)
    assert torch.equal(project(again), project(data))


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("{", "not a JSON file"),
        ("[1]", "JSON object, got list"),
        ('{"incidences": [{"edge": true, "node": 1}]}', "got True"),
        ('{"incidences": [{"edge": 1, "node": 1, "weight": NaN}]}', "must be finite"),
        (
            '{"incidences": [{"edge": 1, "node": 1, "weight": 1' + "0" * 400 + "}]}",
            "a weight of an incidence is too large",
        ),
        ('{"incidences": 3}', "incidences must be of type array"),
    ],
)
def test_malformed_files(tmp_path, content, match):
    with pytest.raises(ValueError, match=match):
        read_hif(write(tmp_path, content))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"node_id": ["a"]}, "node_id must have 2 entries"),
        ({"node_id": ["a", "a"]}, "must not repeat"),
        ({"num_nodes": 1}, "too small"),
        ({"incidence_weight": torch.ones(5)}, "incidence_weight must have 2 entries"),
        ({"hif": {"incidences": []}}, "must have 2 entries, got 0"),
        ({"hif": {"surprise": 1}}, "unknown field 'surprise'"),
        ({"node_id": [1.5, 2.5]}, "must be of type string or integer"),
    ],
)
def test_write_errors(tmp_path, change, match):
    base = {"edge_index": torch.tensor([[0, 1], [0, 0]]), "num_nodes": 2, "num_hyperedges": 1}
    with pytest.raises(ValueError, match=match):
        write_hif(HyperGraphData(**{**base, **change}), tmp_path / "x.json")
    with pytest.raises(ValueError, match="edge_index"):
        write_hif(HyperGraphData(num_nodes=2), tmp_path / "x.json")


def test_sizes_that_only_the_rows_state(tmp_path):
    data = HyperGraphData(
        edge_index=torch.tensor([[0, 1], [0, 0]]), x=torch.zeros(4, 2), edge_attr=torch.zeros(3, 1)
    )
    match = r"hypergraph has 'x', 'edge_attr', which write_hif leaves out"
    with pytest.warns(UserWarning, match=match):
        write_hif(data, tmp_path / "x.json")
    again = read_hif(tmp_path / "x.json")
    assert (again._store["num_nodes"], again._store["num_hyperedges"]) == (4, 3)


@pytest.mark.parametrize("kind", [torch.tensor, np.array])
def test_ids_of_the_readers_are_written(tmp_path, kind):
    data = HyperGraphData(
        edge_index=torch.tensor([[0, 1], [0, 0]]),
        num_nodes=2,
        num_hyperedges=1,
        node_id=kind([7, 5]),
    )
    write_hif(data, tmp_path / "x.json")
    assert read_hif(tmp_path / "x.json").node_id == [7, 5]


@pytest.mark.parametrize(
    ("index", "error"),
    [([[0, -1], [0, 0]], IndexError), ([[0.0, 1.0], [0.0, 0.0]], TypeError), ([0, 1], ValueError)],
)
def test_numbers_that_are_no_incidence_are_not_written(tmp_path, index, error):
    data = HyperGraphData(edge_index=torch.tensor(index), num_nodes=3, num_hyperedges=1)
    with pytest.raises(error, match="edge_index"):
        write_hif(data, tmp_path / "x.json")
    assert not (tmp_path / "x.json").exists()


def test_marks_tildes_and_packed_files_are_read(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    content = json.dumps({"incidences": [{"node": "é", "edge": 1}]}, ensure_ascii=False)
    for text in (content.encode("utf-8-sig"), gzip.compress(content.encode())):
        (tmp_path / "h.json").write_bytes(text)
        data = read_hif("~/h.json")
        assert data.node_id == ["é"] and (data.num_nodes, data.num_edges) == (1, 1)
    write_hif(data, "~/again.json")
    assert (tmp_path / "again.json").is_file()
    (tmp_path / "h.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(ValueError, match="line 1: byte 0xe9 is not utf-8"):
        read_hif("~/h.json")


def test_ids_of_numpy_are_written(tmp_path):
    data = HyperGraphData(edge_index=torch.tensor([[0, 1], [0, 0]]), num_nodes=2)
    data.node_id = [np.int64(5), np.str_("a")]
    data.hyperedge_id = [np.int16(3)]
    write_hif(data, tmp_path / "ids.json")
    again = read_hif(tmp_path / "ids.json")
    assert again.node_id == [5, "a"] and again.hyperedge_id == [3]
