"""Processes of one group, started from a test module that runs one of them as ``__main__``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests._data import REPOSITORY


def run_ranks(module: str, size: int, folder: Path, timeout: float = 300) -> None:
    """Run ``python -m module rank size folder`` for every rank at once; all must succeed."""
    command = [sys.executable, "-W", "ignore", "-m", module]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    ranks = [
        subprocess.Popen(
            [*command, str(rank), str(size), str(folder)], cwd=REPOSITORY, env=environment
        )
        for rank in range(size)
    ]
    assert [process.wait(timeout=timeout) for process in ranks] == [0] * size
