"""What the repository does at its host: tests, wheels, pages, updates, forms for reports."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests._data import REPOSITORY

yaml = pytest.importorskip("yaml", reason="huggingface_hub brings it")
GITHUB = REPOSITORY / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))


def read(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def jobs(name: str) -> dict[str, Any]:
    return read(GITHUB / "workflows" / f"{name}.yml")["jobs"]


def test_a_report_comes_with_what_is_installed():
    form = (GITHUB / "ISSUE_TEMPLATE" / "bug.yml").read_text(encoding="utf-8")
    assert "python -m graphlab.info" in form
    (question,) = [part for part in read(GITHUB / "ISSUE_TEMPLATE/bug.yml")["body"]
                   if part.get("id") == "info"]  # fmt: skip
    assert question["validations"]["required"]


def test_the_lowest_and_the_newest_torch_are_tried():
    versions = jobs("test")["torch"]["strategy"]["matrix"]["torch"]
    pins = [
        re.search(r"^torch==(.+)$", (REPOSITORY / name).read_text(), re.MULTILINE)[1]
        for name in ("constraints-lowest.txt", "constraints.txt")
    ]
    assert versions == pins


def test_wheels_are_built_for_both_processors():
    kernels = jobs("wheels")["kernels"]
    assert kernels["strategy"]["matrix"]["runner"] == ["ubuntu-latest", "ubuntu-24.04-arm"]
    assert any("cibuildwheel" in step.get("uses", "") for step in kernels["steps"])


def test_pages_are_built_and_new_releases_tried_every_week():
    assert any(step.get("run") == "make docs" for step in jobs("docs")["build"]["steps"])
    weekly = read(GITHUB / "workflows" / "weekly.yml")
    assert weekly[True]["schedule"]  # YAML reads the key "on" as true


def test_updates_come_in_groups():
    updates = read(GITHUB / "dependabot.yml")["updates"]
    assert {update["package-ecosystem"] for update in updates} == {"pip", "github-actions"}
    assert all(update["groups"] for update in updates)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_ask_for_no_more_than_they_need(path):
    content = read(path)
    assert content["permissions"] == {"contents": "read"}
    assert all(job["timeout-minutes"] for job in content["jobs"].values())


def test_workflows_pass_actionlint():
    program = shutil.which("actionlint")
    if program is None:
        pytest.skip("needs the program actionlint")
    done = subprocess.run([program, *map(str, WORKFLOWS)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
