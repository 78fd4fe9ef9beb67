"""Without its extras the library imports whole and says which extra is missing.

``make check-wheels`` asks the same in an environment that has none; here they are hidden.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests._data import REPOSITORY

SCRIPT = REPOSITORY / ".ci" / "core_only.py"
SURFACE = REPOSITORY / "tests" / "house" / "surface.json"


def core_only(*options: str, code: str = "") -> subprocess.CompletedProcess[str]:
    start = f"import runpy, sys; sys.path.insert(0, {str(REPOSITORY)!r}); {code or 'pass'}"
    run = f"runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
    command = [sys.executable, "-W", "ignore", "-c", f"{start}\n{run}", str(SURFACE), *options]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True)


def test_missing_extras_are_named():
    done = core_only("--hide")
    assert done.returncode == 0, done.stderr
    assert "tag, tables, viz, hyper, experiments" in done.stdout


@pytest.mark.slow
def test_an_entry_point_that_names_no_extra_is_found():
    code = "import graphlab.hyper.cliques as c"
    code += "; c._import = lambda name: __import__(name)"
    done = core_only("--hide", code=code)
    assert done.returncode != 0
    assert "maximal_cliques(backend='networkit'): the error names no" in done.stderr
    assert "viz" not in done.stderr
