"""The commands ``graphlab`` and ``python -m experiments``, and the help of every option."""

from __future__ import annotations

import ast
import os
import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments._harness.cli import preset_table
from experiments._harness.commands import main as run_command
from experiments._harness.names import near
from experiments._harness.scripts import all_scripts, command_modules
from graphlab import __version__
from graphlab.__main__ import main as graphlab
from tests._data import REPOSITORY

EXPERIMENTS = REPOSITORY / "experiments"


def leave(function: Callable[[list[str]], int], *words: str) -> object:
    """Status of a command, returned or left with."""
    try:
        return function(list(words))
    except SystemExit as stop:
        return stop.code


def test_usage_version_and_information(capsys):
    assert graphlab([]) == 0
    usage = capsys.readouterr().out
    assert all(word in usage for word in ("graphlab info", "graphlab demo", "graphlab run NAME"))
    assert graphlab(["--version"]) == 0
    assert capsys.readouterr().out == f"graphlab {__version__}\n"
    assert graphlab(["info"]) == 0
    assert capsys.readouterr().out.startswith("versions\n")
    assert graphlab(["demoo"]) == 2
    assert "'demoo' is not a command" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["run"], ["run", "--list"], ["run", "--help"]])
def test_scripts_are_listed_with_a_line_each(words, capsys):
    assert graphlab(words) == 0
    text = capsys.readouterr().out
    for name, module in all_scripts().items():
        assert (
            f"{module.__name__.removesuffix('.run')}\n    {module.__doc__.splitlines()[0]}" in text
        )
        assert name in command_modules()
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("name", ["graphclip_zeroshot", "graphclip.zeroshot", "graphclip-zeroshot"])
def test_a_script_is_found_by_its_name(name, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["graphlab"])
    assert leave(graphlab, "run", name, "--list") == 0
    assert capsys.readouterr().out.startswith("preset ")


@pytest.mark.parametrize(("words", "status"), [([], 2), (["--preset", "cora"], 2), (["-h"], 0)])
def test_a_folder_of_several_scripts_lists_them(words, status, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["graphclip", *words])
    with pytest.raises(SystemExit) as left:
        runpy.run_module("experiments.graphclip", run_name="__main__", alter_sys=True)
    assert left.value.code == status
    shown = capsys.readouterr()
    text, other = (shown.err, shown.out) if status else (shown.out, shown.err)
    found = re.findall(r"^python -m (\S+)$", text, re.MULTILINE)
    assert found == [m for n, m in command_modules().items() if n.startswith("graphclip_")]
    assert not other and ("one of which must be named" in text) == bool(status)


def test_every_folder_with_scripts_can_be_called():
    for module in command_modules().values():
        folder = module.split(".")[1]
        assert (EXPERIMENTS / folder / "__main__.py").is_file(), folder


def test_a_mistyped_script_gets_a_suggestion(capsys):
    assert run_command(["pamcc"]) == 2
    assert "did you mean 'pamc'?" in capsys.readouterr().err


def test_names_near_another():
    known = ["cora", "cora_deberta", "webkb_texas", "smoke"]
    assert near("Cora-DeBERTa", known)[0] == "cora_deberta"
    assert near("texas", known) == ["webkb_texas"]
    assert near("zzz", known) == near("", known) == []


@pytest.mark.parametrize("name", command_modules())
def test_every_option_shows_a_word_of_help(name, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["graphlab"])
    monkeypatch.setenv("COLUMNS", "100")
    assert leave(graphlab, "run", name, "--help") == 0
    lines = [line.strip("│| ") for line in capsys.readouterr().out.splitlines()]
    options = [i for i, line in enumerate(lines) if re.match("--[a-z]", line)]
    assert len(options) >= 5
    silent = []
    for i in options:
        said = re.split(r" {2,}", lines[i], maxsplit=1)[1:]  # beside the option, or below it
        j = i + 1
        while j < len(lines) and not lines[j].startswith(("-", "╰", "+")):
            said.append(lines[j])
            j += 1
        words = re.sub(r"\(default: [^)]*\)?|\(required\)", "", " ".join(said))
        if not re.search(r"[A-Za-z]{2}", words):
            silent.append(lines[i])
    assert silent == []


@pytest.mark.parametrize("width", [60, 80, 200])
def test_presets_fit_the_terminal(width):
    for script in all_scripts().values():
        table = preset_table(script.PRESETS, width).splitlines()
        assert [line for line in table[1:] if len(line) > width and line.count("--") > 1] == []
        assert "Config(" not in " ".join(table)
        for name in script.PRESETS:
            assert sum(line.split()[0] == name for line in table) >= 1


def test_commands_of_the_guide_can_be_typed(capsys, monkeypatch):
    text = (REPOSITORY / "docs" / "command_line.md").read_text(encoding="utf-8")
    joined = "\n".join(re.findall(r"```bash\n(.*?)```", text, re.DOTALL)).replace("\\\n", " ")
    commands = [shlex.split(line, comments=True) for line in joined.splitlines() if line]
    monkeypatch.setattr(sys, "argv", ["graphlab"])
    assert len(commands) >= 10
    for program, *words in commands:
        assert program == "graphlab"
        if words[:1] == ["run"] and len(words) > 1:  # options are read, then nothing is run
            assert leave(graphlab, *words, "--list") == 0, words
            capsys.readouterr()


def test_scripts_import_each_other_by_no_absolute_name():
    for path in EXPERIMENTS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            assert [n for n in names if n.partition(".")[0] == "experiments"] == [], path


@pytest.mark.slow
def test_the_tree_runs_under_the_name_it_is_installed_by(tmp_path):
    (tmp_path / "graphlab").mkdir()
    for path in (REPOSITORY / "graphlab").iterdir():
        (tmp_path / "graphlab" / path.name).symlink_to(path)
    (tmp_path / "graphlab" / "experiments").symlink_to(EXPERIMENTS)
    (tmp_path / "work" / "experiments").mkdir(parents=True)  # somebody else's, in the way
    (tmp_path / "work" / "experiments" / "__init__.py").touch()
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "OMP_NUM_THREADS": "1"}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "graphlab", *words],
            cwd=tmp_path / "work", env=environment, capture_output=True, text=True, timeout=200,
        )  # fmt: skip

    done = run("run", "fastrp", "--preset", "smoke", "--out", "runs")
    assert done.returncode == 0, done.stderr
    (results,) = (tmp_path / "work" / "runs").rglob("results.json")
    assert '"graphlab run fastrp --preset smoke --out runs"' in results.read_text(encoding="utf-8")
    assert f"results: {results.relative_to(tmp_path / 'work')}" in done.stdout


@pytest.mark.parametrize("encoding", ["ascii", pytest.param("cp866", marks=pytest.mark.slow)])
def test_a_script_ends_well_on_any_console(encoding, tmp_path):
    environment = os.environ | {"PYTHONIOENCODING": encoding, "OMP_NUM_THREADS": "1"}
    words = ["-m", "experiments.fastrp", "--preset", "smoke", "--seeds", "0:2"]
    words += ["--results", str(tmp_path / "r.json"), "--out", str(tmp_path / "runs")]
    done = subprocess.run(
        [sys.executable, *words], cwd=REPOSITORY, env=environment, capture_output=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
    assert b" +- " in done.stdout
    assert (tmp_path / "r.json").is_file()


@pytest.mark.slow
def test_a_script_outlives_its_reader(tmp_path):
    words = ["-m", "experiments.fastrp", "--preset", "smoke", "--out", str(tmp_path)]
    process = subprocess.Popen(
        [sys.executable, *words], cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    with process.stderr as stream:
        errors = stream.read().decode()
    assert (process.wait(timeout=200), errors) == (0, "")
    assert list(Path(tmp_path).rglob("results.json"))
