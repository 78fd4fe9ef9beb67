"""The GraphCLIP scripts: on any folder, on nothing, with a language model, under torchrun."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from experiments._data.text_sets import load_text_set, set_path
from experiments._harness.cli import parse_command
from experiments._harness.context import Context
from experiments._harness.names import result_name
from experiments.graphclip import fewshot as graphclip_fewshot
from experiments.graphclip import linkpred as graphclip_linkpred
from experiments.graphclip import pretrain as graphclip_pretrain
from experiments.graphclip import shots as graphclip_shots
from experiments.graphclip import zeroshot as graphclip_zeroshot
from experiments.graphclip.encoder import CachedEncoder, node_features
from experiments.graphclip.pairs import Summaries
from experiments.graphclip.target import load_model
from graphlab.tag import TextEncoder
from graphlab.tag.graphclip import GraphCLIPEncoder
from tests._data import REPOSITORY
from tests.tag.graphclip._toy import TOPICS, toy_graph
from tests.tag.llm._server import serving
from tests.tag.test_hub_models import Sentences

NAMES = ["neural_nets", "evolution", "logic"]


def write_folder(folder, seed=0, prompts=True, classes=True):
    texts, edges, y = toy_graph(60, seed)
    folder.mkdir(parents=True)
    with open(folder / "nodes.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "text", "label"])
        rows.writerows([f"n{i}", text, int(y[i])] for i, text in enumerate(texts))
    with open(folder / "edges.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["src", "dst"])
        rows.writerows([f"n{a}", f"n{b}"] for a, b in edges.t().tolist())
    if classes:
        (folder / "classes.json").write_text(json.dumps(NAMES))
    if prompts:
        descriptions = dict(zip(NAMES, TOPICS, strict=True))
        record = {"template": "this paper is about {c}", "descriptions": descriptions}
        (folder / "label_prompts.json").write_text(json.dumps(record))


def config(tmp_path, **changes):
    return replace(
        graphclip_pretrain.PRESETS["tiny"], data=str(tmp_path), encoder="hashing",
        cache=str(tmp_path / "cache"), model=str(tmp_path / "models" / "{seed}"),
        sources=("one",), targets=("two",), channels=16, layers=1, heads=2, epochs=2,
        batch_size=16, walk_length=12, **changes,
    )  # fmt: skip


def context(folder):
    return Context(0, torch.device("cpu"), folder)


@pytest.fixture
def folders(tmp_path):
    for seed, name in enumerate(("one", "two")):
        write_folder(tmp_path / name, seed)
    return tmp_path


def test_the_scripts_work_on_any_folder(folders):
    rows = graphclip_pretrain.run(config(folders), context(folders / "run"))
    assert {"two: graphclip", "two: own text", "two: graphclip (untrained)"} <= set(rows)
    assert rows["two: own text"]["acc"] > 0.9  # the words of the classes are those of the texts
    assert rows["two: graphclip"]["acc"] > 0.6
    common = {"graph": str(folders / "two"), "encoder": "hashing"}
    common["model"] = str(folders / "models" / "{seed}")
    zero = graphclip_zeroshot.run(graphclip_zeroshot.Config(**common), context(folders / "z"))
    assert zero["own text"] == rows["two: own text"]
    assert "graphclip + own+mean" in zero
    links = graphclip_linkpred.run(graphclip_linkpred.Config(**common), context(folders / "l"))
    assert links["chance"]["auc"] == 0.5
    assert links["graphclip"]["auc"] > 0.6
    few = graphclip_fewshot.Config(
        **common, shots=(2,), tune_on=str(folders / "one"), lrs=(1e-3,), epochs=(2, 4)
    )
    rows = graphclip_fewshot.run(few, context(folders / "f"))
    assert rows["settings of 2-shot prompts of nodes alone"]["epochs"] in (2, 4)
    assert rows["settings of 2-shot prompts"]["num_prompts"] in (0, 4)
    prompts, start = rows["2-shot prompts"], rows["zero-shot, same nodes as 2-shot"]
    assert prompts["gain"] == pytest.approx(prompts["acc"] - start["acc"])
    assert rows["own text + mean, 2-shot logistic regression"]["acc"] > 0.6
    with pytest.raises(ValueError, match="another graph than the target"):
        same = replace(few, tune_on=few.graph)
        graphclip_fewshot.run(same, context(folders / "same"))


def test_defaults_need_no_other_graph(folders):
    graphclip_pretrain.run(config(folders), context(folders / "run"))
    few = graphclip_fewshot.Config(
        graph=str(folders / "two"), encoder="hashing", model=str(folders / "models" / "{seed}"),
        shots=(1,), tune_on="none",
    )  # fmt: skip
    rows = graphclip_fewshot.run(few, context(folders / "f"))
    assert not any(name.startswith("settings") for name in rows)


def test_shots_are_of_all_classes_and_not_scored():
    y = torch.tensor([0, 1, 2, 0, 1, 2, 0, 0])
    shots = graphclip_shots.draw_shots(y, 2, seed=1)
    assert sorted(y[shots].tolist()) == [0, 0, 1, 1, 2, 2]
    rest = graphclip_shots.others(y, shots)
    assert sorted([*shots.tolist(), *rest.tolist()]) == list(range(8))


def test_folders_without_prompts_or_classes(tmp_path):
    write_folder(tmp_path / "bare", prompts=False)
    loaded = load_text_set(tmp_path / "bare")
    assert loaded.class_names == ["neural nets", "evolution", "logic"]
    assert (loaded.template, loaded.descriptions) == ("{c}", None)
    write_folder(tmp_path / "unnamed", prompts=False, classes=False)
    assert load_text_set(tmp_path / "unnamed").class_names == ["0", "1", "2"]
    with pytest.raises(FileNotFoundError):
        load_text_set(tmp_path / "missing")


@pytest.mark.slow
def test_the_standard_library_needs_no_folder(tmp_path):
    assert set_path("anywhere", "python_stdlib") == "python_stdlib"
    settings = config(tmp_path, pairs=60)
    settings = replace(settings, sources=("python_stdlib",), targets=("python_stdlib",))
    rows = graphclip_pretrain.run(settings, context(tmp_path / "run"))
    assert rows["python_stdlib: own text"]["acc"] > rows["python_stdlib: chance"]["acc"]
    assert rows["pretraining"]["pairs"] == 60


def test_pairs_can_be_shared_by_all_seeds(folders):
    encoder = CachedEncoder("hashing", folders)

    def drawn(seed, **changes):
        settings = config(folders, pairs=20, **changes)
        return graphclip_pretrain.training_pairs(settings, encoder, seed)

    shared = [drawn(seed, pairs_seed=7) for seed in (0, 1)]
    assert torch.equal(shared[0].text, shared[1].text)
    assert torch.equal(shared[0].text, drawn(7).text)
    assert not torch.equal(drawn(0).text, drawn(1).text)


def test_a_source_may_name_its_edges_and_keeps_its_nodes(folders):
    few = (folders / "one" / "edges.csv").read_text().splitlines()[:9]
    (folders / "one" / "few.csv").write_text("\n".join(few) + "\n")
    encoder = CachedEncoder("hashing", folders)

    def drawn(*sources):
        settings = replace(config(folders), sources=sources)
        return graphclip_pretrain.training_pairs(settings, encoder, 0)

    alone, both = drawn("one:few.csv"), drawn("one", "one:few.csv")
    assert len(both) == len(drawn("one")) + len(alone) and 0 < len(alone) < 20
    assert both.x.size(0) == 60  # one graph with two kinds of edges, not two graphs
    assert torch.equal(both.store.center[-len(alone) :], alone.store.center)


def test_only_texts_that_are_visited_are_embedded(folders):
    graph, known = load_text_set(folders / "one"), CachedEncoder("hashing", folders)
    every, nodes = node_features(graph, known, None), torch.tensor([3, 4, 50])
    some = node_features(graph, known, None, nodes)
    assert torch.equal(some[nodes], every[nodes])
    assert not some[5:50].any() and some.shape == every.shape
    many = torch.arange(31)  # more than half: the whole set, which other runs may find
    assert torch.equal(node_features(graph, known, None, many), every)


def test_a_packaged_model_is_taken_by_its_name(monkeypatch):
    monkeypatch.setitem(sys.modules, "graphlab_models", None)
    with pytest.raises(ImportError, match="'graphlab/tiny' lies in the package graphlab-models"):
        load_model("graphlab/tiny", 0)


def test_an_official_checkpoint_is_taken_by_its_file(tmp_path):
    tower = GraphCLIPEncoder(16, 16, num_layers=1, heads=2, out_channels=16, residual="none")
    state = {f"module.graph_model.{name}": value for name, value in tower.state_dict().items()}
    torch.save({**state, "logit_scale": torch.tensor(2.0)}, tmp_path / "released.pt")
    model = load_model(str(tmp_path / "released.pt"), 0)
    loaded = model.graph_model.state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in tower.state_dict().items())
    assert not model.training


def test_pairs_of_the_release_are_taken_from_their_file(folders):
    source = folders / "one"
    graph = load_text_set(source).graph
    near = graph.edge_index[:, graph.edge_index[0] < 8]
    entries = [{"id": i, "graph": near[:, (near == i).any(0)].tolist(), "summary": f"about {i}"}
               for i in range(8)]  # fmt: skip
    file = folders / "summary-source.json"
    file.write_text(json.dumps(entries))
    given = config(folders, pair_files=(str(file),))
    encoder = CachedEncoder(given.encoder, folders / "cache")
    pairs = graphclip_pretrain.training_pairs(given, encoder, 0)
    assert len(pairs) == 8
    assert torch.allclose(pairs.text, encoder.encode([f"about {i}" for i in range(8)]))
    with pytest.raises(ValueError, match="pair_files must name a file per source, .* got 2 for 1"):
        graphclip_pretrain.training_pairs(replace(given, pair_files=("", "")), encoder, 0)
    file.write_text(json.dumps([{**entries[0], "summary": ""}]))
    with pytest.raises(ValueError, match=r"a summary for every subgraph, but 1 have none: \[0\]"):
        graphclip_pretrain.training_pairs(given, encoder, 0)


def test_an_encoder_is_taken_by_its_name_with_what_its_card_asks_for(tmp_path, monkeypatch):
    library = pytest.importorskip("sentence_transformers", reason="needs the extra tag")
    made = []

    def load(source, **_):
        made.append(Sentences(source))
        return made[-1]

    monkeypatch.setattr(library, "SentenceTransformer", load)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    arguments = ["--encoder", "e5-base-v2"]
    command = parse_command("x", graphclip_zeroshot.Config, graphclip_zeroshot.PRESETS, arguments)
    rows = CachedEncoder(command.config.encoder, tmp_path).encode(["a", "bc"])
    assert rows.shape == (2, 2) and not torch.equal(rows[0], rows[1])
    assert made[0].source == "intfloat/e5-base-v2"
    assert sorted(made[0].seen) == ["query: a", "query: bc"]


def test_results_of_another_graph_bear_its_name():
    presets = graphclip_zeroshot.PRESETS
    cora = presets["cora"]
    assert result_name(cora, "cora", presets) == "cora"
    assert result_name(replace(cora, graph="my/wiki"), "cora", presets) == "wiki"
    assert result_name(replace(cora, graph="my/wiki/nodes.csv"), "cora", presets) == "wiki"
    assert result_name(replace(cora, graph="python_stdlib"), "cora", presets) == "python_stdlib"
    sized = graphclip_pretrain.PRESETS
    assert result_name(sized["tiny"], "tiny", sized) == "tiny"


def test_no_source_of_the_packaged_model_is_a_target():
    for name in ("graphlab_tiny", "graphlab_tiny_long"):
        preset = graphclip_pretrain.PRESETS[name]
        sources = {source.partition(":")[0] for source in preset.sources}
        assert not sources & {"cora", "webkb_cornell", "webkb_texas", "python_stdlib"}
        assert set(preset.targets) == {"cora", "webkb_cornell", "webkb_texas"}


def test_presets_keep_the_selection_of_their_results():
    for name, preset in graphclip_pretrain.PRESETS.items():
        path = REPOSITORY / "experiments" / "results" / f"graphclip_pretrain_{name}.json"
        if path.is_file():
            recorded = json.loads(path.read_text(encoding="utf-8"))["config"]
            assert preset.selection == recorded.get("selection", "r1"), name  # which was the rule


def test_presets_do_not_overwrite_each_others_models():
    models = [preset.model for preset in graphclip_pretrain.PRESETS.values()]
    assert len(set(models)) == len(models)
    assert graphclip_pretrain.PRESETS["tiny"].model == graphclip_zeroshot.Config().model


def test_summaries_by_a_language_model(folders):
    def answer(number, body):
        return json.dumps({"root": "It is about rules.", "context": "So are the others."})

    encoder = CachedEncoder("hashing", folders)
    with serving(answer) as server:
        asked = {"summaries": "llm", "llm_model": "m", "llm_base_url": server.url}
        settings = config(folders, pairs=5, **asked)
        pairs = [graphclip_pretrain.training_pairs(settings, encoder, 0) for _ in range(2)]
        assert server.calls == 5  # the second time from the cache
    assert torch.equal(pairs[0].text, pairs[1].text)
    expected = encoder.encode(["It is about rules. So are the others."])
    assert torch.equal(pairs[0].text, expected.expand(5, -1))
    for wrong in (Summaries("llm"), Summaries("oracle", "m")):
        with pytest.raises(ValueError, match="summaries must be 'template', or 'llm' with"):
            wrong.write(["a"], pairs[0].store)


def test_sets_of_texts_are_kept_without_their_encoder(tmp_path):
    encoder = CachedEncoder("a name nobody has", tmp_path)
    encoder._encoder = CachedEncoder("hashing", tmp_path)
    rows = encoder.encode(["one", "two"])
    again = CachedEncoder("a name nobody has", tmp_path)
    assert torch.equal(again.encode(["one", "two"]), rows)
    assert again._encoder is None
    assert len(list(tmp_path.glob("*"))) == len(list(tmp_path.glob("*.npy"))) + 1 == 2  # and a lock


def test_a_set_that_was_interrupted_goes_on(tmp_path):
    texts = [f"text {i}" + " and more" * (i % 7) for i in range(5000)]
    known = TextEncoder("hashing")
    batches = []

    class Encoder:
        limit = 130

        def encode(self, batch):
            if len(batches) == self.limit:
                raise KeyboardInterrupt
            batches.append(batch)
            return known.encode(batch)

    encoder = CachedEncoder("a name nobody has", tmp_path)
    encoder._encoder = Encoder()
    with pytest.raises(KeyboardInterrupt):
        encoder.encode(texts)
    Encoder.limit = None
    rows = encoder.encode(texts)
    assert torch.equal(rows, known.encode(texts).half().float())
    # Two commits of 64 batches were kept; the same batches as in one go make the rest.
    assert len(batches) == 130 + -(-5000 // 32) - 128
    ordered = sorted(texts, key=len, reverse=True)
    assert [text for batch in [*batches[:128], *batches[130:]] for text in batch] == ordered
    assert not list(tmp_path.glob("*.rows"))


@pytest.mark.slow
def test_torchrun_equals_one_process_and_writes_once(folders):
    arguments = [
        "-m", "experiments.graphclip.pretrain", "--preset", "tiny", "--seeds", "0:2",
        "--data", str(folders), "--encoder", "hashing", "--sources", "one", "--targets", "two",
        "--channels", "16", "--layers", "1", "--heads", "2", "--epochs", "2", "--batch-size", "16",
        "--walk-length", "12", "--device", "cpu",
    ]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)}
    outputs, found, curves = {}, {}, {}
    for ranks in (1, 2):
        run = [sys.executable]
        if ranks > 1:
            run += ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(ranks)]
        paths = ["--out", str(folders / f"runs{ranks}")]
        paths += ["--model", str(folders / f"models{ranks}" / "{seed}")]
        for _ in range(ranks):  # the second time everything is there already
            done = subprocess.run(
                [*run, *arguments, *paths], cwd=folders, env=environment,
                capture_output=True, text=True, timeout=300,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            outputs[ranks] = done.stdout
        (path,) = (folders / f"runs{ranks}").rglob("results.json")
        found[ranks] = json.loads(path.read_text(encoding="utf-8"))
        logs = sorted((folders / f"runs{ranks}").rglob("metrics.jsonl"))
        curves[ranks] = [
            json.loads(row)["loss"] for log in logs for row in log.read_text().splitlines()
        ]
    assert outputs[2].count("graphclip_pretrain tiny") == 1
    assert curves[2] == pytest.approx(curves[1], abs=1e-5)
    assert len(curves[2]) == 4
    assert found[1]["seeds"] == found[2]["seeds"] == [0, 1]
    for name, row in found[1]["rows"].items():
        for metric, cell in row.items():
            assert found[2]["rows"][name][metric]["values"] == pytest.approx(
                cell["values"], abs=1e-3
            )
