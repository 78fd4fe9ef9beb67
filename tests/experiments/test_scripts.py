"""The list of scripts, the lists of presets, and a word of help for every option."""

from __future__ import annotations

import dataclasses
import inspect
import re
import shlex
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest

from experiments._harness import cli
from experiments._harness.cli import parse_command, preset_lines
from experiments._harness.repeat import committed
from experiments._harness.scripts import all_scripts, listing
from experiments.demo import run as demo
from experiments.demo.parts import PARTS
from experiments.reproduce import run as reproduce

SCRIPTS = all_scripts()


def configurations() -> Iterator[Any]:
    """Every class whose fields are options, nested ones too."""
    waiting = [script.Config() for script in SCRIPTS.values()]
    waiting += [part.config for part in PARTS]
    waiting += [cli.Options("preset"), demo.Options(), reproduce.Options()]
    while waiting:
        config = waiting.pop()
        yield type(config)
        values = [getattr(config, field.name) for field in dataclasses.fields(config)]
        waiting += [value for value in values if dataclasses.is_dataclass(value)]


CONFIGURATIONS = sorted(set(configurations()), key=lambda kind: (kind.__module__, kind.__name__))


def documented(kind: type) -> dict[str, str]:
    """Words of the docstrings of a class and of its bases about each attribute."""
    texts: dict[str, str] = {}
    for base in kind.__mro__:
        text = inspect.cleandoc(base.__dict__.get("__doc__") or "")
        _, _, attributes = text.partition("Attributes:\n")
        for name, said in re.findall(r"(?m)^    (\w+) \([^\n]+?\): (\S.*)", attributes):
            texts.setdefault(name, said)
    return texts


@pytest.mark.parametrize("kind", CONFIGURATIONS, ids=lambda k: f"{k.__module__}.{k.__name__}")
def test_every_option_has_a_word_of_help(kind: type) -> None:
    fields = {field.name for field in dataclasses.fields(kind)}
    assert fields - set(documented(kind)) == set()


def test_help_shows_the_words_of_a_base_class_too(capsys: pytest.CaptureFixture[str]) -> None:
    script = SCRIPTS["graphclip_zeroshot"]
    with pytest.raises(SystemExit):
        parse_command("experiments.graphclip.zeroshot", script.Config, script.PRESETS, ["--help"])
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for word in documented(script.Config).values():
        assert " ".join(word.replace("`", "").split()[:3]) in shown.replace("`", "")


def test_the_list_names_every_script_and_preset() -> None:
    text = listing()
    words = set(re.split(r"[\s,]+", text))
    for script in SCRIPTS.values():
        assert script.__name__.removesuffix(".run") in words
        assert set(script.PRESETS) <= words
    assert {"experiments.demo", "experiments.reproduce"} <= words
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("name", SCRIPTS)
def test_settings_of_a_preset_are_the_options_that_give_it(name: str) -> None:
    script = SCRIPTS[name]
    for line in preset_lines(script.PRESETS):
        preset, _, options = line.partition("  ")
        arguments = [] if "(the defaults)" in options else shlex.split(options)
        start = {"default": script.Config()}
        given = parse_command("experiments", script.Config, start, arguments).config
        assert given == script.PRESETS[preset]


def test_recorded_commands_name_modules_that_run() -> None:
    for module in {recorded.module for recorded in committed()}:
        spec = find_spec(module)
        assert spec is not None
        if spec.submodule_search_locations is not None:
            assert find_spec(f"{module}.__main__") is not None
