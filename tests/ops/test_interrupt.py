"""Signals are heard while a compiled operator runs: Ctrl-C ends it, and nothing is returned."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from graphlab.ops import library
from tests.ops._long_calls import CALLS

pytestmark = pytest.mark.skipif(
    library.active_kernel("maximal_cliques", "cpu") != "compiled",
    reason="the pure path is interrupted between its steps, as all of Python",
)


#: Those that are ready at once; the others prepare graphs of millions of edges.
FAST = ["maximal_cliques", "clique_overlap", "random_walk", "propagate_merge", "pairwise_topk"]
FAST += ["pairwise_softplus", "pairwise_rank", "segment_attention"]
EVERY = [make.__name__ for make in CALLS]


@pytest.fixture(
    scope="module",
    params=[(1, FAST), *(pytest.param((n, EVERY), marks=pytest.mark.slow) for n in (1, 2))],
    ids=["fast", "1", "2"],
)
def outcome(request: pytest.FixtureRequest) -> dict[str, str]:
    """What became of the calls, in a process of their own."""
    threads, names = request.param
    done = subprocess.run(
        [sys.executable, "-m", "tests.ops._long_calls", *names],
        env=os.environ | {"OMP_NUM_THREADS": str(threads)},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


def test_every_long_operator_hears_signals(outcome: dict[str, str]) -> None:
    heard = {name: words for name, words in outcome.items() if name in EVERY}
    assert heard and heard == dict.fromkeys(heard, "third signal")


def test_ctrl_c_is_a_keyboard_interrupt(outcome: dict[str, str]) -> None:
    assert outcome["ctrl_c"] == "KeyboardInterrupt"


def test_handler_that_does_not_raise_lets_the_operator_finish(outcome: dict[str, str]) -> None:
    assert outcome["handled"] == f"{3**13} cliques, handler called: True"


def test_other_errors_of_an_operator_pass() -> None:
    rowptr, col = torch.tensor([0, 1]), torch.tensor([5], dtype=torch.int32)
    with pytest.raises(RuntimeError, match=r"col\[0\] = 5"):
        library.call("maximal_cliques", rowptr, col, -1, 0.0)
