"""Options of the benchmark scripts."""

from __future__ import annotations

import argparse
import importlib
import sys

import pytest

from tests._data import REPOSITORY

SCRIPTS = [
    path.stem
    for path in sorted((REPOSITORY / "benchmarks").glob("[a-z]*.py"))
    if path.stem != "predictions"  # which reads one word and no options
]


@pytest.mark.parametrize("name", [*SCRIPTS, "gpu.run", "_harness.llm_server"])
def test_every_option_has_a_word_of_help(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    parsers: list[argparse.ArgumentParser] = []

    def stop(parser: argparse.ArgumentParser, *_: object) -> None:
        parsers.append(parser)
        raise SystemExit

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", stop)
    monkeypatch.setattr(sys, "argv", [name])
    with pytest.raises(SystemExit):
        module = importlib.import_module(f"benchmarks.{name}")
        module.main(["--dry-run"]) if name == "gpu.run" else module.main()
    (parser,) = parsers
    assert [a.dest for a in parser._actions if not a.help] == []
    # The first line of the help says what is measured.
    assert len((parser.description or "").partition("\n")[0]) > 20
