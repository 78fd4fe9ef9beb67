"""The TAPE experiment: rows, honesty, and the whole way from texts through a real HTTP server."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch_geometric.data import Data

from experiments._data.text_graphs import bag_of_words, read_citeseer, read_cora
from experiments._harness.names import result_name
from experiments._harness.runner import execute
from experiments.tape import answers as tape_answers
from experiments.tape import features as tape_features
from experiments.tape import run as tape
from graphlab.tag.tape import tape_split
from tests._data import test_data_root
from tests._graphs import planted
from tests.experiments._rows import rows_of
from tests.tag.fine_tune._tiny import tiny_bert
from tests.tag.llm._server import ChatServer, serving

TINY = tape.Config(gnns=("gcn", "mlp"), hidden_channels=8, num_layers=2, epochs=10)
WORDS = {"Cats": "purr meow whisker", "Dogs": "bark woof leash", "Fish": "swim gill fin"}


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    for name in ("GRAPHLAB_LLM_BASE_URL", "OPENAI_BASE_URL", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def texts_graph() -> Data:
    """The planted graph with the features of TAPE in place of its own."""
    data = planted()
    y, generator = data.y, torch.Generator().manual_seed(0)
    data.label_names = list(WORDS)
    data.TA = torch.eye(3)[y] + torch.rand(len(y), 3, generator=generator)
    data.BoW = (torch.rand(len(y), 6, generator=generator) < 0.5).float()
    data.P = torch.stack([y + 1, torch.zeros_like(y)], 1)
    data.P[::5, 0] = 1
    del data.x
    return data


@pytest.fixture
def graph(monkeypatch: pytest.MonkeyPatch) -> Data:
    """The planted graph in place of Cora; which seeds were read is noted on it."""
    data = texts_graph()
    data.seeds = []

    def read(source: str, seed: int, k: int) -> Data:
        data.seeds.append(seed)
        return data.clone()

    monkeypatch.setattr(tape_features, "read_cora", read)
    return data


def rows(tmp_path: Path, config: tape.Config, **options: Any) -> dict[str, dict[str, float]]:
    return rows_of(tape.run, tmp_path, config, **options)


@pytest.mark.usefixtures("graph")
def test_table_holds_members_ensembles_and_baselines(tmp_path: Path) -> None:
    table = rows(tmp_path, TINY)
    members = ("TA", "P", "BoW", "TA+P", "TA+P+BoW")  # E is left out: there are no explanations
    expected = [f"{title} {name}" for title in ("GCN", "MLP") for name in members]
    assert list(table) == ["most frequent class", "LLM top-1", *expected]
    assert table["LLM top-1"]["accuracy_all_nodes"] == pytest.approx(52 / 60)
    assert all(0 <= row["accuracy"] <= 1 for row in table.values())
    assert table["GCN TA+P"]["accuracy"] > 0.7 > table["most frequent class"]["accuracy"]
    assert [path.name for path in tmp_path.rglob("*.png")] == ["accuracy.png"]


def test_features_and_split_belong_together(tmp_path: Path, graph: Data) -> None:
    results = execute(tape.run, TINY, out=tmp_path, device="cpu", seeds=(0, 4, 6))
    assert not results.errors
    assert graph.seeds == [0, 0, 2]
    first, again, _ = (seed.rows for seed in results.finished)
    assert first["LLM top-1"] == again["LLM top-1"]  # the same test nodes


def test_test_labels_change_nothing_but_the_score(
    tmp_path: Path, graph: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = rows(tmp_path / "seen", TINY)
    hidden = graph.clone()
    hidden.y = graph.y.clone()
    test = tape_features.tape_split(60, 0)["test"]
    hidden.y[test] = (hidden.y[test] + 1) % 3
    monkeypatch.setattr(tape_features, "read_cora", lambda *arguments: hidden.clone())
    blind = rows(tmp_path / "blind", TINY)
    for title, row in honest.items():
        for key in set(row) - {"accuracy", "accuracy_probs", "accuracy_all_nodes"}:
            assert blind[title][key] == row[key]
    assert blind["GCN TA"]["accuracy"] < honest["GCN TA"]["accuracy"]


# --- from texts -----------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A text graph of sixty animals."""
    folder = tmp_path / "animals"
    folder.mkdir()
    names, data = list(WORDS), texts_graph()
    lines = ["id,label,text"]
    for node, label in enumerate(data.y.tolist()):
        words = WORDS[names[label]].split()
        lines.append(f"n{node},{label},Number {node} can {words[node % 2]} and {words[2]}.")
    (folder / "nodes.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    edges = [f"n{a},n{b}" for a, b in data.edge_index.t().tolist()]
    (folder / "edges.csv").write_text("\n".join(["src,dst", *edges]) + "\n", encoding="utf-8")
    (folder / "classes.json").write_text(json.dumps(names), encoding="utf-8")
    return folder


def answer(number: int, body: dict[str, Any]) -> Any:
    """Answers of a fair model, with some trouble on the way."""
    question = body["messages"][-1]["content"].split("\n")[1]
    if question.startswith("Number 7 "):
        return {"status": 400, "body": "{}"}
    if number % 9 == 4:
        return {"status": 429, "headers": {"Retry-After": "0"}}
    label = next(
        name for name, words in WORDS.items() if set(words.split()) & set(question.split())
    )
    return json.dumps({"labels": [label, "Fish"], "explanation": f"It says so: {question}"})


def asking(folder: Path, server: ChatServer) -> tape.Config:
    return dataclasses.replace(
        TINY,
        dataset="texts",
        source=str(folder),
        llm=f"{server.url}/org/model",
        llm_cache=str(folder / "cache.db"),
        words=20,
        epochs=60,
    )


def test_the_whole_way_from_texts(tmp_path: Path, folder: Path) -> None:
    with serving(answer) as server:
        config = asking(folder, server)
        results = execute(tape.run, config, out=tmp_path / "runs", device="cpu", seeds=(0, 1))
        assert not results.errors
        assert server.bodies[0]["model"] == "org/model"
        answered = [body["messages"][-1]["content"] for body in server.bodies]
        # 59 answers and retries; the second seed asks for the one that failed and nothing else.
        assert len(set(answered)) == 60
        assert sum("Number 7 " in text for text in answered) == 2
    table = results.finished[0].rows
    assert {"GCN TA", "GCN E", "GCN P", "GCN BoW", "GCN TA+E+P", "MLP TA+P+BoW"} <= set(table)
    assert table["LLM top-1"]["accuracy_all_nodes"] == pytest.approx(59 / 60)
    assert table["GCN P"]["accuracy"] > 0.9
    (table, _) = sorted((tmp_path / "runs").rglob("explanations.jsonl"))
    statuses = [json.loads(line).get("status") for line in table.read_text().splitlines()]
    assert statuses.count("ok") == 59
    assert statuses.count("failed") == 1


@pytest.mark.filterwarnings("ignore:answers do not depend on the texts:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:.*whatever the text:RuntimeWarning")
@pytest.mark.parametrize("reads", [True, False])
def test_a_check_tells_a_model_that_reads_from_one_that_does_not(
    tmp_path: Path, folder: Path, reads: bool
) -> None:
    def listed(number: int, body: dict[str, Any]) -> str:
        question = body["messages"][-1]["content"]
        first = next(line[2:] for line in question.split("\n") if line.startswith("- "))
        document = question.partition("\n")[2].partition("\n</")[0]
        own = [name for name, words in WORDS.items() if words.split()[2] in document]
        return json.dumps({"labels": own if reads and own else [first], "explanation": "So."})

    with serving(listed) as server:
        config = dataclasses.replace(asking(folder, server), checked=12, epochs=2)
        top = rows(tmp_path / "runs", config)["LLM top-1"]
        assert len(server.bodies) > 60 + 12  # orders turned round, and no document
    assert top["checked"] == 12
    assert top["informative"] == float(reads)
    assert top["same in another order"] == (1.0 if reads else 0.0)
    assert reads or (top["first in the list"], top["same as without text"]) == (1.0, 1.0)


def test_texts_with_neighbours_are_members_of_their_own(tmp_path: Path, folder: Path) -> None:
    def writer(number: int, body: dict[str, Any]) -> Any:
        question = body["messages"][-1]["content"]
        if "Summarise" not in question and "Say which topic" not in question:
            return answer(0, body)
        own, *near = (json.loads(line) for line in question.split("\n") if line.startswith("{"))
        read.append((own["document"], [row["neighbour"] for row in near]))
        if own["document"].startswith("Number 11 "):
            return {"status": 400, "body": "{}"}
        return f"{own['document']} with {len(near)}"

    read: list[tuple[str, list[str]]] = []

    with serving(writer) as server:
        config = dataclasses.replace(
            asking(folder, server),
            experts=("sas", "sar"),
            ensembles=("TA+SAS", "TA+SAR+E"),
            neighbors=2,
            neighbor_chars=9,
            max_chars=18,
            epochs=2,
        )
        with pytest.warns(RuntimeWarning, match="carry their raw text"):
            table = rows(tmp_path / "runs", config)
    assert len(read) == 2 * 60
    assert max(len(text) for text, _ in read) == 18
    assert max(len(near) for _, near in read) == 2
    assert max(len(text) for _, near in read for text in near) == 9
    members = ("TA", "E", "SAS", "SAR", "P", "BoW", "TA+SAS", "TA+SAR+E")
    assert [name for name in table if name.startswith("GCN ")] == [f"GCN {m}" for m in members]
    assert "logistic regression on TA, no graph" in table
    (counts,) = (tmp_path / "runs").rglob("answers*")
    assert "sas replaced by the own text" in counts.read_text()


def test_free_text_answers(tmp_path: Path, folder: Path) -> None:
    def plain(number: int, body: dict[str, Any]) -> str:
        assert "response_format" not in body
        reply = answer(0, body)
        return "Cats" if isinstance(reply, dict) else f"{json.loads(reply)['labels'][0]}. As said."

    with serving(plain) as server:
        config = dataclasses.replace(asking(folder, server), structured=False)
        table = rows(tmp_path / "runs", config)
    assert table["LLM top-1"]["accuracy_all_nodes"] > 0.97


@pytest.mark.parametrize("named", [False, True])
def test_own_documents_need_no_answers(tmp_path: Path, folder: Path, named: bool) -> None:
    config = dataclasses.replace(
        TINY, dataset="texts", source=str(folder), words=20, epochs=60, ensembles=("TA+BoW", "TA+P")
    )
    if named:  # tables of other names
        nodes, edges = (
            (folder / f"{n}.csv").rename(tmp_path / n.upper()) for n in ("nodes", "edges")
        )
        nodes = nodes.rename(nodes.with_suffix(".tsv.csv"))
        config = dataclasses.replace(config, source=str(nodes), edges=str(edges))
    table = rows(tmp_path / "runs", config)
    assert {"GCN TA", "GCN BoW", "GCN TA+BoW", "logistic regression on TA, no graph"} <= set(table)
    assert not {"GCN P", "GCN E", "LLM top-1"} & set(table)
    assert table["GCN TA+BoW"]["accuracy"] > table["most frequent class"]["accuracy"]


def test_eight_splits_of_cora_whose_tests_the_embeddings_have_not_seen() -> None:
    splits = [tape_features.cora_split(2708, seed) for seed in range(9)]
    tests = {tuple(split["test"].tolist()) for split in splits}
    assert len(tests) == 8
    for seed, split in enumerate(splits):
        tuned = tape_split(2708, seed % 4)
        assert torch.equal(split["train"], tuned["train"])  # that part alone was learned from
        rest = torch.cat([split["val"], split["test"]]).sort().values
        assert torch.equal(rest, torch.cat([tuned["val"], tuned["test"]]).sort().values)
    assert torch.equal(splits[8]["test"], splits[0]["test"])


def test_a_tuned_language_model_is_a_member(tmp_path: Path, folder: Path) -> None:
    words = sorted({word for text in WORDS.values() for word in text.split()})
    model = tiny_bert(tmp_path / "bert", [*words, "number", "Number"])
    config = dataclasses.replace(
        TINY, dataset="texts", source=str(folder), words=20, epochs=60, ensembles=("FT+BoW",),
        tuned=str(model), folds=2, tuned_epochs=3, tuned_tokens=16,
    )  # fmt: skip
    table = rows(tmp_path / "runs", config)
    assert {"GCN TA", "GCN FT", "GCN BoW", "GCN FT+BoW", "MLP FT"} <= set(table)
    assert "fine-tuned language model, no graph" in table
    assert folds(tmp_path / "runs") == [0, 0, 0, 1, 1, 1]
    rows(tmp_path / "whole", dataclasses.replace(config, folds=None, lora=None, gnns=("mlp",)))
    assert folds(tmp_path / "whole") == [0, 0, 0]


def folds(folder: Path) -> list[float]:
    """Fold of every epoch of the fine-tuning."""
    (history,) = folder.rglob("tuning.json")
    return [row["fold"] for row in json.loads(history.read_text())]


@pytest.mark.parametrize(
    "address", ["localhost:1/v1/m", "http://h/m", "http://h/v1/", "http://h/v1"]
)
def test_malformed_addresses(address: str) -> None:
    with pytest.raises(ValueError, match="llm must look like http"):
        tape_answers.endpoint(address)


def test_endpoint_splits_address_and_model() -> None:
    assert tape_answers.endpoint("https://h:1/a/v1/org/m") == ("https://h:1/a/v1", "org/m")


def test_results_of_own_documents_bear_their_name() -> None:
    presets = tape.PRESETS
    texts = presets["texts"]
    named = {
        "texts": dataclasses.replace(texts, source=f"elsewhere/{Path(texts.source).name}"),
        "texts_wiki": dataclasses.replace(texts, source="my/wiki"),
        "texts_papers": dataclasses.replace(texts, source="my/papers.csv"),
    }
    for name, config in named.items():
        assert result_name(config, "texts", presets) == name
    own = dataclasses.replace(presets["stdlib"], dataset="texts", source="my/wiki/nodes.csv")
    assert result_name(own, "stdlib", presets) == "stdlib_wiki"
    moved = dataclasses.replace(presets["cora"], source="elsewhere")
    assert result_name(moved, "cora", presets) == "cora"  # a folder of stored answers, no graph


def test_what_cannot_be_run(tmp_path: Path, folder: Path) -> None:
    absent = dataclasses.replace(TINY, dataset="texts", source=str(folder / "absent"))
    edges = dataclasses.replace(absent, source=str(folder), edges=str(folder / "absent.csv"))
    cases = {
        "there is no table of documents": absent,
        "name it by --edges FILE": edges,
        "llm needs texts": dataclasses.replace(TINY, llm="http://h/v1/m"),
        "tuned needs texts": dataclasses.replace(TINY, tuned="all-MiniLM-L6-v2"),
        "dataset must be": dataclasses.replace(TINY, dataset="x"),
    }
    for number, (message, config) in enumerate(cases.items()):
        results = execute(tape.run, config, out=tmp_path / str(number), device="cpu")
        assert message in results.errors[0]


def test_the_embedded_graph_needs_nothing(tmp_path: Path) -> None:
    config = dataclasses.replace(tape.PRESETS["smoke"], dim=16, words=50, epochs=2)
    assert list(rows(tmp_path, config)) == [
        "most frequent class",
        "logistic regression on TA, no graph",
        "GCN TA",
        "GCN BoW",
        "GCN TA+BoW",
    ]


# --- the files ------------------------------------------------------------------------------------


def test_reads_citeseer() -> None:
    graph = read_citeseer(test_data_root("llm_outputs"))
    assert (graph.num_nodes, graph.num_edges) == (3186, 8450)
    assert graph.label_names == ["Agents", "ML", "IR", "DB", "HCI", "AI"]
    assert (tuple(graph.P.shape), tuple(graph.TA.shape)) == ((3186, 5), (3186, 384))
    words: Tensor = bag_of_words(graph.text, 50)
    assert words.shape == (3186, 50)
    assert set(words.unique().tolist()) == {0.0, 1.0}


def test_reads_cora(tmp_path: Path) -> None:
    source = test_data_root("llm_outputs")
    data = read_cora(source, 3)
    assert (data.num_nodes, data.num_edges, data.BoW.shape[1]) == (2708, 10556, 1433)
    assert int(data.BoW.sum()) == 49216
    assert bool(data.TA.isfinite().all())
    assert data.TA.shape == (2708, 768)
    with pytest.raises(ValueError, match="seed must be below 4, got 4"):
        read_cora(source, 4)
    folder = tmp_path / "cora_tape"
    folder.mkdir()
    for path in (source / "cora_tape").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "deberta-base-seed0.emb").write_bytes(b"\0" * 768)
    with pytest.raises(ValueError, match="must have 4159488 bytes, got 768"):
        read_cora(tmp_path, 0)


def test_nodes_without_a_label_are_in_no_part(tmp_path: Path, folder: Path) -> None:
    lines = (folder / "nodes.csv").read_text().splitlines()
    for number in range(1, 25, 2):  # every second of the first nodes loses its label
        node, _, text = lines[number].split(",", 2)
        lines[number] = f"{node},,{text}"
    (folder / "nodes.csv").write_text("\n".join(lines) + "\n")
    with serving(answer) as server:
        table = rows(tmp_path / "runs", dataclasses.replace(asking(folder, server), epochs=20))
    # Of 48 labelled nodes one has no answer.
    known = {"accuracy_all_nodes": pytest.approx(1.0, abs=1.01 / 48)}
    assert {"accuracy_all_nodes": table["LLM top-1"]["accuracy_all_nodes"]} == known
