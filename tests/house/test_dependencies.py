"""The dependencies: one list in pyproject.toml, and the pins that follow from it."""

from __future__ import annotations

import re
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests._data import REPOSITORY

#: Lists of what users install: the core and its extras.
OF_USERS = ["", "tag", "tables", "viz", "hyper", "hub", "trackers", "experiments"]


def test_constraints_pin_every_direct_dependency():
    text = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8")
    pinned = set(re.findall(r"^([\w-]+)==", text, flags=re.MULTILINE))
    wanted = set()
    for line in metadata.requires("graphlab") or []:
        name, _, marker = line.partition(";")
        if not marker or re.search(r"extra == .(test|viz|experiments)\b", marker):
            wanted.add(re.split(r"[^\w-]", name.strip())[0])
    assert "torch" in wanted
    assert wanted <= pinned


def listed_requirements() -> dict[str, list[tuple[Requirement, str]]]:
    """What pyproject.toml lists per extra ("" for the core), each with its line.

    Read from the text: Python 3.10 has no parser for it.
    """
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    project = text.partition("[project]\n")[2].partition("\n[tool.")[0]
    lists = re.findall(r"^([\w-]+) = \[(.*?)\](?=\n)", project, flags=re.MULTILINE | re.DOTALL)
    kinds = {name: body for name, body in lists if name not in ("authors", "keywords")}
    names = [
        "dependencies",
        "tag",
        "tables",
        "viz",
        "hyper",
        "hub",
        "trackers",
        "experiments",
        "test",
        "docs",
        "all",
    ]
    assert [name for name in kinds if name in names] == names
    return {
        "" if name == "dependencies" else name: [
            (Requirement(quoted), line)
            for line in kinds[name].splitlines()
            for quoted in re.findall(r'"([^"]+)"', line.partition("#")[0])
        ]
        for name in names
    }


def bounds(kind: str) -> dict[str, Version]:
    """Lower bounds, by distribution."""
    return {
        wanted.name: Version(specifier.version)
        for wanted, _ in listed_requirements()[kind]
        for specifier in wanted.specifier
        if specifier.operator == ">="
    }


def pins(name: str) -> dict[str, Version]:
    text = (REPOSITORY / name).read_text(encoding="utf-8")
    return {
        found: Version(number)
        for found, number in re.findall(r"^([\w-]+)==([\w.]+)", text, flags=re.MULTILINE)
    }


@pytest.mark.parametrize("kind", OF_USERS)
def test_every_dependency_of_users_has_a_lower_bound(kind):
    names = {wanted.name for wanted, _ in listed_requirements()[kind]}
    assert names == set(bounds(kind))


def test_no_dependency_has_an_upper_bound_without_a_link():
    lines = [entry for kind in listed_requirements().values() for entry in kind]
    offenders = [
        line.strip()
        for wanted, line in lines
        if any(s.operator != ">=" for s in wanted.specifier) and "https://" not in line
    ]
    assert offenders == []


def test_lowest_constraints_are_the_lower_bounds():
    wanted = {}
    for kind in OF_USERS:
        for name, bound in bounds(kind).items():
            assert wanted.setdefault(name, bound) == bound, f"{name} has two lower bounds"
    assert pins("constraints-lowest.txt") == wanted


def test_the_tested_set_is_within_the_lower_bounds():
    tested = pins("constraints.txt")
    for kind in OF_USERS:
        for name, bound in bounds(kind).items():
            assert tested.get(name, bound) >= bound


def test_report_knows_the_core_and_the_extras():
    from graphlab import info

    listed = listed_requirements()
    core = [wanted.name for wanted, _ in listed[""]]
    assert list(info._CORE) == [*core, "graphlab-cuda-ops", "graphlab-models"]
    extras = {kind: {w.name.replace("-", "_") for w, _ in listed[kind]} for kind in info._EXTRAS}
    assert extras == {kind: set(names) for kind, names in info._EXTRAS.items()}
