"""An interrupted and resumed run ends bit for bit where an uninterrupted one does."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from experiments._harness.context import CHECKPOINT, METRICS, Context
from experiments._harness.runner import execute
from experiments._harness.state import flatten_state, seed_everything, unflatten_state
from tests.experiments import tiny_script

ROOT = Path(__file__).resolve().parents[2]


def outcome(folder: Path) -> tuple[bytes, bytes, Any]:
    (seed,) = folder.rglob("seed0")
    result = json.loads((seed / "result.json").read_text(encoding="utf-8"))
    model = (seed / "artifacts" / "model.safetensors").read_bytes()
    return (seed / METRICS).read_bytes(), model, result["rows"]


def run_here(out: Path, config: tiny_script.Config) -> Any:
    return execute(tiny_script.run, config, out=out, script="tiny_script", device="cpu")


@pytest.mark.parametrize("die_at", [0, 1, 6, 7, 11])
def test_resume_after_an_error_equals_uninterrupted(tmp_path: Path, die_at: int) -> None:
    flag = tmp_path / "die"
    config = tiny_script.Config(flag=flag, die_at=die_at)
    assert not run_here(tmp_path / "whole", config).errors
    flag.touch()
    broken = run_here(tmp_path / "cut", config)
    assert broken.errors == {0: "RuntimeError: on request"}
    assert not broken.finished
    assert not run_here(tmp_path / "cut", config).errors
    assert outcome(tmp_path / "cut") == outcome(tmp_path / "whole")
    assert not list((tmp_path / "cut").rglob("error.txt"))


def test_metrics_have_no_duplicate_or_missing_row(tmp_path: Path) -> None:
    flag = tmp_path / "die"
    config = tiny_script.Config(flag=flag)
    for _ in range(2):
        flag.touch()
        run_here(tmp_path / "runs", config)
    run_here(tmp_path / "runs", config)
    rows = [json.loads(line) for line in outcome(tmp_path / "runs")[0].splitlines()]
    assert [row["step"] for row in rows] == list(range(config.epochs))


def test_resume_after_sigkill_equals_uninterrupted(tmp_path: Path) -> None:
    flag = tmp_path / "die"
    arguments = ["--preset", "tiny", "--flag", str(flag), "--die-by", "kill", "--device", "cpu"]
    command = [sys.executable, "-m", "tests.experiments.tiny_script", *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}

    def start(out: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, "--out", str(tmp_path / out)],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )

    run_here(tmp_path / "whole", tiny_script.Config(flag=flag, die_by="kill"))
    flag.touch()
    assert start("cut").returncode == -9
    (seed,) = (tmp_path / "cut").rglob("seed0")
    assert not (seed / "result.json").exists()
    done = start("cut")
    assert done.returncode == 0, done.stderr
    assert "loss" in done.stdout
    assert outcome(tmp_path / "cut") == outcome(tmp_path / "whole")


def test_interrupt_ends_with_130_and_the_same_command_continues(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from experiments._harness.runner import main

    flag = tmp_path / "die"
    arguments = ["--flag", str(flag), "--die-by", "interrupt", "--out", str(tmp_path / "cut")]

    def leave(arguments: list[str]) -> object:
        with pytest.raises(SystemExit) as stop:
            main(tiny_script.run, tiny_script.Config, tiny_script.PRESETS, arguments=arguments)
        return stop.value.code

    flag.touch()
    assert leave(arguments) == 130
    assert "same command continues" in capsys.readouterr().err
    assert leave(arguments) == 0
    config = replace(tiny_script.Config(), flag=flag)
    run_here(tmp_path / "whole", config)
    assert outcome(tmp_path / "cut") == outcome(tmp_path / "whole")


@pytest.mark.slow
def test_two_processes_of_one_command_share_the_work(tmp_path: Path) -> None:
    arguments = [
        "--flag",
        str(tmp_path / "none"),
        "--seeds",
        "0:2",
        "--out",
        str(tmp_path / "runs"),
    ]
    command = [sys.executable, "-m", "tests.experiments.tiny_script", *arguments]
    both = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [process.wait(timeout=120) for process in both] == [0, 0]
    for path in (tmp_path / "runs").rglob(METRICS):
        steps = [json.loads(line)["step"] for line in path.read_text().splitlines()]
        assert steps == list(range(12))


def new_context(folder: Path) -> Context:
    return Context(0, torch.device("cpu"), folder)


def draw(context: Context) -> list[float]:
    return [
        random.random(),
        random.gauss(0, 1),
        float(np.random.standard_normal()),
        float(torch.randn(())),
        float(torch.randn((), generator=context.generator)),
    ]


def test_restore_brings_back_every_generator(tmp_path: Path) -> None:
    seed_everything(3)
    context = new_context(tmp_path)
    # One draw of a pair leaves the second half of it in the state.
    draw(context)
    context.checkpoint(4, {}, {"note": "x"})
    expected = draw(context)
    seed_everything(99)
    again = new_context(tmp_path)
    saved = again.restore()
    assert saved is not None
    assert (saved.step, saved.tensors, saved.state) == (4, {}, {"note": "x"})
    assert draw(again) == expected


def test_a_run_that_does_not_restore_starts_a_new_log(tmp_path: Path) -> None:
    new_context(tmp_path).log(0, loss=1.0)
    context = new_context(tmp_path)
    context.log(0, loss=2.0)
    context.log(1, loss=float("nan"))
    rows = [json.loads(line) for line in (tmp_path / METRICS).read_text().splitlines()]
    assert rows == [{"step": 0, "loss": 2.0}, {"step": 1, "loss": None}]


def test_nothing_to_restore(tmp_path: Path) -> None:
    assert new_context(tmp_path).restore() is None


def test_damage_is_reported(tmp_path: Path) -> None:
    context = new_context(tmp_path)
    context.log(0, loss=1.0)
    context.checkpoint(0, {"w": torch.ones(3)})
    (tmp_path / METRICS).write_bytes(b"")
    with pytest.raises(ValueError, match="expects"):
        new_context(tmp_path).restore()
    data = (tmp_path / CHECKPOINT).read_bytes()
    (tmp_path / CHECKPOINT).write_bytes(data[:-7])
    with pytest.raises(ValueError, match="checkpoint"):
        new_context(tmp_path).restore()


def equal(a: Any, b: Any) -> bool:
    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return list(a) == list(b) and all(equal(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(equal, a, b))
    return type(a) is type(b) and repr(a) == repr(b)


@pytest.mark.parametrize("name", ["Adam", "AdamW", "SGD", "RMSprop", "Adagrad", "NAdam"])
def test_optimizer_state_survives_exactly(name: str) -> None:
    layer = torch.nn.Linear(3, 2)
    optimizer = getattr(torch.optim, name)(layer.parameters(), lr=0.1)
    layer(torch.ones(4, 3)).sum().backward()
    optimizer.step()
    state = optimizer.state_dict()
    tensors, skeleton = flatten_state(state)
    back = unflatten_state(tensors, json.loads(json.dumps(skeleton)))
    assert equal(back, state)
    optimizer.load_state_dict(back)


def test_awkward_values_survive_exactly() -> None:
    shared = torch.arange(6.0)
    state = {
        "0": shared,
        0: shared.view(2, 3).T,
        "a.b": {"c": torch.tensor(True)},
        "a": {"b.c": torch.zeros(0, 4), "b": torch.tensor(1.5, dtype=torch.bfloat16)},
        "numbers": [0.1, float("inf"), float("-inf"), float("nan"), 10**30, -0.0, True, None],
        "pair": (1, ("x", [])),
        "": {},
    }
    tensors, skeleton = flatten_state(state)
    assert len(tensors) == 5
    text = json.dumps(skeleton, allow_nan=False)
    assert equal(unflatten_state(tensors, json.loads(text)), state)


def test_flattened_tensors_are_copies() -> None:
    weight = torch.ones(2)
    tensors, _ = flatten_state({"w": weight})
    weight.zero_()
    assert torch.equal(next(iter(tensors.values())), torch.ones(2))


@pytest.mark.parametrize("value", [object(), {1, 2}, {(1, 2): 3}, b"raw"])
def test_foreign_values_are_refused(value: object) -> None:
    with pytest.raises(TypeError, match=r"state\.x"):
        flatten_state({"x": value})


@pytest.mark.parametrize("skeleton", [{"tensor": "gone"}, {"what": 1}, {}, {"dict": [1]}])
def test_a_malformed_skeleton_is_refused(skeleton: Any) -> None:
    with pytest.raises(ValueError, match="skeleton"):
        unflatten_state({}, skeleton)
