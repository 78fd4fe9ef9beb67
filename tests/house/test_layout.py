"""Where files lie and how long they are."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from experiments._harness.scripts import all_scripts
from tests._data import REPOSITORY
from tests.house._repository import LIBRARY, lines_of, tracked_files

MODULE_LINES = 400
SCRIPT_LINES = 250
#: Files of a folder that may begin with the same word.
SAME_WORD = 2


def test_modules_are_short_enough_to_hold_one_concept():
    long = {p.relative_to(REPOSITORY).as_posix(): lines_of(p) for p in LIBRARY.rglob("*.py")}
    long = {name: count for name, count in long.items() if count > MODULE_LINES}
    assert long == {}


def test_scripts_are_short_enough_to_read_at_once():
    scripts = {module.__file__ for module in all_scripts().values()}
    long = {path: count for path in scripts if (count := lines_of(Path(path))) > SCRIPT_LINES}
    assert len(scripts) == 18
    assert long == {}


def shared_words(paths: list[Path]) -> dict[str, set[str]]:
    """First words that more than ``SAME_WORD`` files of a folder share, by folder."""
    counts: dict[str, Counter[str]] = {}
    for path in paths:
        word, _, rest = path.stem.lstrip("_").partition("_")
        if path.suffix == ".py" and rest and not path.stem.startswith("__"):
            folder = path.parent.relative_to(REPOSITORY).as_posix()
            counts.setdefault(folder, Counter())[word] += 1
    shared = {
        folder: {word for word, count in counter.items() if count > SAME_WORD}
        for folder, counter in counts.items()
    }
    return {folder: words for folder, words in shared.items() if words}


@pytest.mark.parametrize("top", ["graphlab", "experiments", "benchmarks", "docs", "tests"])
def test_a_folder_not_a_prefix_says_what_belongs_together(top):
    paths = [p for p in tracked_files() if p.is_relative_to(REPOSITORY / top)]
    if top == "tests":  # every test begins with the same word, which says nothing
        paths = [p.with_name(p.name.removeprefix("test_")) for p in paths]
    assert shared_words(paths) == {}


def test_library_is_marked_as_typed():
    assert (LIBRARY / "py.typed").is_file()
