"""Damaged files: each reader meets a few hundred, and all that were finds are met again.

``python -m tests.faults.fuzz --seconds 600`` is the long form.
"""

from __future__ import annotations

import json
import os
import re
import signal
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx
import numpy as np
import pytest
import scipy.sparse as sp
import torch

from graphlab import datasets, embed, hyper, tag
from graphlab._io import load_arrays, save_arrays
from graphlab._labels import encode_labels
from graphlab._plain_ids import plain_ids
from graphlab.datasets._sdcn_files import read_features, read_integers
from graphlab.hyper._trees import Forest
from graphlab.tag import graphclip
from graphlab.tag.embedding import EmbeddingStore
from graphlab.tag.embedding._cache import EmbeddingCache
from graphlab.tag.llm._cache import ReplyCache
from graphlab.tag.llm._completion import read_completion
from graphlab.tag.llm._error_body import inner_status
from graphlab.tag.llm._structured import json_values
from graphlab.tag.llm._thoughts import split_thoughts
from graphlab.tag.llm.batch import read_batch
from graphlab.tag.tape import Explanation, ExplanationTable, read_ranked_predictions
from tests._estimators import objects_of
from tests.faults.fuzz.hunt import Hang, hunt, timed
from tests.faults.fuzz.readers import COMPLETION, EXPLAINED, READERS

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs timers and limits of POSIX")

#: In the fast lane: some of each kind.
FEW = ("HIF", "simplices", "answers of a server", "saved PPRFingerprints", "saved CliqueSampler",
       "checkpoint of TAPE", "reply: thoughts")  # fmt: skip


@pytest.mark.parametrize("name", FEW)
def test_some_damaged_files(name):
    result = hunt(name, runs=40, seed=1)
    assert result.finds == {} and result.runs == 40


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_many_damaged_files(name):
    result = hunt(name, seconds=2.0, seed=2)
    assert result.finds == {}


def test_what_must_not_happen_is_found(monkeypatch):
    def bad(folder: Path) -> None:
        if b"null" in (folder / "a.json").read_bytes():
            return
        raise KeyError("x")

    wrong = READERS["JSON"].__class__(READERS["JSON"].files, bad)
    monkeypatch.setitem(READERS, "JSON", wrong)
    finds = hunt("JSON", runs=60).finds
    assert [kind.partition(" ")[0] for kind in finds] == ["KeyError"]


def written(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


# --- tables, hypergraphs, triples -----------------------------------------------------------------

LONG = "x" * 100_000


@pytest.mark.parametrize(
    ("name", "content", "read"),
    [
        ("e.csv", "source,source\na,b\n", lambda p: datasets.read_edge_list(p, header=True)),
        ("e.csv", f"source,target,w\na,b,{LONG}\n",
         lambda p: datasets.read_edge_list(p, weight="w")),
        ("e.csv", f"source,target,{LONG}\na,b,1\n",
         lambda p: datasets.read_edge_list(p, weight="w")),
        ("e.csv", f"source,{2 * LONG}\na,b\n", datasets.read_edge_list),
        ("e.csv", f"{LONG}\nb\n", lambda p: datasets.read_edge_list(p, sep=",", weight=LONG)),
        ("e.txt.bz2", b"BZh91AY&SY\x00\x00", datasets.read_edge_list),
        ("h.txt", "1 --5\n", datasets.read_hyperedge_list),
        ("h.txt", "1 1_0\n", datasets.read_hyperedge_list),
        ("h.txt", "1 \u0663\n", datasets.read_hyperedge_list),
        ("h.txt", f"1 {'9' * 5000}\n", datasets.read_hyperedge_list),
        ("h.txt", f"1 {LONG}\n", datasets.read_hyperedge_list),
        ("t.txt", "a\t\tb\n", datasets.read_triples),
        ("h.json", json.dumps({"incidences": [{"edge": 1, "node": 2, "weight": 10**400}]}),
         datasets.read_hif),
        ("h.json", json.dumps({"incidences": [], LONG: 1}), datasets.read_hif),
        ("h.json", '{"incidences": [{"edge": 1, "node": 2, "attrs": {"x": [1e999]}}]}',
         datasets.read_hif),
        ("h.json", '{"incidences": [{"edge": 1, "node": 2, "attrs": {"x": NaN}}]}',
         datasets.read_hif),
        ("l.txt", b"\xff\xfe", lambda p: read_integers(p, 1)),
        ("l.txt", "1_0 x\n", lambda p: read_integers(p, 1)),
        ("a.npz", b"PK\x03\x04", read_features),
        ("p.csv", f"{'9' * 5000}\n", lambda p: read_ranked_predictions(p, 1, 3, 2)),
        ("p.csv.gz", b"\x1f\x8b\x08", lambda p: read_ranked_predictions(p, 1, 3, 2)),
    ],
)  # fmt: skip
def test_the_message_names_the_file_and_is_short(name, content, read, tmp_path):
    path = written(tmp_path / name, content)
    with pytest.raises(ValueError) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 2_000


@pytest.mark.parametrize(
    ("nodes", "edges"),
    [
        (f"id,{LONG}\n1,a\n", "src,dst\n"),
        ("id,text\n1,a\n", f"src,{LONG}\n1,1\n"),
        ("id,text\n1,a\n", f"src,dst\n1,{LONG}\n"),
        (f"id,text\n{LONG},a\n", "src,dst\n1,2\n"),
        (f"id,text,{LONG},{LONG}\n1,a,,\n", "src,dst\n"),
    ],
)
def test_long_names_in_the_tables_of_a_text_graph_are_cut_in_messages(nodes, edges, tmp_path):
    written(tmp_path / "nodes.csv", nodes)
    written(tmp_path / "edges.csv", edges)
    with pytest.raises(ValueError, match=r"(nodes|edges)\.csv") as caught:
        tag.TextGraph.from_csv(tmp_path)
    assert len(str(caught.value)) < 2_000


def test_names_of_any_length_are_cut_in_messages_about_networks():
    graph = networkx.Graph([(LONG, "b")])
    with pytest.raises(ValueError, match="nodes have no attribute 'text'") as caught:
        tag.TextGraph.from_networkx(graph)
    assert len(str(caught.value)) < 2_000


def test_lists_among_the_weights_of_a_network_are_named():
    graph = networkx.Graph([("a", "b", {"weight": 1.0}), ("b", "c", {"weight": [1, 2]})])
    with pytest.raises(ValueError, match=r"'weight' = \[1, 2\]: a weight must be"):
        embed.FastRP(dim=4).fit_transform(graph)


def test_a_variable_without_its_parts_is_damage(tmp_path):
    header = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H2s", 0x0100, b"IM")
    path = written(tmp_path / "a.mat", header + struct.pack("<II", 14, 0))
    with pytest.raises(ValueError, match=r"a\.mat.*lacks a part"):
        datasets.read_multilabel_mat(path)


def test_numbers_that_no_file_may_hold_are_refused_before_writing(tmp_path):
    data = datasets.read_hif(written(tmp_path / "a.json", '{"incidences": []}'))
    data.hif["metadata"] = {"x": float("inf")}
    with pytest.raises(ValueError, match=r"hypergraph\.hif must hold finite numbers"):
        datasets.write_hif(data, tmp_path / "b.json")
    assert not (tmp_path / "b.json").exists()
    data.hif = {"nodes": [{"node": "a", "weight": float("inf")}]}
    with pytest.raises(ValueError, match=r"weight must be finite, got inf"):
        datasets.write_hif(data, tmp_path / "b.json")


@pytest.mark.parametrize(
    "sizes", ["1_0\n", "--1\n", "9" * 5000, "4611686018427387904\n" * 4, "\u0663\n"]
)
def test_sizes_of_simplices_are_plain_numbers_that_fit(sizes, tmp_path):
    written(tmp_path / "s-nverts.txt", sizes)
    written(tmp_path / "s-simplices.txt", "")
    with pytest.raises(ValueError, match="s-nverts"):
        datasets.read_simplices(tmp_path, "s")


def test_numbers_of_any_length_name_entities(tmp_path):
    path = written(tmp_path / "t.txt", f"{'9' * 5000}\tr\t10\n2\tr\t10\n")
    _, names = datasets.read_triples(path)
    assert names.entities == ("2", "10", "9" * 5000)


def test_large_floats_stay_apart():
    import pandas

    large = plain_ids(pandas.Series([1e300, 2e300, 3.0]))
    assert list(large) == [1e300, 2e300, 3.0]
    assert plain_ids(pandas.Series([1.0, 2.0])).dtype == np.int64


def test_half_an_emoji_goes_through_a_hypergraph(tmp_path):
    text = '{"incidences": [{"edge": "e", "node": "\\ud83d"}]}'
    data = datasets.read_hif(written(tmp_path / "a.json", text))
    datasets.write_hif(data, tmp_path / "b.json")
    assert datasets.read_hif(tmp_path / "b.json").node_id == ["\ud83d"]


def test_words_of_a_parquet_file_are_words(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    raw = pyarrow.array([b"a", b"\xff\xfe"]).view(pyarrow.string())
    target = pyarrow.array(["b", "c"])
    path = tmp_path / "e.parquet"
    parquet.write_table(pyarrow.table({"source": raw, "target": target}), path)
    with pytest.raises(ValueError, match=r"e\.parquet cannot be read as parquet"):
        datasets.read_edge_list(path)


def test_indices_of_a_sparse_matrix_are_looked_at(tmp_path):
    path = tmp_path / "a.npz"
    parts = {"data": np.ones(2), "indptr": np.array([0, 1, 2]), "shape": np.array([2, 2])}
    np.savez(path, indices=np.array([0, 10**6]), **parts)
    with pytest.raises(ValueError, match=r"a\.npz holds no matrix"):
        read_features(path)
    sp.save_npz(path, sp.csr_matrix(np.eye(2)))
    assert torch.equal(read_features(path), torch.eye(2))


@pytest.mark.parametrize("label", ["9" * 5000, "\u0661" * 5000])
def test_a_label_of_thousands_of_digits(label):
    with pytest.raises(ValueError, match="labels"):
        encode_labels([label, "1"], None)


def test_classes_that_nest_too_deep(tmp_path):
    written(tmp_path / "nodes.csv", "id,text,label\na,b,c\n")
    written(tmp_path / "classes.json", "[" * 100_000)
    with pytest.raises(ValueError, match=r"classes\.json"):
        tag.TextGraph.from_csv(tmp_path)


# --- stores and saved estimators ------------------------------------------------------------------


@pytest.mark.parametrize("name", ["\ud800", "../../elsewhere", None])
def test_files_of_a_store_are_named_by_checksums_alone(name, tmp_path):
    READERS["store of subgraphs"].files(tmp_path)
    record = json.loads((tmp_path / "store.json").read_bytes()) | {"node": name}
    written(tmp_path / "store.json", json.dumps(record))
    with pytest.raises(ValueError, match=r"store\.json lacks the checksum of an array"):
        graphclip.SubgraphStore.load(tmp_path, verify=False)


def test_a_manifest_of_anything_is_refused_at_once(tmp_path):
    READERS["store of embeddings"].files(tmp_path)
    manifest = tmp_path / "manifest.json"
    whole = json.loads(manifest.read_text())
    changes: list[dict[str, Any]] = [
        {"shard_size": 0}, {"rows": -1}, {"rows": 1.5}, {"dtype": []}, {"dim": None},
        {"rows": True},
    ]  # fmt: skip
    for change in changes:
        manifest.write_text(json.dumps(whole | change))
        with pytest.raises(ValueError, match="not a manifest"):
            EmbeddingStore(tmp_path)
    manifest.write_text(json.dumps(whole | {"rows": 10**15}))
    with timed(), pytest.raises(FileNotFoundError, match="lacks . of"):
        EmbeddingStore(tmp_path)


def test_a_damaged_note_on_a_shard_is_named(tmp_path):
    READERS["store of embeddings"].files(tmp_path)
    (tmp_path / "shard-00000.json").write_text("{}")
    with pytest.raises(ValueError, match=r"shard-00000\.json is damaged"):
        EmbeddingStore(tmp_path).verify()
    with pytest.raises(ValueError, match=r"shard-00000\.json is damaged"):
        READERS["store of embeddings"].files(tmp_path)


def test_arrays_of_subgraphs_that_do_not_fit_are_refused(tmp_path):
    READERS["store of subgraphs"].files(tmp_path)
    (pointer,) = tmp_path.glob("node_ptr-*.npy")
    array = np.load(pointer)
    for wrong in (array[:-1], array[::-1], array + 1, array.astype(float), array[None]):
        np.save(pointer, np.ascontiguousarray(wrong))
        with pytest.raises(ValueError, match="do not belong together"):
            graphclip.SubgraphStore.load(tmp_path, verify=False)
    pointer.write_bytes(b"\x93NUMPY\x01\x00")
    with pytest.raises(ValueError, match="is damaged"):
        graphclip.SubgraphStore.load(tmp_path, verify=False)


def crafted(reader: str, folder: Path, change: Callable[[dict[str, Any], dict[str, str]], None]):
    """A saved estimator with other content and a right checksum."""
    READERS[reader].files(folder)
    path = folder / "arrays.safetensors"
    arrays, metadata = load_arrays(path)
    change(arrays, metadata)
    save_arrays(path, arrays, metadata)


@pytest.mark.parametrize(
    ("reader", "load", "name"),
    [
        ("saved PPRFingerprints", embed.PPRFingerprints.load, "col"),
        ("saved PPRFingerprints", embed.PPRFingerprints.load, "visited_node"),
        ("saved FastRP", embed.FastRP.load, "col"),
        ("saved GraphRetriever", tag.GraphRetriever.load, "tokens.flat"),
        ("saved GraphRetriever", tag.GraphRetriever.load, "titles"),
    ],
)
def test_numbers_of_a_saved_file_are_looked_at_before_kernels_use_them(
    reader, load, name, tmp_path
):
    def change(arrays: dict[str, Any], metadata: dict[str, str]) -> None:
        arrays[name] = arrays[name].clone()
        arrays[name][0] = 2**31 - 1

    crafted(reader, tmp_path, change)
    with pytest.raises(ValueError, match=r"arrays\.safetensors does not hold what"):
        load(tmp_path)


def test_a_saved_file_sets_fitted_attributes_alone(tmp_path):
    def change(arrays: dict[str, Any], metadata: dict[str, str]) -> None:
        record = json.loads(metadata["graphlab.estimator"])
        metadata["graphlab.estimator"] = json.dumps(record | {"facts": {"transform": 1}})

    crafted("saved FastRP", tmp_path, change)
    with pytest.raises(ValueError, match="'transform' is no name of a fitted attribute"):
        embed.FastRP.load(tmp_path)


def crafted_record(change: dict[str, Any]) -> Callable[[dict[str, Any], dict[str, str]], None]:
    """Other parameters or facts in the record of a saved estimator."""

    def apply(arrays: dict[str, Any], metadata: dict[str, str]) -> None:
        record = json.loads(metadata["graphlab.estimator"])
        for part, values in change.items():
            record[part] = values if not isinstance(values, dict) else record[part] | values
        metadata["graphlab.estimator"] = json.dumps(record)

    return apply


@pytest.mark.parametrize(
    ("cls", "change", "message"),
    [
        (embed.PPR, {"params": {"steps": []}}, "steps must be an int, got list"),
        (embed.PPR, {"params": {"fingerprints": []}}, "fingerprints must be PPRFingerprints"),
        (embed.PPR, {"facts": 3}, "a record whose facts are no object"),
        (hyper.Marioh, {"params": {"threshold": "x"}}, "threshold must be a real number"),
        (tag.HashingEncoder, {"params": {"dim": [8]}}, "dim must be an int"),
        (tag.TAPE, {"facts": {"history_": "rows"}}, "history_ must be a list of rows"),
        (tag.TAPE, {"params": {"num_layers": 2**31}}, "num_layers must be at most"),
        (tag.GFMRetriever, {"params": {"num_layers": 2**31}}, "num_layers must be at most"),
        (tag.GFMRetriever, {"params": {"message": 7}}, "message must be one of"),
        (tag.ZeroShotNodes, {"facts": {"scale_": "1"}}, "scale_ must be a real number"),
        (tag.ZeroShotNodes, {"facts": {"label_names_": 1}}, "label_names_ must be a list"),
    ],
)
def test_parameters_and_facts_of_a_saved_file_are_looked_at(cls, change, message, tmp_path):
    crafted(f"saved {cls.__name__}", tmp_path, crafted_record(change))
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        cls.load(tmp_path, **objects_of(cls))
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize(
    ("cls", "name", "value"),
    [
        (embed.NodeEmbedding, "embedding", torch.ones(3)),
        (embed.PPRFingerprints, "visited_rowptr", torch.zeros(61, dtype=torch.uint8)),
        (hyper.CliqueSampler, "picks", torch.tensor([[2, 3]])),
        (hyper.CliqueSampler, "ratio", torch.tensor([2.0])),
        (hyper.Marioh, "scale", torch.zeros(2, 3, dtype=torch.float64)),
        (hyper.Marioh, "model.w0", torch.full((13, 1), torch.nan, dtype=torch.float64)),
        (hyper.Marioh, "model.b0", torch.zeros(0, dtype=torch.float64)),
        (tag.HashingEncoder, "components", torch.ones(2, 8)),
        (tag.GAugLLM, "view/1", torch.ones(60, dtype=torch.int64)),
        (tag.TAPE, "logits/0/X", torch.ones(60, 3, dtype=torch.int64)),
        (tag.ZeroShotClassifier, "class_embeddings", torch.ones(3, 2)),
        (tag.ZeroShotNodes, "own", torch.ones(2)),
    ],
)
def test_arrays_of_a_saved_file_fit_its_estimator(cls, name, value, tmp_path):
    def change(arrays: dict[str, Any], metadata: dict[str, str]) -> None:
        assert name in arrays
        arrays[name] = value

    crafted(f"saved {cls.__name__}", tmp_path, change)
    with pytest.raises((TypeError, ValueError), match=re.escape(str(tmp_path))):
        cls.load(tmp_path, **objects_of(cls))


def grown(**changes: Any) -> Forest:
    """A root and two leaves."""
    tree = {
        "root": np.array([0]), "feature": np.zeros(3, np.int64), "threshold": np.zeros(3),
        "left": np.array([1, -1, -1]), "right": np.array([2, 0, 0]), "value": np.zeros(3),
    }  # fmt: skip
    return Forest(**tree | changes, start=0.0, average=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"left": np.array([0, -1, -1])},  # a walk that never ends
        {"right": np.array([3, 0, 0])},
        {"root": np.array([3])},
        {"feature": np.array([-1, 0, 0])},
        {"value": np.array([0.0, np.nan, 0.0])},
        {"threshold": np.zeros(2)},
        {"left": np.array([1.0, -1.0, -1.0])},
    ],
)
def test_trees_of_a_saved_file_end(changes):
    grown().check()
    with pytest.raises(ValueError, match="forest"):
        grown(**changes).check()


CHECKPOINTS = ("SCGC", "KGEmbedding", "GAugLLM", "GraphCLIPPipeline", "GFMRetriever")


@pytest.mark.parametrize("name", CHECKPOINTS)
@pytest.mark.parametrize("damage", ["history", "rows", "moments", "weights", "nan", "settings"])
def test_what_a_training_goes_on_from_is_looked_at(name, damage, tmp_path):
    reader = READERS[f"checkpoint of {name}"]
    reader.files(tmp_path)
    path = tmp_path / "checkpoint.safetensors"
    arrays, metadata = load_arrays(path)
    record = json.loads(metadata["graphlab.pretrain"])
    first = {part: next(k for k in arrays if k.startswith(part)) for part in ("model", "optimizer")}
    if damage == "history":
        record["history"] = "rows"
    elif damage == "rows":
        record["history"] = [{"loss": "x"} for row in record["history"]]
    elif damage == "settings":
        record["settings"] = [[1, 2]]
    elif damage == "moments":
        del arrays[first["optimizer"]]
    elif damage == "weights":
        arrays[first["model"]] = torch.ones(1, 1, 1)
    else:
        arrays[first["model"]] = torch.full_like(arrays[first["model"]], torch.nan)
    save_arrays(path, arrays, {"graphlab.pretrain": json.dumps(record)})
    with pytest.raises(ValueError, match=rf"{re.escape(str(path))} is a damaged checkpoint: "):
        reader.read(tmp_path)


@pytest.mark.parametrize(
    "record", [{"rows": 1}, {"rows": [1]}, {"settings": True}, {"settings": []}]
)
def test_a_member_of_tape_of_another_kind_is_no_member(record, tmp_path):
    reader = READERS["checkpoint of TAPE"]
    reader.files(tmp_path)
    (path,) = tmp_path.glob("member-*")
    arrays, metadata = load_arrays(path)
    metadata["graphlab.tape"] = json.dumps(json.loads(metadata["graphlab.tape"]) | record)
    save_arrays(path, arrays, metadata)
    with pytest.raises(ValueError, match=re.escape(str(path))):
        reader.read(tmp_path)


@pytest.mark.parametrize("cache", [lambda f: ReplyCache(f / "c.db"), EmbeddingCache])
def test_a_damaged_database_is_named(cache, tmp_path):
    made = cache(tmp_path)
    made.close()
    (path,) = tmp_path.glob("*.db")
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * len(data[4096:])
    path.write_bytes(bytes(data))
    with pytest.raises(ValueError, match=r"\.db is damaged"):
        opened = cache(tmp_path)
        try:
            opened.get("key" if isinstance(opened, ReplyCache) else [b"key"])
        finally:
            opened.close()


def test_an_empty_list_of_pairs_is_an_empty_store(tmp_path):
    path = written(tmp_path / "p.json", "[]")
    store, summaries = graphclip.read_official_pairs(path, 4)
    assert len(store) == 0 and summaries == []


@pytest.mark.parametrize("graph", [[[0.7], [1]], [[True], [1]], [[0], [10**30]]])
def test_pairs_hold_whole_numbers(graph, tmp_path):
    path = written(tmp_path / "p.json", json.dumps([{"id": 0, "graph": graph}]))
    with pytest.raises(ValueError, match=r"p\.json: entry 0"):
        graphclip.read_official_pairs(path, 4)


# --- answers of models and servers ----------------------------------------------------------------


def usage(**values: Any) -> str:
    return json.dumps(COMPLETION | {"usage": values})


@pytest.mark.parametrize(
    "raw",
    [usage(prompt_tokens=float("inf")), usage(prompt_tokens=10**400), usage(prompt_tokens=-1),
     json.dumps(COMPLETION).replace("-0.1", "NaN")],
)  # fmt: skip
def test_impossible_answers_are_no_completions(raw):
    with pytest.raises(ValueError, match="not a chat completion"):
        read_completion(raw)


def test_answers_that_only_look_odd_are_read():
    found = read_completion(json.dumps(COMPLETION | {"model": {"name": "m"}}))
    assert isinstance(found.model, str)
    raw = json.dumps(COMPLETION).replace("-2.5", "-Infinity").replace("-0.1", "1e300")
    assert read_completion(raw).first_tokens == (("A", 0.0), ("B", float("-inf")))


def test_a_batch_whose_status_is_no_number(tmp_path):
    line = '{"custom_id": "k", "response": {"status_code": Infinity, "body": {}}}\n'
    with pytest.raises(ValueError, match=r"b\.jsonl, line 1"):
        read_batch(written(tmp_path / "b.jsonl", line), ReplyCache(None))


@pytest.mark.parametrize("code", ["\u00b2", "\u0664\u0660\u0664", "4" * 5000, "-400"])
def test_codes_of_errors_are_plain_numbers(code):
    assert inner_status({"error": {"code": code}}) is None
    assert inner_status({"error": {"code": "404"}}) == 404


def test_what_nests_too_deep_to_be_copied_is_no_object():
    for depth in range(200, 1_000, 50):
        try:
            next(json_values('{"a":' * depth + "1" + "}" * depth))
        except ValueError:
            continue


def test_a_hundred_thousand_marks_are_cut_at_once():
    for text in ("a <think> " * 100_000, "<think></think> " * 100_000, "a</think>" * 100_000):
        with timed():
            split_thoughts(text)
    assert split_thoughts("x\n" + " " * 500 + "<think>y") == ("x", "y")
    assert split_thoughts("x" + " " * 500 + "<think>y")[1] == ""


@pytest.mark.parametrize(
    ("old", "new"),
    [('"ranked": [0, 1]', '"ranked": [0, 7]'), ('"k": 2', '"k": 99999999999'), ('"raw": "r"',
     '"raw": null'), ('"node": 0', '"node": []'), ('["a", "b"]', '"ab"'), ('"k": 2', '"k": true')],
)  # fmt: skip
def test_a_table_of_explanations_holds_what_was_written(old, new, tmp_path):
    assert old in EXPLAINED
    path = written(tmp_path / "t.jsonl", EXPLAINED.replace(old, new))
    with pytest.raises(ValueError, match=r"t\.jsonl is not a table"):
        ExplanationTable.read(path)


def test_a_table_of_half_an_emoji_is_written(tmp_path):
    row = Explanation("a", "ok", (0,), "cut \ud83d", "cut \ud83d")
    ExplanationTable((row,), ("x",), 1).write(tmp_path / "t.jsonl")
    assert ExplanationTable.read(tmp_path / "t.jsonl")[0].raw == "cut \ufffd"


def test_a_table_that_nests_too_deep(tmp_path):
    with pytest.raises(ValueError, match=r"t\.jsonl is not a table"):
        ExplanationTable.read(written(tmp_path / "t.jsonl", "[" * 100_000))


def test_the_timer_interrupts_what_computes():
    with pytest.raises(Hang), timed():
        os.kill(os.getpid(), signal.SIGVTALRM)
