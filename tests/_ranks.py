"""Processes of one group: one call of a function for every rank."""

from __future__ import annotations

import time
from collections.abc import Callable
from multiprocessing.connection import wait
from pathlib import Path

import torch

from tests._processes import answer, start

Rank = Callable[[int, int, str], None]


def run_ranks(run_rank: Rank, size: int, folder: Path, timeout: float = 300) -> None:
    """Call ``run_rank(rank, size, folder)`` in a process for every rank; all must succeed."""
    started = [start(_alone, run_rank, rank, size, str(folder)) for rank in range(size)]
    open_ = {connection: process for process, connection in started}
    end = time.monotonic() + timeout
    try:
        while open_:  # whichever fails first says why; the others may wait for it for ever
            ready = wait(list(open_), timeout=end - time.monotonic())
            assert ready, f"{len(open_)} of {size} ranks gave no answer in {timeout} seconds"
            for connection in ready:
                answer(open_.pop(connection), connection, timeout)  # type: ignore[call-overload]
    finally:
        for process in open_.values():
            process.kill()


def _alone(run_rank: Rank, rank: int, size: int, folder: str) -> None:
    torch.set_num_threads(1)
    run_rank(rank, size, folder)
