"""What users do first works as README and quickstart say: their own blocks are run, offline.

Deeper tests of the same: interruption and resume in ``tests/experiments/test_resume.py``, many
processes in ``tests/experiments/test_graphclip.py``, the client in
``tests/tag/llm/test_client.py``.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch

import graphlab
from experiments._harness.runner import main
from experiments._harness.scripts import all_scripts, script_name
from tests._data import REPOSITORY, test_data_root
from tests.tag.llm._server import completion, serving

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
QUICKSTART = (REPOSITORY / "docs" / "quickstart.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


def section(number: int) -> str:
    (found,) = re.findall(rf"^## {number}\. .*?(?=^## |\Z)", QUICKSTART, re.DOTALL | re.MULTILINE)
    return found


def run_block(number: int, *changes: tuple[str, str]) -> dict[str, Any]:
    """Run the Python block of a section, with a few words changed where a test must."""
    (code,) = blocks(section(number), "python")
    for old, new in changes:
        assert old in code
        code = code.replace(old, new)
    names: dict[str, Any] = {}
    exec(compile(code, f"docs/quickstart.md, section {number}", "exec"), names)
    return names


def run_script(words: list[str]) -> int:
    """Run ``python -m experiments.<name> ...`` in this process."""
    assert words[:2] == ["python", "-m"]
    if words[2] in ("experiments.demo", "experiments.reproduce"):
        return import_module(f"{words[2]}.run").main(words[3:])
    script = all_scripts()[script_name(words[2])]
    with pytest.raises(SystemExit) as left:
        main(script.run, script.Config, script.PRESETS, arguments=words[3:])
    return left.value.code


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch) -> Path:
    """Users start in a folder of their own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    return tmp_path


def test_journey_1_a_number_in_a_notebook(capsys):
    names = run_block(1)
    assert names["z"].shape == (1797, 128)
    assert f"test accuracy {names['result'].accuracy:.3f}" in capsys.readouterr().out
    assert names["result"].accuracy > 0.7


def test_journey_1_on_cora(elsewhere, capsys):
    source = test_data_root("planetoid", "Cora", "raw")
    shutil.copytree(source, elsewhere / "data" / "planetoid" / "Cora" / "raw")
    uncommented = re.search(r"^# (data = Planetoid.*)", section(1), flags=re.MULTILINE)[1]
    imported = "from torch_geometric.datasets import Planetoid\n"
    names = run_block(1, ("data = digits_knn()", imported + uncommented))
    assert names["z"].shape == (2708, 128)
    assert names["result"].accuracy > 0.5


def test_journey_2_a_loss_in_ones_own_loop(capsys):
    torch.manual_seed(0)
    names = run_block(2)
    assert torch.isfinite(names["loss"])
    assert all(p.grad is not None for p in names["encoder"].parameters())
    assert capsys.readouterr().out.startswith("loss ")


def test_journey_3_a_table_that_continues(elsewhere, capsys):
    command, again = map(shlex.split, blocks(section(3), "bash"))
    times = []
    for _ in range(2):
        assert run_script(command) == 0
        assert " ± " in capsys.readouterr().out
        content = json.loads((elsewhere / "runs" / "fastrp.json").read_text(encoding="utf-8"))
        times.append([cost["seconds"] for cost in content["cost"]])
    assert times[0] == times[1]  # the second time nothing was computed
    assert content["seeds"] == [0, 1, 2]
    assert shlex.split(content["command"])[:7] == command[:7]
    names = again[again.index("--only") + 1 :]
    assert all((REPOSITORY / "experiments" / "results" / f"{n}.json").exists() for n in names)
    assert again[2] == "experiments.reproduce"
    assert "`--quick`" in section(3) and "`--full`" in section(3)


def test_journey_4_pretrain_and_carry_away(elsewhere, capsys):
    (command,) = map(shlex.split, blocks(section(4), "bash"))
    assert command[:2] == ["torchrun", "--nproc_per_node=2"]
    assert run_script(["python", *command[2:]]) == 0
    assert "graphclip_pretrain smoke" in capsys.readouterr().out
    names = run_block(4)
    predicted = names["model"].predict()
    assert predicted.shape == (names["graph"].num_nodes,)
    assert int(names["model"].predict(["numbers", "files"]).max()) == 1
    assert {"config.json", "model.safetensors"} <= {
        path.name for path in (elsewhere / "runs" / "graphclip_smoke" / "0").iterdir()
    }


@pytest.mark.parametrize(("budget", "paid"), [("0.01", 4), ("0.00015", 2)])
def test_journey_5_a_language_model_within_a_budget(budget, paid, capsys):
    pytest.importorskip("openai", reason="needs the extra 'tag'")
    usage = {"prompt_tokens": 10, "completion_tokens": 100}
    with serving(lambda number, body: {"body": completion("one", usage=usage)}) as server:
        changes = (("http://localhost:11434/v1", server.url), ("budget=0.01", f"budget={budget}"))
        if paid == 4:
            names = run_block(5, *changes)
        else:
            with pytest.warns(RuntimeWarning, match="2 prompts not asked"):
                names = run_block(5, *changes)
        told = [reply.status for reply in names["replies"]]
        assert sorted(told) == ["budget"] * (4 - paid) + ["ok"] * paid
        assert names["client"].spent <= float(budget)
        assert "calls=4" in capsys.readouterr().out
        run_block(5, changes[0])  # what was paid is kept
        assert server.calls == 4


def test_journey_6_mistakes_are_named(capsys):
    names = run_block(6)
    lines = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())
    assert set(lines) == set(names["mistakes"])
    assert "= 1797 is outside [0, 1797)" in lines["node ids from one"]
    assert "edge_index must be int64 or int32, got dtype torch.float32" in lines["edges as floats"]
    assert "transpose it?" in lines["edges as rows"]
    assert lines["a missing value"] == "z must be finite, but z[(3, 2)] = nan"
    assert "must be on one device" in lines["two devices"]


def test_journey_7_what_is_installed(elsewhere):
    (command,) = map(shlex.split, blocks(section(7), "bash"))
    done = subprocess.run(
        [sys.executable, *command[1:]], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert all(word in done.stdout for word in ("versions", "kernels", "devices", "data root"))


def test_readme_runs(capsys):
    (code,) = blocks(README, "python")
    names: dict[str, Any] = {}
    exec(compile(code, "README.md", "exec"), names)
    assert capsys.readouterr().out.startswith("probe 0.")
    assert names["probe"].accuracy > 0.75
    assert names["z"].shape == (1797, 256)
    assert torch.isfinite(names["loss"])
    assert names["concentration"].shape == (1797,)


def test_readme_fits_two_screens():
    lines = README.splitlines()
    assert len(lines) <= 100
    rooms = {room for room in graphlab.__all__ if not room.startswith("_")} - {"info"}
    assert rooms <= set(re.findall(r"^\| `graphlab\.(\w+)`", README, flags=re.MULTILINE))


def test_names_in_the_readme_are_public():
    for room, cells in re.findall(r"^\| `graphlab\.(\w+)` \| (.*?) \|", README, flags=re.MULTILINE):
        names = re.findall(r"`(\w+)`", cells)
        assert len(names) == 5
        assert set(names) <= set(getattr(graphlab, room).__all__)


def test_readme_leads_to_the_quickstart():
    assert "](docs/quickstart.md)" in README
    assert "\nquickstart\n" in (REPOSITORY / "docs" / "index.md").read_text(encoding="utf-8")
