"""Command line, seeds, folders, failures and result files of the experiment runner."""

from __future__ import annotations

import builtins
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.figure
import pytest
import torch

from experiments._harness.context import Context
from experiments._harness.environment import command_line, git_commit, jsonable, kernels, portable
from experiments._harness.results import Results
from experiments._harness.runner import execute, main, parse_seeds
from experiments._harness.state import seed_everything
from graphlab import _progress
from graphlab._io import atomic_path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Config:
    """Fields of several kinds.

    Attributes:
        lr: Step size.
        widths: Layer widths.
        protocol: Which epoch is reported.
        fail_on: Seed that fails; -1 for none.
    """

    lr: float = 0.1
    widths: tuple[int, ...] = (4, 2)
    protocol: str = "last"
    fail_on: int = -1


PRESETS = {"acm": Config(), "dblp": Config(lr=0.5)}
PUBLISHED = {"acm": {"PamC": {"acc": 0.842}}}


def run(config: Config, context: Context) -> dict[str, float]:
    if context.seed == config.fail_on:
        raise ValueError("bad luck")
    context.log(0, loss=float(torch.rand(())))
    with open(context.directory / "runs.txt", "a") as file:
        file.write("x")
    return {"acc": config.lr + context.seed, "drawn": float(torch.rand(()))}


def leave(arguments: list[str], function: Any = run, **options: Any) -> object:
    with pytest.raises(SystemExit) as stop:
        main(function, Config, PRESETS, arguments=arguments, **options)
    return stop.value.code


def only(folder: Path, name: str) -> Any:
    (path,) = folder.rglob(name)
    return json.loads(path.read_text(encoding="utf-8"))


def test_a_command_prints_the_table_and_writes_the_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results, report = tmp_path / "deep" / "r.json", tmp_path / "deep" / "r.html"
    arguments = ["--preset", "acm", "--seeds", "0:3", "--out", str(tmp_path / "runs")]
    arguments += ["--results", str(results), "--report", str(report), "--device", "cpu"]
    assert leave(arguments, published=PUBLISHED, not_run={"GPU": "none here"}) == 0
    out = capsys.readouterr().out
    assert "protocol last" in out
    assert "1.1000 ± 1.0000" in out
    assert "PamC (published)" in out
    content = json.loads(results.read_text(encoding="utf-8"))
    assert content["seeds"] == [0, 1, 2]
    assert content["protocol"] == "last"
    assert content["published"] == {"PamC": {"acc": 0.842}}
    assert content["config"]["widths"] == [4, 2]
    assert content["not_run"]["GPU"] == "none here"
    assert "dblp" in " ".join(content["not_run"])
    ((label, row),) = content["rows"].items()
    assert label == "test_runner"
    assert row["acc"]["values"] == [0.1, 1.1, 2.1]
    assert row["acc"]["mean"] == pytest.approx(1.1)
    assert row["acc"]["std"] == pytest.approx(1.0)
    for key in ("commit", "hardware", "versions", "kernels", "threads", "date"):
        assert key in content
    assert [cost["device"] for cost in content["cost"]] == ["cpu"] * 3
    assert all(cost["seconds"] > 0 and cost["peak_rss_bytes"] > 0 for cost in content["cost"])
    assert str(tmp_path) not in results.read_text(encoding="utf-8")
    assert "<table>" in report.read_text(encoding="utf-8")
    (log,) = (tmp_path / "runs").rglob("seed2/metrics.jsonl")
    assert log.relative_to(tmp_path / "runs").parts[1] == "acm"


def test_the_preset_comes_first_and_options_override_it(tmp_path: Path) -> None:
    out = ["--out", str(tmp_path)]
    assert leave(["--preset=dblp", *out]) == 0
    assert only(tmp_path / "test_runner" / "dblp", "config.json")["lr"] == 0.5
    assert leave(["--widths", "7", "8", "9", "--lr", "2", "--preset", "acm", *out]) == 0
    config = only(tmp_path / "test_runner" / "acm", "config.json")
    expected = {"lr": 2.0, "widths": [7, 8, 9], "protocol": "last", "fail_on": -1, "seed": 0}
    assert config == expected


def test_a_finished_seed_is_not_run_again_unless_asked(tmp_path: Path) -> None:
    arguments = ["--seeds", "0,1", "--out", str(tmp_path)]
    for more, times in (([], 1), ([], 1), (["--no-resume"], 2)):
        assert leave([*arguments, *more]) == 0
        files = list(tmp_path.rglob("runs.txt"))
        assert [path.read_text() for path in files] == ["x" * times] * 2


def test_another_configuration_has_another_folder(tmp_path: Path) -> None:
    for lr in (0.1, 0.2):
        execute(run, Config(lr=lr), out=tmp_path, script="s", preset="p")
    assert len(list((tmp_path / "s" / "p").iterdir())) == 2


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["--preset", "acn"], "did you mean 'acm'"),
        (["--preset", "zzz"], "is not one of acm, dblp"),
        (["--preset", "ACM-common"], "did you mean 'acm'?"),
        (["--preset", "blp"], "did you mean 'dblp'?"),
        (["--widhts", "3"], "--widths"),
        (["--protocl", "x"], "--protocol"),
        (["--device", "tpu"], "tpu"),
    ],
)
def test_unknown_options_end_with_a_suggestion(
    arguments: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert leave(arguments) == 2
    captured = capsys.readouterr()
    assert hint in captured.out + captured.err


def test_list_and_help_run_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert leave(["--list"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "preset  settings that differ from the defaults of the options",
        "acm     (the defaults)",
        "dblp    --lr 0.5",
        "Without --preset, acm is taken.",
    ]
    assert leave(["--help"]) == 0
    text = capsys.readouterr().out
    assert "--lr" in text
    assert "Step size" in text
    assert "--seeds" in text
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("option", ["--results", "--report", "--out"])
def test_what_cannot_be_written_is_found_before_the_first_seed(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    arguments = ["--out", str(tmp_path / "runs"), option, str(tmp_path / "file" / "x")]

    def never(config: Config, context: Context) -> dict[str, float]:
        raise AssertionError

    assert leave(arguments, never) == 2
    assert f"{option} cannot be written" in capsys.readouterr().err
    assert not list(tmp_path.rglob("seed0"))


def test_files_are_written_before_anything_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(results: Results) -> str:
        raise BrokenPipeError

    monkeypatch.setattr(Results, "table", broken)
    files = {name: tmp_path / f"deep/{name}" for name in ("results", "report")}
    arguments = [f"--{name}={path}" for name, path in files.items()]
    with pytest.raises(BrokenPipeError):
        main(run, Config, PRESETS, arguments=[*arguments, "--out", str(tmp_path / "runs")])
    assert all(path.is_file() for path in files.values())
    assert "test_runner" in only(tmp_path / "runs", "results.json")["command"]


@pytest.mark.skipif(os.name != "posix", reason="HOME names the home folder")
def test_home_is_expanded_in_every_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    arguments = ["--out=~/runs", "--results=~/r.json", "--report=~/r.html", "--protocol=~/x"]
    assert leave(arguments) == 0
    assert {path.name for path in (tmp_path / "home").iterdir()} == {"runs", "r.json", "r.html"}
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
    assert only(tmp_path / "home" / "runs", "config.json")["protocol"] == "home/x"


def test_a_table_of_finished_seeds_is_the_one_they_gave(tmp_path: Path) -> None:
    def methods(config: Config, context: Context) -> dict[str, dict[str, float]]:
        return {"b": {"z": 0.5, "a": 0.25}, "a": {"z": 0.75}}

    first, again = (execute(methods, Config(), out=tmp_path).table() for _ in range(2))
    assert first == again
    assert first.splitlines()[1].split() == ["z", "a", "seeds"]


def test_what_differs_from_the_preset_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path)]
    assert leave(["--preset", "dblp", *out]) == 0
    assert capsys.readouterr().out.startswith("test_runner dblp, protocol last\n")
    assert leave(["--preset", "dblp", "--widths", "3", *out]) == 0
    assert capsys.readouterr().out.startswith("test_runner dblp, with --widths 3, protocol last\n")


def test_where_the_results_are_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert leave(["--out", str(tmp_path)]) == 0
    (path,) = tmp_path.rglob("results.json")
    assert capsys.readouterr().out.splitlines()[-1] == f"results: {path}"


def test_one_failing_seed_leaves_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--seeds", "0:3", "--fail-on", "1", "--out", str(tmp_path)]
    assert leave(arguments) == 1
    assert "seed 1 failed: ValueError: bad luck" in capsys.readouterr().out
    content = only(tmp_path, "results.json")
    assert content["seeds"] == [0, 2]
    assert content["errors"] == {"1": "ValueError: bad luck"}
    (trace,) = tmp_path.rglob("error.txt")
    assert "Traceback" in trace.read_text(encoding="utf-8")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_metric_that_is_no_number_fails_the_seed(tmp_path: Path, value: float) -> None:
    results = execute(lambda _config, _context: {"acc": value}, Config(), out=tmp_path)
    assert "acc" in results.errors[0]
    assert not results.finished


def test_several_rows_per_run(tmp_path: Path) -> None:
    def methods(config: Config, context: Context) -> dict[str, dict[str, float]]:
        return {"k-means": {"acc": 0.5}, "PamC": {"acc": 0.9 + context.seed, "nmi": 0.7}}

    results = execute(methods, Config(), seeds=[0, 1], out=tmp_path, published=PUBLISHED)
    assert results.values()["PamC"] == {"acc": [0.9, 1.9], "nmi": [0.7, 0.7]}
    lines = results.table().splitlines()
    assert lines[1].split() == ["acc", "nmi", "seeds"]
    assert lines[2].split() == ["k-means", "0.5000", "±", "0.0000", "-", "2"]
    assert results.published == {}
    one = execute(methods, Config(lr=3.0), seeds=[4], out=tmp_path)
    assert one.summary()["PamC"]["acc"] == {"values": [4.9], "mean": 4.9, "std": None}
    assert "±" not in one.table()


def test_each_seed_draws_its_own_numbers_whatever_ran_before(tmp_path: Path) -> None:
    both = execute(run, Config(), seeds=[0, 1], out=tmp_path / "a")
    alone = execute(run, Config(), seeds=[1], out=tmp_path / "b")
    assert both.finished[1].rows == alone.finished[0].rows
    assert both.finished[0].rows != both.finished[1].rows


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("3", [3]), ("0:3", [0, 1, 2]), (":2", [0, 1]), ("0,2,5", [0, 2, 5]), ("1,1", [1])],
)
def test_seeds_are_read(text: str, seeds: list[int]) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "a", "3:3", "-1", "0:", "1:2:3", "0,,1", "1.5"])
def test_other_seeds_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="seeds must look like"):
        parse_seeds(text)


def test_bad_seeds_on_the_command_line_end_with_a_message(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert leave(["--seeds", "x"]) == 2
    assert "seeds must look like" in capsys.readouterr().err


def test_a_device_that_is_absent_is_an_error(tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    results = execute(run, Config(), device="cuda", out=tmp_path)
    assert "no GPU" in results.errors[0]


def test_a_field_with_the_name_of_an_option_is_refused() -> None:
    @dataclass(frozen=True)
    class Clash:
        seeds: int = 1

    with pytest.raises(ValueError, match="seeds"):
        main(run, Clash, {"x": Clash()}, arguments=[])


@pytest.mark.parametrize("package", ["tyro", "torch.utils.tensorboard"])
def test_a_missing_package_names_the_extra(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = builtins.__import__

    def missing(name: str, *rest: Any) -> Any:
        if name == package:
            raise ImportError(name)
        return original(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    if package == "tyro":
        with pytest.raises(ImportError, match=r"graphlab\[experiments\]"):
            main(run, Config, PRESETS, arguments=[])
    else:
        results = execute(run, Config(), tracker="tensorboard", out=tmp_path)
        assert "graphlab[trackers]" in results.errors[0]


def context_in(folder: Path) -> Context:
    return Context(5, torch.device("cpu"), folder)


def test_context_removes_what_a_killed_run_left_half_written(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    host = re.search(r"\.([0-9a-f]+)-", _temporary_name(tmp_path)).group(1)  # type: ignore[union-attr]
    left = [
        tmp_path / f".a.json.{host}-{dead.pid}-00000000.tmp",
        tmp_path / "artifacts" / f".b.png.{host}-{dead.pid}-00000000.tmp",
        tmp_path / "artifacts" / "deep" / f".c.png.{host}-{dead.pid}-00000000.tmp",
    ]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    kept = tmp_path / "artifacts" / "deep" / "c.png"
    kept.touch()
    Context(0, torch.device("cpu"), tmp_path)
    assert not any(path.exists() for path in left)
    assert kept.exists()


def _temporary_name(folder: Path) -> str:
    with atomic_path(folder / "name") as temporary:
        temporary.touch()
        return temporary.name


def test_context_seeds_its_generator(tmp_path: Path) -> None:
    expected = torch.rand(3, generator=torch.Generator().manual_seed(5))
    assert torch.equal(torch.rand(3, generator=context_in(tmp_path).generator), expected)


def test_global_seeds_repeat() -> None:
    seed_everything(2**33)
    first = torch.rand(3)
    seed_everything(2**33)
    assert torch.equal(torch.rand(3), first)


def test_log_feeds_the_tensorboard_writer(tmp_path: Path) -> None:
    class Writer:
        rows: list[tuple[str, float, int]] = []  # noqa: RUF012

        def add_scalar(self, *row: Any) -> None:
            self.rows.append(row)

    context = Context(0, torch.device("cpu"), tmp_path, writer=Writer())
    context.log(3, loss=torch.tensor(2.0, requires_grad=True))
    assert Writer.rows == [("loss", 2.0, 3)]


def test_artifacts_stay_inside_the_run(tmp_path: Path) -> None:
    context = context_in(tmp_path / "run")
    path = context.artifact("deep/embedding.npy")
    assert path.parent.is_dir()
    assert (tmp_path / "run") in path.parents
    for name in ("../x", "/etc/x", "", "deep/../../x"):
        with pytest.raises(ValueError, match="name"):
            context.artifact(name)


def test_figure_and_table_are_saved(tmp_path: Path) -> None:
    context = context_in(tmp_path)
    figure = matplotlib.figure.Figure()
    axes = figure.subplots()
    for picture in (figure, axes):
        path = context.figure("embedding", picture)
        assert path.read_bytes().startswith(b"\x89PNG")
    assert json.loads(context.table("rows", [{"a": 1}]).read_text()) == [{"a": 1}]


def test_progress_is_plain_off_a_terminal_and_yields_everything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    context = context_in(tmp_path)
    assert list(context.progress(range(5), desc="quick")) == list(range(5))
    assert capsys.readouterr().err == ""
    monkeypatch.delenv("GRAPHLAB_PROGRESS", raising=False)
    monkeypatch.setattr(_progress, "DELAY", 0.0)
    monkeypatch.setattr(_progress, "INTERVAL", 0.0)
    assert list(context.progress(iter("ab"), desc="slow")) == ["a", "b"]
    assert "slow 1/? (" in capsys.readouterr().err
    list(context.progress(range(2), desc="known"))
    assert "known 2/2 (" in capsys.readouterr().err


def test_progress_is_a_bar_on_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("GRAPHLAB_PROGRESS", raising=False)
    monkeypatch.setattr(_progress, "DELAY", 0.0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert list(context_in(tmp_path).progress(range(3), desc="bar")) == [0, 1, 2]
    assert "bar" in capsys.readouterr().err


def test_nothing_recorded_names_a_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert portable(str(tmp_path / "runs" / "a")) == "runs/a"
    assert portable("/somewhere/else/file.json") == "file.json"
    assert portable("relative/x") == "relative/x"
    assert command_line("experiments.pamc", ["--out", "/a/b", "--x=/c/d", "--lr", "1"]) == (
        "python -m experiments.pamc --out b --x=d --lr 1"
    )
    value = {"path": Path("/a/b"), 3: (1, {2.5}), "config": Config(), "none": None}
    assert jsonable(value) == {
        "path": "b",
        "3": [1, [2.5]],
        "config": {"lr": 0.1, "widths": [4, 2], "protocol": "last", "fail_on": -1},
        "none": None,
    }


def test_commit_and_kernels_are_plain_values() -> None:
    commit = git_commit()
    assert commit is None or len(commit.removesuffix("+dirty")) == 40
    json.dumps(kernels(), allow_nan=False)


def test_a_copy_differs_but_for_the_folder_of_the_results(tmp_path, monkeypatch) -> None:
    def git(*arguments: str) -> None:
        names = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
        subprocess.run(["git", *names, *arguments], cwd=tmp_path, check=True, capture_output=True)

    (tmp_path / "results").mkdir()
    for name in ("code.py", "results/counts.json"):
        (tmp_path / name).write_text("1", encoding="utf-8")
    git("init")
    git("add", ".")
    git("commit", "-m", "first")
    monkeypatch.setattr("experiments._harness.environment._REPOSITORY", tmp_path)
    clean = git_commit()
    assert clean is not None and len(clean) == 40
    (tmp_path / "results/counts.json").write_text("2", encoding="utf-8")
    assert git_commit() == f"{clean}+dirty"
    assert git_commit(besides="results") == clean
    (tmp_path / "code.py").write_text("2", encoding="utf-8")
    assert git_commit(besides="results") == f"{clean}+dirty"


def test_the_runner_stays_small() -> None:
    lines = (ROOT / "experiments/_harness/runner.py").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 250
