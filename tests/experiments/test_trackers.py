"""Curves in TensorBoard and W&B: by one option of scripts, and by ``writer`` in the library."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from experiments._harness import trackers
from experiments._harness.context import Context
from experiments._harness.runner import execute, main
from graphlab.tag import PretrainConfig, pretrain
from tests.tag.graphclip._toy import toy_model, toy_pairs


@dataclass(frozen=True)
class Config:
    """A script.

    Attributes:
        rate (float): A number.
    """

    rate: float = 0.5


def run(config: Config, context: Context) -> dict[str, float]:
    for step in range(3):
        context.log(step, loss=config.rate / (1 + step))
    return {"accuracy": 0.5}


class FakeRun:
    """A run of W&B that keeps what it is given."""

    def __init__(self, **options: Any) -> None:
        self.options, self.rows, self.metrics, self.exit_code = options, [], [], None

    def define_metric(self, name: str, step_metric: str | None = None) -> None:
        self.metrics.append((name, step_metric))

    def log(self, row: dict[str, Any]) -> None:
        self.rows.append(row)

    def finish(self, exit_code: int) -> None:
        self.exit_code = exit_code


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[FakeRun]:
    made: list[FakeRun] = []

    def init(**options: Any) -> FakeRun:
        made.append(FakeRun(**options))
        return made[-1]

    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(init=init))
    return made


def test_every_seed_is_a_run_of_wandb(runs, tmp_path):
    results = execute(run, Config(), seeds=[0, 1], script="toy", tracker="wandb", out=tmp_path)
    assert not results.errors and len(runs) == 2
    first = runs[0]
    assert first.options["config"] == {"seed": 0, "rate": 0.5}
    assert first.options["project"] == "graphlab"
    assert first.options["name"].startswith("toy/custom/")
    assert first.options["name"].endswith("/seed0")
    assert Path(first.options["dir"]).name == "seed0"
    assert [row["loss"] for row in first.rows] == [0.5, 0.25, 0.5 / 3]
    assert [row["step"] for row in first.rows] == [0, 1, 2]
    assert ("*", "step") in first.metrics and first.exit_code == 0


def test_a_run_that_fails_is_closed_as_failed(runs, tmp_path, capsys):
    def fails(config: Config, context: Context) -> dict[str, float]:
        raise ValueError("no")

    results = execute(fails, Config(), script="toy", tracker="wandb", out=tmp_path)
    assert "no" in results.errors[0] and runs[0].exit_code == 1


def test_the_option_of_the_command_line(runs, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("WANDB_PROJECT", "mine")
    words = ["--tracker", "wandb", "--out", str(tmp_path)]
    with pytest.raises(SystemExit) as left:
        main(run, Config, {"only": Config()}, arguments=words)
    assert left.value.code == 0 and runs[0].options["project"] == "mine"
    with pytest.raises(SystemExit) as left:
        main(run, Config, {"only": Config()}, arguments=["--tracker", "wandbb"])
    assert left.value.code == 2 and "wandb" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["tensorboard", "wandb"])
def test_a_missing_package_names_the_extra(kind, tmp_path, monkeypatch, capsys):
    for name in ("wandb", "torch.utils.tensorboard"):
        monkeypatch.setitem(sys.modules, name, None)
    results = execute(run, Config(), script="toy", tracker=kind, out=tmp_path)
    assert "graphlab[trackers]" in results.errors[0]


def test_no_tracker_leaves_the_log_alone(tmp_path):
    with trackers.tracking("none", tmp_path, "toy", {}) as writer:
        assert writer is None
    execute(run, Config(), script="toy", out=tmp_path)
    (log,) = tmp_path.rglob("metrics.jsonl")
    assert len(log.read_text().splitlines()) == 3
    assert not list(tmp_path.rglob("events*")) and not list(tmp_path.rglob("wandb"))


@pytest.mark.parametrize("words", [["--tracker", "tensorboard"], ["--tensorboard"]])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of tensorboard and its protobuf
def test_tensorboard_reads_the_curves(words, tmp_path, capsys):
    pytest.importorskip("tensorboard", reason="needs the extra trackers")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with pytest.raises(SystemExit):
        main(run, Config, {"only": Config()}, arguments=[*words, "--out", str(tmp_path)])
    (events,) = tmp_path.rglob("events.out.*")
    curves = EventAccumulator(str(events)).Reload()
    assert [point.value for point in curves.Scalars("loss")] == pytest.approx([0.5, 0.25, 0.5 / 3])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of wandb about itself
def test_wandb_writes_offline(tmp_path, monkeypatch, capsys):
    pytest.importorskip("wandb", reason="needs the extra trackers")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    for name in ("WANDB_CONFIG_DIR", "WANDB_CACHE_DIR", "WANDB_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "wandb"))
    results = execute(run, Config(), script="toy", tracker="wandb", out=tmp_path)
    assert not results.errors
    (stored,) = tmp_path.rglob("run-*.wandb")
    assert b"loss" in stored.read_bytes()


# --- writer= of the library -----------------------------------------------------------------------


def pretrained(writer: Any) -> None:
    pretrain(toy_model(), toy_pairs(), PretrainConfig(epochs=2, batch_size=16), writer=writer)


def test_pretraining_writes_to_a_summary_writer_or_a_run():
    scalars: list[tuple[str, float, int]] = []
    pretrained(SimpleNamespace(add_scalar=lambda *row: scalars.append(row)))
    assert {name for name, _, _ in scalars} >= {"loss"} and {s for _, _, s in scalars} == {0, 1}
    logged = FakeRun()
    pretrained(logged)
    assert [row["epoch"] for row in logged.rows] == [0, 1]
    values = {(name, row["epoch"]): row[name] for row in logged.rows for name in row}
    assert all(values[name, step] == value for name, value, step in scalars)


def test_another_writer_is_refused_before_training():
    with pytest.raises(TypeError, match="writer must have add_scalar .* or log .*, got str"):
        pretrained("tensorboard")
