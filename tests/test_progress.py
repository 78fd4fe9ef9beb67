"""Progress: nothing for what is quick, a bar or lines for what is not."""

from __future__ import annotations

import io
import sys
import time
from typing import Any

import pytest
import torch
from torch import Tensor

from graphlab import _progress
from graphlab._progress import Progress, track, waiting
from graphlab.contrastive import SDCNAutoEncoder, pretrain_autoencoder
from graphlab.datasets import digits_knn
from graphlab.embed import FastRP
from graphlab.evaluate import linear_probe
from graphlab.tag import TextEncoder
from tests._graphs import planted


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GRAPHLAB_PROGRESS", "RANK", "CI"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if every step took as long as it must to be shown."""
    monkeypatch.setattr(_progress, "DELAY", 0.0)
    monkeypatch.setattr(_progress, "INTERVAL", 0.0)


def test_what_is_quick_says_nothing(capsys):
    assert list(track(range(3), "work")) == [0, 1, 2]
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("slow")
def test_lines_off_a_terminal(capsys):
    assert list(track(iter("ab"), "work", unit="letters")) == ["a", "b"]
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("work 1/? letters (")
    with Progress(5, "work", done=2) as progress:
        progress.update(3, note="loss 0.5")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "work 5/5 (0 s, loss 0.5)"
    assert lines[-1].startswith("work 5/5 (")


def test_lines_come_at_intervals(capsys, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    for _ in track(range(100), "work"):
        now[0] += 1.0
    seconds = [line.split("(")[1] for line in capsys.readouterr().err.splitlines()]
    assert seconds == ["5 s)", "35 s)", "65 s)", "95 s)", "100 s)"]


def test_what_was_asked_for_tells_its_end(capsys):
    list(track(range(2), "work", shown=True))
    assert capsys.readouterr().err.startswith("work 2/2 (")


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize(
    ("shown", "variables"),
    [(False, {}), (None, {"GRAPHLAB_PROGRESS": "0"}), (True, {"RANK": "1"}), (None, {"RANK": "2"})],
)
def test_silence(shown, variables, capsys, monkeypatch):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    list(track(range(3), "work", shown=shown))
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("slow")
def test_an_interrupted_loop_ends_without_a_last_line(capsys):
    with pytest.raises(ValueError), Progress(9, "work") as progress:
        progress.update()
        raise ValueError
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("shown", [True, None])
def test_a_bar_on_a_terminal(shown, capsys, monkeypatch):
    monkeypatch.setattr(_progress, "DELAY", 0.0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert list(track(range(3), "work", shown=shown)) == [0, 1, 2]
    assert "100%" in capsys.readouterr().err


@pytest.mark.usefixtures("slow")
def test_a_bar_shows_the_figure_beside_it(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with Progress(3, "work", shown=True) as progress:
        progress.update(note="loss 0.31")
        progress.update(2, note="loss 0.25")
    shown = capsys.readouterr().err
    assert "3/3" in shown and "loss 0.25" in shown


@pytest.mark.usefixtures("slow")
def test_a_bar_in_a_notebook(monkeypatch):
    class OutStream(io.StringIO):
        """Standard error of a notebook, which is no terminal."""

    monkeypatch.setattr(OutStream, "__module__", "ipykernel.iostream")
    monkeypatch.setenv("CI", "1")
    monkeypatch.setattr(sys, "stderr", OutStream())
    assert list(track(range(3), "work")) == [0, 1, 2]
    assert "\rwork: 100%" in sys.stderr.getvalue()


@pytest.mark.parametrize("interactive", [False, True])
def test_a_call_that_tells_nothing_shows_its_time(interactive, capsys, monkeypatch):
    monkeypatch.setattr(_progress, "_interactive", lambda: interactive)
    with waiting("kernel"):
        pass
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(_progress, "DELAY", 0.01)
    with waiting("kernel"):
        time.sleep(0.2)
    shown = capsys.readouterr().err
    assert shown == ("\rkernel (0 s)\n" if interactive else "kernel (0 s)\n")
    with pytest.raises(ValueError), waiting("kernel", shown=False):
        time.sleep(0.05)
        raise ValueError
    assert capsys.readouterr().err == ""


def model_of_words(texts: list[str]) -> Tensor:
    return torch.tensor([[float(len(text)), 1.0] for text in texts])


LOOPS: dict[str, Any] = {
    "encode": lambda data: TextEncoder(model_of_words).encode(["a", "bc"]),
    "pretrain encoder": lambda data: pretrain_autoencoder(
        SDCNAutoEncoder(data.x.size(1), (8,), 4), data.x, epochs=2
    ),
    "FastRP": lambda data: FastRP(dim=32, seed=0).fit_transform(data, panel=16),
    "nearest neighbours": lambda data: digits_knn(),
    "linear probe": lambda data: linear_probe(
        data.x, data.y, dict(zip(("train", "val", "test"), torch.arange(60).split(20), strict=True))
    ),
}


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("name", LOOPS)
def test_loops_of_the_library_show_progress(name, capsys):
    LOOPS[name](planted())
    assert f"{name} " in capsys.readouterr().err


@pytest.mark.usefixtures("slow")
def test_a_text_encoder_can_be_silent(capsys):
    TextEncoder(model_of_words).encode(["a"], progress=False)
    assert capsys.readouterr().err == ""
