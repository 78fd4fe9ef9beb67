"""Committed figures are what the code gives: the smoke files are repeated here and compared."""

from __future__ import annotations

import copy
import json
import math
import re
import shlex
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from experiments._harness import repeat as repeat_file
from experiments._harness.cli import parse_command, parse_seeds
from experiments._harness.comparison import TIMING, Line, Spread, changed_settings, compare
from experiments._harness.environment import jsonable
from experiments._harness.repeat import Outcome, Recorded, committed, repeat
from experiments._harness.runner import main
from experiments._harness.scripts import all_scripts, script_name
from experiments.pamc import run as pamc
from experiments.reproduce import run as reproduce

FILES = {recorded.name: recorded for recorded in committed()}
SMOKE = [name for name in FILES if name.endswith("_smoke")]


def in_process(module: str, arguments: Any, log: Path) -> None:
    script = all_scripts()[script_name(module)]
    extras = (getattr(script, name, None) for name in ("PUBLISHED", "CAVEATS"))
    with pytest.raises(SystemExit):
        main(script.run, script.Config, script.PRESETS, *extras, arguments=list(arguments))


def answers(content: dict[str, Any]) -> Any:
    """A runner that computes nothing and leaves these results."""

    def run(module: str, arguments: Any, log: Path) -> None:
        words = list(arguments)
        target = Path(words[words.index("--results") + 1])
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(content), encoding="utf-8")

    return run


def says(text: str) -> Any:
    """A runner that leaves a message and no results."""
    return lambda module, arguments, log: log.write_text(text, encoding="utf-8")


def shifted(recorded: Recorded, share: float) -> Recorded:
    """The file with its first figure moved by a share of what it may differ by."""
    content = copy.deepcopy(recorded.content)
    line = compare(content, content)[0]
    cell = content["rows"][line.row][line.metric]
    move = share * line.tolerance
    cell["mean"] += move
    cell["values"] = [value + move for value in cell["values"]]
    return Recorded(recorded.name, content)


# --- the figures ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SMOKE)
def test_committed_figures_are_reproduced(name, tmp_path, monkeypatch):
    # The t-SNE picture takes longer than everything else, and no figure comes from it.
    monkeypatch.setattr(pamc, "draw_map", lambda *arguments: None)
    monkeypatch.chdir(tmp_path)
    outcome = repeat(FILES[name], tmp_path, None, in_process)
    if outcome.status == "not run":
        pytest.skip(outcome.reason)
    assert outcome.good, reproduce.report([outcome], everything=False)
    assert len(outcome.lines) > 5


def test_every_family_of_scripts_has_a_smoke_file():
    scripts = {
        "concentration", "fastrp", "feasibility", "gaugllm", "graphclip_pretrain", "hypergraph",
        "knowledge_graph", "link_prediction", "pamc", "pot", "pretext", "retrieval", "tape",
    }  # fmt: skip
    assert {FILES[name].content["script"] for name in SMOKE} == scripts
    assert all(FILES[name].seconds < 60 for name in SMOKE)


def test_an_altered_figure_is_noticed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    altered = shifted(FILES["fastrp_smoke"], 1.5)
    monkeypatch.setattr(reproduce, "committed", lambda: [altered])
    arguments = ["--only", "fastrp_smoke", "--out", str(tmp_path)]
    assert reproduce.main(arguments, in_process) == 1
    printed = capsys.readouterr().out
    assert " NO" in printed
    assert "0 of 1 files reproduced, 0 not run" in printed
    whole = (tmp_path / "reproduced.txt").read_text(encoding="utf-8")
    assert whole.count(" NO") == 1 and whole.count(" yes") > 5
    # The run is finished: the same command compares without computing.
    monkeypatch.setattr(reproduce, "committed", lambda: [FILES["fastrp_smoke"]])
    monkeypatch.setattr(import_module("experiments.fastrp.run"), "embedding", None)
    assert reproduce.main(arguments, in_process) == 0


# --- what the committed files promise -------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
def test_recorded_command_still_gives_the_recorded_settings(name):
    content = FILES[name].content
    script = all_scripts()[content["script"]]
    words = shlex.split(content["command"])[3:]
    command = parse_command(script.__name__, script.Config, script.PRESETS, words)
    now = {"config": jsonable(command.config), "seeds": content["seeds"]}
    assert changed_settings(content, json.loads(json.dumps(now))) == []
    assert parse_seeds(command.options.seeds) == content["seeds"]
    assert name.startswith(content["script"])
    assert command.options.results == Path(f"experiments/results/{name}.json")


def test_times_are_named():
    metrics = {m for r in FILES.values() for row in r.content["rows"].values() for m in row}
    suspicious = {m for m in metrics if "second" in m or m.endswith(("_s", "_ms", "time"))}
    assert suspicious == TIMING


# --- the rule -------------------------------------------------------------------------------------


def spread(*values: float) -> Spread:
    mean = sum(values) / len(values)
    squares = sum((value - mean) ** 2 for value in values)
    std = math.sqrt(squares / (len(values) - 1)) if len(values) > 1 else None
    return Spread(mean, std, values)


def test_means_may_differ_by_three_standard_errors():
    before = spread(0.5, 0.6, 0.7)  # standard deviation 0.1
    allowed = 3 * math.sqrt(2 * 0.01 / 3)
    for factor, within in ((0.99, True), (1.01, False)):
        after = spread(*(value + factor * allowed for value in before.values))
        line = Line("row", "acc", before, after)
        assert line.tolerance == pytest.approx(allowed)
        assert line.within is within
        assert not line.equal


@pytest.mark.parametrize(
    ("before", "after", "within"),
    [
        ((0.8,), (0.8049,), True),
        ((0.8,), (0.8051,), False),
        ((0.8, 0.8), (0.8051, 0.8051), False),
        ((400.0,), (401.9,), True),
        ((400.0,), (402.1,), False),
    ],
)
def test_without_spread_half_a_point_or_half_a_percent(before, after, within):
    assert Line("row", "acc", spread(*before), spread(*after)).within is within


def test_a_missing_figure_is_not_reproduced():
    cell = {"mean": 1.0, "std": None, "values": [1.0]}
    one, two = {"rows": {"a": {"acc": cell}}}, {"rows": {"b": {"acc": cell, "seconds": cell}}}
    lines = compare(one, two)
    assert [(line.row, line.metric) for line in lines] == [("a", "acc"), ("b", "acc")]
    assert not any(line.within or line.equal for line in lines)
    assert lines[0].cells()["reproduced"] == "missing"
    assert compare(one, one)[0].equal


def test_changed_settings_are_another_experiment(tmp_path):
    recorded = FILES["fastrp_smoke"]
    repeated = copy.deepcopy(recorded.content)
    repeated["config"] |= {"dim": 64, "source": "elsewhere", "new": 1}
    assert changed_settings(recorded.content, repeated) == ["dim: 32 -> 64"]
    outcome = repeat(recorded, tmp_path, None, answers(repeated))
    assert not outcome.good and outcome.outside == []
    assert "settings have changed: dim" in str(outcome)
    assert reproduce.status([outcome]) == 1


# --- what is not there ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        ("FileNotFoundError: place acm.txt at data", "not run", 2),
        ("graphlab._download.DownloadError: no network", "not run", 2),
        ("ValueError: x must be finite", "failed", 1),
    ],
)
def test_missing_data_is_told_and_a_failure_fails(error, status, code, tmp_path):
    repeated = {**FILES["pamc_acm_paper"].content, "errors": {"0": error, "1": error}}
    outcome = repeat(FILES["pamc_acm_paper"], tmp_path, None, answers(repeated))
    assert (outcome.status, outcome.reason) == (status, error)
    assert reproduce.status([outcome]) == code
    good = Outcome(FILES["pamc_acm_paper"], "repeated")
    assert reproduce.status([good, outcome]) == code
    printed = reproduce.report([good, outcome], everything=False)
    assert f"pamc_acm_paper: {status}: {error}" in printed
    assert f"1 of 2 files reproduced, {int(code == 2)} not run" in printed


@pytest.mark.parametrize(
    ("last", "status"),
    [("ModuleNotFoundError: No module named 'xgi'", "not run"), ("Killed", "failed")],
)
def test_a_script_that_leaves_no_results_is_never_passed(last, status, tmp_path):
    old = FILES["hypergraph_crime"]
    stale = old.results(tmp_path)
    stale.parent.mkdir(parents=True)
    stale.write_text(json.dumps(old.content), encoding="utf-8")
    outcome = repeat(old, tmp_path, None, says(f"Traceback\n{last}\n"))
    assert (outcome.status, outcome.reason) == (status, last)


def test_a_graph_made_of_another_python_is_not_compared(tmp_path):
    content = copy.deepcopy(FILES["graphclip_pretrain_smoke"].content)
    content["versions"]["python"] = "3.7.1"
    outcome = repeat(Recorded("x", content), tmp_path, None, says(""))
    assert outcome.status == "not run" and "Python 3.7" in outcome.reason


# --- the command ----------------------------------------------------------------------------------


def moved(name: str, tmp_path: Path) -> dict[str, str]:
    words = FILES[name].arguments(tmp_path / "out", tmp_path)
    return {a[2:]: b for a, b in pairwise(words) if a.startswith("--")}


def test_commands_find_data_and_write_elsewhere(tmp_path):
    for name in ("multilabel", "linkpred/animal", "llm_outputs", "text_graphs/minilm"):
        (tmp_path / name).mkdir(parents=True)
    words = FILES["fastrp_blogcatalog_d512"].arguments(tmp_path / "out", tmp_path)
    assert words[words.index("--ratios") + 1] == "0.1"
    assert words.count("--results") == 1
    assert moved("fastrp_wikipedia", tmp_path)["source"] == str(tmp_path / "multilabel")
    assert moved("link_prediction_vole", tmp_path)["source"] == str(tmp_path / "linkpred/animal")
    assert moved("link_prediction_cora", tmp_path)["source"] == str(tmp_path)
    assert moved("gaugllm_cora_gbt", tmp_path)["data"] == str(tmp_path / "llm_outputs")
    tiny = moved("graphclip_pretrain_tiny", tmp_path)
    assert tiny["embeddings"] == str(tmp_path / "text_graphs" / "minilm")
    assert tiny["model"] == str(tmp_path / "out" / "models" / "runs" / "graphclip" / "{seed}")
    assert tiny["out"] == str(tmp_path / "out" / "runs")
    # Nothing is there for SDCN, and the digits need nothing.
    content = copy.deepcopy(FILES["pamc_acm_paper"].content)
    content["command"] = re.sub(r" --source \S+", "", content["command"])
    bare = Recorded("pamc_acm_paper", content).arguments(tmp_path / "out", tmp_path)
    assert "--source" not in bare and "source" not in moved("pamc_digits", tmp_path)


def test_texts_are_found_by_the_name_of_their_graph(tmp_path):
    content = copy.deepcopy(FILES["tape_cora"].content)
    content["config"] |= {"dataset": "texts", "source": "elsewhere/text_graphs/cora"}
    for name in ("llm_outputs", "text_graphs/cora"):
        (tmp_path / name).mkdir(parents=True)
    words = Recorded("x", content).arguments(tmp_path / "out", tmp_path)
    assert words[words.index("--source") + 1] == str(tmp_path / "text_graphs" / "cora")


def test_models_are_read_where_pretraining_wrote_them(tmp_path, monkeypatch):
    monkeypatch.setattr(repeat_file, "ROOT", tmp_path)
    content = copy.deepcopy(FILES["graphclip_pretrain_tiny"].content)
    content["script"] = "graphclip_fewshot"
    content["command"] = "python -m experiments.graphclip.fewshot --tune_on=x --preset cora"
    content["config"] |= {"graph": "data/text_graphs/cora", "tune_on": "none"}
    (tmp_path / "text_graphs" / "cora").mkdir(parents=True)
    own, fresh = (tmp_path / folder / "runs/graphclip/{seed}" for folder in ("", "out/models"))
    words = Recorded("x", content).arguments(tmp_path / "out", tmp_path)
    assert str(tmp_path / "text_graphs" / "cora") in words
    assert str(fresh) in words
    # Those of the checkout serve a selection that has not pretrained any.
    own.parent.mkdir(parents=True)
    assert str(own) in Recorded("x", content).arguments(tmp_path / "out", tmp_path)
    fresh.parent.mkdir(parents=True)
    assert str(fresh) in Recorded("x", content).arguments(tmp_path / "out", tmp_path)
    for command in ("rm -r x", "python -m", "python"):
        content["command"] = command
        with pytest.raises(ValueError, match="^x: the command must run the script graphclip_few"):
            Recorded("x", content).arguments(tmp_path, None)
    content["command"] = "python -m 'experiments.graphclip.fewshot"
    with pytest.raises(ValueError, match="^x: the command cannot be read: No closing quotation"):
        Recorded("x", content).arguments(tmp_path, None)
    content |= {"script": "[" * 100_000, "command": "python -m experiments.pot"}
    with pytest.raises(ValueError, match=r"^x: the command must run the script \[{80}$"):
        Recorded("x", content).arguments(tmp_path, None)


def test_files_are_chosen():
    files = list(FILES.values())
    quick = {file.name for file in reproduce.chosen(reproduce.Options(quick=True), files)}
    assert set(SMOKE) <= quick and "pamc_acm_paper" not in quick
    # Its own run takes seconds, the pretraining of the models that it reads takes minutes.
    links = FILES["graphclip_linkpred_cora"]
    assert [needed.name for needed in links.needs(files)] == ["graphclip_pretrain_tiny"]
    assert links.seconds <= reproduce.QUICK_SECONDS and links.name not in quick
    assert reproduce.chosen(reproduce.Options(full=True), files) == files
    assert files[0].content["script"] == "graphclip_pretrain"
    for wrong in (reproduce.Options(), reproduce.Options(quick=True, full=True)):
        with pytest.raises(ValueError, match="give one of --quick, --full and --only"):
            reproduce.chosen(wrong, files)
    with pytest.raises(ValueError, match=r"only must be among .*, got nothing"):
        reproduce.chosen(reproduce.Options(only=("nothing",)), files)


def test_list_tells_what_has_no_result(capsys):
    assert reproduce.main(["--list"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in FILES)
    assert "no committed result, pot: " in printed
    assert reproduce.main([]) == 1
    assert "give one of" in capsys.readouterr().err


def test_data_folder(tmp_path, monkeypatch):
    assert reproduce.data_folder(tmp_path) == tmp_path
    with pytest.raises(ValueError, match="data must be a folder"):
        reproduce.data_folder(tmp_path / "none")
    monkeypatch.setenv("GRAPHLAB_TEST_DATA", str(tmp_path / "none"))
    assert reproduce.data_folder(None) is None


def test_accepted_results_keep_the_command(tmp_path):
    recorded = FILES["fastrp_smoke"]
    repeated = copy.deepcopy(recorded.content)
    repeated |= {"command": "python -m experiments.fastrp --out /tmp/x", "commit": "new"}
    outcome = repeat(recorded, tmp_path, None, answers(repeated))
    reproduce.accept(outcome, tmp_path, tmp_path)
    written = json.loads((tmp_path / "fastrp_smoke.json").read_text(encoding="utf-8"))
    assert written == {**recorded.content, "commit": "new"}
    (tmp_path / "fastrp_smoke.json").unlink()
    reproduce.accept(Outcome(recorded, "failed", "no"), tmp_path, tmp_path)
    assert not (tmp_path / "fastrp_smoke.json").exists()


def test_pages_are_renewed(tmp_path, monkeypatch, capsys):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "tables.py").write_text("open('done', 'w').close()", encoding="utf-8")
    (tmp_path / "docs" / "a_picture.py").write_text("exit('no results yet')", encoding="utf-8")
    monkeypatch.setattr(reproduce, "ROOT", tmp_path)
    reproduce.renew_pages()
    assert (tmp_path / "done").exists()
    printed = capsys.readouterr().out
    assert "docs/tables.py: done" in printed and "docs/a_picture.py: no results yet" in printed


@pytest.mark.slow
def test_runs_have_a_process_of_their_own(tmp_path):
    outcome = repeat(FILES["fastrp_smoke"], tmp_path, None, repeat_file.by_subprocess)
    assert outcome.good
    assert "fastrp smoke" in (tmp_path / "logs" / "fastrp_smoke.txt").read_text(encoding="utf-8")
