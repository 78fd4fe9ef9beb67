from __future__ import annotations

import json
import subprocess
import sys

import pytest

from graphlab import __version__, info
from graphlab.ops import library
from tests._data import REPOSITORY


@pytest.fixture(scope="module")
def facts():
    return info.collect()


def test_versions_name_core_packages(facts):
    versions = facts["versions"]
    assert versions["graphlab"] == __version__
    missing = [
        n
        for n, v in versions.items()
        if v is None and n not in ("graphlab-cuda-ops", "graphlab-models")
    ]
    assert missing == []


def test_a_package_that_is_not_there_has_no_version(monkeypatch):
    monkeypatch.setattr(info, "_CORE", ("torch", "no-such-package"))
    facts = info.collect()
    assert facts["versions"]["no-such-package"] is None and facts["versions"]["torch"]
    assert f"  {'no-such-package':<20}absent" in info.format_report(facts).splitlines()


def test_kernels_agree_with_the_library(facts):
    kernels = facts["kernels"]
    status = library.status()
    assert kernels["compiled"] is status.compiled
    assert kernels["reason"] == status.reason
    assert set(kernels["operators"]) == set(library.OPERATORS) != set()


def test_operators_are_compiled_or_pure(facts):
    for where in facts["kernels"]["operators"].values():
        assert set(where) == {"cpu", "cuda"}
        assert set(where.values()) <= {"compiled", "pure"}


def test_facts_survive_json(facts):
    assert json.loads(json.dumps(facts)) == facts


def test_report_says_why(facts):
    report = info.format_report(facts)
    assert facts["kernels"]["reason"] in report
    for heading in ("versions", "kernels", "devices", "data root", "extras"):
        assert f"\n{heading}\n" in f"\n{report}\n"


def test_report_names_the_extra_to_install(facts):
    report = info.format_report({**facts, "extras": {"viz": ["matplotlib"], "tag": []}})
    assert "absent: matplotlib  (pip install graphlab[viz])" in report
    assert report.count("pip install") == 1


def test_report_lists_cuda_devices(facts):
    device = {"name": "cuda:0", "model": "Toy", "capability": "9.0", "memory_gib": 1.5}
    report = info.format_report({**facts, "devices": [device]})
    assert "Toy, compute capability 9.0, 1.5 GiB" in report


def test_data_root_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("GRAPHLAB_ROOT", str(tmp_path))
    assert info.collect()["data_root"] == str(tmp_path)


def test_main_prints_text_and_json(capsys):
    assert info.main([]) == 0
    assert capsys.readouterr().out.startswith("versions\n")
    assert info.main(["--json"]) == 0
    assert json.loads(capsys.readouterr().out)["versions"]["graphlab"] == __version__


def test_main_refuses_unknown_options(capsys):
    assert info.main(["--yaml"]) == 2
    assert "--yaml" in capsys.readouterr().err


@pytest.mark.parametrize("disabled", ["0", "1"])
def test_module_runs_as_a_program(disabled, monkeypatch):
    monkeypatch.setenv("GRAPHLAB_DISABLE_KERNELS", disabled)
    done = subprocess.run(
        [sys.executable, "-m", "graphlab.info"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ("GRAPHLAB_DISABLE_KERNELS" in done.stdout) is (disabled == "1")
    assert "compiled" not in done.stdout.split("kernels\n")[1] or disabled == "0"
