"""The tutorial runs as it stands: its code blocks, one after the other, in an empty folder."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests._data import REPOSITORY

TUTORIAL = REPOSITORY / "docs" / "tutorial_graphclip.md"


@pytest.mark.slow
def test_the_tutorial_runs(tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", TUTORIAL.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 5
    script = tmp_path / "tutorial.py"
    script.write_text("\n".join(blocks), encoding="utf-8")
    environment = {"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1", "PATH": ""}
    # torch_geometric scripts some of its classes while it is imported.
    strict = ["-W", "error", "-W", "ignore:`torch.jit.script` is deprecated:DeprecationWarning"]
    done = subprocess.run(
        [sys.executable, *strict, script.name], cwd=tmp_path, env=environment,
        capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    scores = dict(re.findall(r"^([a-z+ ]+?) +(0\.\d+) 0\.\d+$", done.stdout, re.MULTILINE))
    assert float(scores["graphclip"]) > 3 * float(scores["chance"])
    assert (tmp_path / "tower" / "model.safetensors").is_file()
    assert re.search(r"zero-shot 0\.\d+\n3-shot 0\.\d+", done.stdout)
