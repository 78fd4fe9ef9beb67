"""The GAugLLM experiment: reading stored answers, rows, honest parts, a model at an endpoint."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from experiments._data.llm_outputs import read_stored
from experiments._harness.context import Context
from experiments._harness.names import result_name
from experiments.gaugllm import data as gaugllm_data
from experiments.gaugllm import run as script
from experiments.gaugllm.presets import TITLES
from graphlab.tag import GAugLLM
from graphlab.tag.gaugllm.candidates import ADD
from tests._data import test_data_root
from tests._graphs import planted
from tests.tag.gaugllm.test_pipeline import judge, texts
from tests.tag.llm._server import serving

SMALL = dataclasses.replace(script.Config(), epochs=2, out_channels=8, selector_epochs=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A graph of 180 papers in the layout of ``citeseer_tag``."""
    root = tmp_path_factory.mktemp("llm_outputs")
    folder = root / "citeseer_tag"
    folder.mkdir()
    data = planted(180, dim=16, draws=2000)
    y, known = data.y.numpy(), texts(data)
    ends = {(a, b) for a, b in data.edge_index.t().tolist() if a < b}
    tables = {
        "nodes.csv": [("node", "paper_id", "label", "text"), *(
            (i, f"p{i}", y[i], known[i]) for i in range(180))],
        "edges.csv": [("src", "dst"), *sorted(ends)],
        "gpt_preds.csv": [(int(c), (int(c) + 1) % 3) if i % 5 else ((int(c) + 1) % 3,)
                          for i, c in enumerate(y)],
    }  # fmt: skip
    linked = {node for pair in ends for node in pair}
    others = [p for p in ((i, i + 3) for i in range(170)) if p not in ends and p[0] in linked][:40]
    rows = [(*pair, 1, "-0.1", "0.0") for pair in sorted(ends)[:40]]
    rows += [(*pair, 0, "0.6", "0.7") for pair in others]
    tables["llm_edge_similarity.csv"] = [("src", "dst", "is_edge", "sim_low", "sim_high"), *rows]
    for name, lines in tables.items():
        with open(folder / name, "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(lines)
    (folder / "classes.json").write_text(json.dumps(["learning", "biology", "trade"]))
    np.save(folder / "minilm_L64.f16.npy", data.x.numpy().astype(np.float16))
    return root


def shown(question: str) -> list[str]:
    """Texts in a question."""
    records = [json.loads(line) for line in question.split("\n") if line.startswith("{")]
    return [value for row in records for value in row.values() if isinstance(value, str)]


def rows(tmp_path: Path, config: script.Config) -> dict[str, dict[str, float]]:
    return script.run(config, Context(seed=0, device=torch.device("cpu"), directory=tmp_path))


def test_the_embedded_graph_gets_no_predictions(tmp_path):
    config = dataclasses.replace(script.PRESETS["smoke"], dim=16, epochs=1)
    stored, assistance = gaugllm_data.read(config, 0)
    assert int(stored.ranked.abs().sum()) == 0
    assert assistance.origin == "templates"
    assert not torch.equal(assistance.views[0], assistance.views[1])
    assert list(rows(tmp_path, config)) == [
        "frozen features",
        "frozen features of the second view (templates)",
        "most frequent class",
        "BGRL, no LLM",
        "BGRL, features only (templates)",
        "BGRL, edges only (templates)",
        "BGRL, both (templates)",
    ]


def test_own_documents_need_no_answers(tmp_path, folder):
    source = folder / "citeseer_tag"
    for name in ("nodes", "edges"):
        (tmp_path / f"my_{name}.csv").write_bytes((source / f"{name}.csv").read_bytes())
    own = {"dataset": "texts", "num_candidates": 5}
    config = dataclasses.replace(SMALL, data=str(source), **own)
    tables = dataclasses.replace(
        SMALL, data=str(tmp_path / "my_nodes.csv"), edges=str(tmp_path / "my_edges.csv"), **own
    )
    table = rows(tmp_path / "a", config)
    assert "BGRL, both (templates)" in table and "most frequent class" in table
    assert rows(tmp_path / "b", tables) == table
    with pytest.raises(FileNotFoundError, match="there is no table of documents"):
        rows(tmp_path / "c", dataclasses.replace(config, data=str(tmp_path / "absent")))


def test_rows_of_stored_answers(tmp_path, folder):
    table = rows(tmp_path, dataclasses.replace(SMALL, data=str(folder)))
    assert list(table) == [
        "frozen features",
        "frozen features of the second view (stored)",
        "stored predictions, no graph",
        "BGRL, no LLM",
        "BGRL, features only (stored)",
        "BGRL, edges only (stored)",
        "BGRL, both (stored)",
    ]
    assert table["stored predictions, no graph"]["accuracy"] == pytest.approx(0.8, abs=0.07)
    for name, row in table.items():
        assert 0 <= row["accuracy"] <= 1
        assert ("edges" in row) == ("edges only" in name or "both" in name)
    edits = table["BGRL, both (stored)"]
    assert edits["edges deleted by all votes"] == 40 and edits["edges added by all votes"] == 40


@pytest.mark.parametrize("host", list(TITLES))
def test_every_host_has_a_recipe_of_its_own(tmp_path, folder, host, monkeypatch):
    config = script.PRESETS[f"citeseer_{host}"]
    assert config.backbone == host and config.epochs >= 200 and config.out_channels >= 256
    trained = []

    class Recorded(GAugLLM):
        def fit(self, data, callback=None):
            trained.append(self.get_params())
            return super().fit(data, callback)

    monkeypatch.setattr(script, "GAugLLM", Recorded)
    small = dataclasses.replace(config, data=str(folder), epochs=1, out_channels=8)
    table = rows(tmp_path, small)
    assert [name for name in table if name.startswith(f"{TITLES[host]}, ")] == [
        f"{TITLES[host]}, no LLM",
        f"{TITLES[host]}, features only (stored)",
        f"{TITLES[host]}, edges only (stored)",
        f"{TITLES[host]}, both (stored)",
    ]
    given = {name: getattr(config, name) for name in ("backbone", "lr", "warmup", "drop_edge")}
    for parameters in trained:
        assert {name: parameters[name] for name in given} == given
        assert (parameters["options"] or {}).get("predictor_channels") == config.predictor_channels


@pytest.mark.filterwarnings("ignore:all .* votes are:RuntimeWarning")  # so does this judge
def test_rows_of_a_model_at_an_endpoint(tmp_path, folder):
    def reply(number, body):
        question = body["messages"][-1]["content"]
        voting = '"candidate"' in question
        assert body["max_tokens"] == (70 if voting else 40)
        assert all(len(text) <= (9 if voting else 12) for text in shown(question))
        return judge(question)

    with serving(reply) as server:
        config = dataclasses.replace(
            SMALL,
            data=str(folder),
            llm_max_tokens=40,
            llm_vote_tokens=70,
            llm_max_chars=12,
            llm_neighbors=2,
            llm_neighbor_chars=12,
            llm_vote_chars=9,
            llm_model="m",
            llm_url=server.url,
            llm_cache=str(tmp_path / "c.db"),
            experts=("raw", "sas"),
            num_candidates=5,
        )
        table = rows(tmp_path, config)
        assert "BGRL, both (raw, sas)" in table
        assert table["BGRL, both (raw, sas)"]["edges added by all votes"] > 0
        calls = server.calls
        assert calls == 180 + 180
        stored = read_stored(str(folder), "citeseer", "minilm", 0)
        again = gaugllm_data.asked_assistance(config, stored, 0)
        assert server.calls == calls and bool(again.votes.known.all())


def test_predictions_become_reciprocal_ranks(folder):
    stored = read_stored(str(folder), "citeseer", "minilm", 0)
    assistance = gaugllm_data.stored_assistance(SMALL, stored)
    plain, predicted = (view[:, 16:] for view in assistance.views)
    assert int(plain.count_nonzero()) == 0
    assert predicted[1].tolist() == [0.0, 1.0, 0.5] and predicted[0].tolist() == [0.0, 1.0, 0.0]
    assert torch.equal(assistance.votes.vote, stored.candidates.kind)


def test_results_of_own_documents_bear_their_name():
    own = dataclasses.replace(script.PRESETS["texts"], data="my/wiki/nodes.csv")
    assert result_name(own, "texts", script.PRESETS) == "texts_wiki"
    moved = dataclasses.replace(script.PRESETS["cora_bgrl"], data="elsewhere/llm_outputs")
    assert result_name(moved, "cora_bgrl", script.PRESETS) == "cora_bgrl"


def test_missing_data_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="name its parent by --data"):
        read_stored(str(tmp_path), "cora", "bow", 0)
    with pytest.raises(ValueError, match="dataset and features must be among"):
        read_stored(str(tmp_path), "cora", "minilm", 0)


def test_a_graph_without_texts_is_not_shown_to_a_model(tmp_path):
    root = test_data_root("llm_outputs", "cora_tape").parent
    stored = read_stored(str(root), "cora", "bow", 0)
    config = dataclasses.replace(SMALL, dataset="cora", features="bow", llm_model="m")
    with pytest.raises(ValueError, match="cora has no texts"):
        gaugllm_data.asked_assistance(config, stored, 0)


def test_stored_answers_of_cora():
    root = test_data_root("llm_outputs", "cora_tape").parent
    stored = read_stored(str(root), "cora", "bow", 0)
    assert stored.edge_index.shape == (2, 2 * 5278) and stored.num_classes == 7
    assert float((stored.ranked[:, 0] - 1 == stored.y).double().mean()) == pytest.approx(
        0.67688, abs=1e-5
    )
    assert int((stored.candidates.kind == ADD).sum()) == 1000
    assert int(stored.similarity.isnan().sum()) > 0
    parts = gaugllm_data.split(SMALL, stored, 0)
    assert [len(parts[name]) for name in ("train", "val")] == [140, 210]


def test_tuned_features_are_tested_on_what_they_have_not_seen():
    root = test_data_root("llm_outputs", "cora_tape").parent
    stored = read_stored(str(root), "cora", "deberta", 2)
    parts = gaugllm_data.split(SMALL, stored, 2)
    assert stored.parts is not None and torch.equal(parts["test"], stored.parts["test"])
    for name in ("train", "val"):
        assert bool(torch.isin(parts[name], stored.parts[name]).all())
    assert [len(parts[name]) for name in ("train", "val", "test")] == [
        140,
        205,
        542,
    ]  # a class has 25 there


def test_stored_answers_of_citeseer():
    root = test_data_root("llm_outputs", "citeseer_tag").parent
    stored = read_stored(str(root), "citeseer", "minilm", 0)
    assert stored.edge_index.shape == (2, 2 * 4225) and len(stored.texts or []) == 3186
    assert float((stored.ranked[:, 0] - 1 == stored.y).double().mean()) == pytest.approx(
        0.5929, abs=1e-4
    )
