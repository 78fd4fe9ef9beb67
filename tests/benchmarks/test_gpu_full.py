"""The plan for a machine with a GPU: its parts, what ends a step, and all of it on the CPU."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest
import torch

from benchmarks.gpu import full
from benchmarks.gpu import run as gpu
from benchmarks.gpu.inputs import FAMILIES, WITH_HUBS
from benchmarks.gpu.plan import LIMIT_S, PARTS, Step, parts
from benchmarks.gpu.steps import steps
from tests._data import REPOSITORY

PLAN = parts("out")


@pytest.mark.parametrize("part", PARTS)
def test_a_part_ends_within_nine_minutes(part):
    assert LIMIT_S == 9 * 60
    assert 0 < sum(step.limit_s for step in PLAN[part]) <= LIMIT_S


def test_every_operator_and_step_is_measured_once():
    measured = [
        case
        for part in ("operators", "steps", "large")
        for step in PLAN[part]
        for case in step.command[
            step.command.index("--cases") + 1 : step.command.index("--results")
        ]
    ]
    operators = [op for family in FAMILIES.values() for op in family]
    assert sorted(measured) == sorted([*operators, *steps(small=True)])


def test_families_with_rows_of_any_length_are_also_measured_on_hubs():
    cases = [word for step in PLAN["hubs"] for word in step.command]
    assert cases.count("rmat") == len(WITH_HUBS)
    for family in WITH_HUBS:
        assert set(FAMILIES[family]) - set(cases) <= {"distinct_ends"}


def test_names_of_steps_are_those_of_their_logs():
    names = [step.name for part in PLAN.values() for step in part]
    assert len(set(names)) == len(names)


def say(text: str) -> tuple[str, ...]:
    return (sys.executable, "-c", text)


def steps_of(tmp_path: Path) -> list[Step]:
    # The shell starts at once, also on a busy machine.
    child = f"(sleep 2; touch {tmp_path / 'late'}) & echo slow; sleep 60"
    return [
        Step("fails", say("print('the reason'); raise SystemExit(3)"), 60),
        Step("slow", ("sh", "-c", child), 1),
        Step("left", ("no-such-tool-at-all",), 60, tool="no-such-tool-at-all"),
        Step("fine", say("print('fine')"), 60),
    ]


def test_what_fails_or_hangs_keeps_nothing_else_from_running(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(full, "parts", lambda results: {"one": steps_of(tmp_path)})
    monkeypatch.setattr(full, "environment", lambda step, dry: None)
    out = tmp_path / "out"
    assert full.run_parts(["one"], out, dry=False) == ["fails", "slow"]
    rows = [json.loads(line) for line in (out / "summary.jsonl").read_text().splitlines()]
    assert {row["step"]: row["ended"] for row in rows} == {
        "fails": "failed with status 3",
        "slow": "ended after its limit of 1 s",
        "left": "left out: there is no no-such-tool-at-all",
        "fine": "passed",
    }
    assert "    the reason" in capsys.readouterr().out
    assert (out / "fine.log").read_text() == "fine\n"
    assert (out / "slow.log").read_text() == "slow\n"
    time.sleep(1.5)
    assert not (tmp_path / "late").exists()  # what the step had started ended with it


def test_a_dry_run_waits_longer_than_a_device_may_take(tmp_path):
    # Of the interpreter's start alone; its limit is a second on a device.
    step = Step("late", say("import time; time.sleep(1.5)"), 1)
    assert full.run_step(step, tmp_path / "log", dry=True)[0] == "passed"


def test_rows_are_written_as_they_come_and_a_case_that_fails_is_one(tmp_path, monkeypatch):
    path, written = tmp_path / "rows.json", []

    def row(op, *rest):
        written.append([r["case"] for r in json.loads(path.read_text())["rows"]])
        if op == "cluster_gather":
            raise RuntimeError("no such kernel")
        return {"case": op, "name": "graphlab"}

    monkeypatch.setattr(gpu, "operator_row", row)
    cases = ["cluster_sum", "cluster_gather", "cluster_outer"]
    with pytest.raises(SystemExit, match="failed: cluster_gather"):
        gpu.main(["--dry-run", "--only", "operators", "--cases", *cases, f"--results={path}"])
    assert written == [["device", *cases[:n]] for n in range(3)]
    rows = {r["case"]: r for r in json.loads(path.read_text())["rows"]}
    assert rows["cluster_gather"]["error"] == "RuntimeError: no such kernel"
    assert list(rows) == ["device", *cases, "device after"]


def test_a_part_that_is_not_there_is_refused(capsys):
    with pytest.raises(SystemExit):
        full.main(["nothing", "--dry-run"])
    assert "there is no part 'nothing', only build, device" in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="refused only without a GPU")
def test_a_real_run_needs_a_gpu():
    with pytest.raises(SystemExit, match="--dry-run tries the parts without one"):
        full.main(["build"])


def test_the_script_starts_it():
    text = (REPOSITORY / "benchmarks" / "gpu_full.sh").read_text(encoding="utf-8")
    assert '-m benchmarks.gpu.full "$@"' in text


def test_rows_of_all_parts_are_joined(tmp_path):
    assert full.join(tmp_path, []) is None
    for name, case in (("operators_edge", "edge_cosine_sum"), ("pamc_million", "pamc_million")):
        rows = [
            {"case": "device", "device": "NVIDIA H200"},
            {"case": case},
            {"case": "device after"},
        ]
        (tmp_path / f"{name}.json").write_text(json.dumps({"rows": rows}))
    joined = full.join(tmp_path, ["--out", "x"])
    assert joined == tmp_path / "h200.json"
    content = json.loads(joined.read_text())
    assert [row["case"] for row in content["rows"]] == ["device", "edge_cosine_sum", "pamc_million"]
    assert "gpu.full --out x" in content["command"]


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_a_dry_run_walks_through_the_part(part, tmp_path):
    full.main(["--dry-run", "--out", str(tmp_path), part])
    rows = [json.loads(line) for line in (tmp_path / "summary.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [step.name for step in PLAN[part]]
    assert {row["ended"] for row in rows} == {"passed"}
    assert all((tmp_path / f"{row['step']}.log").is_file() for row in rows)
