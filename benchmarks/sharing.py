"""One and two threads of an operator, alone and beside busy processes.

python -m benchmarks.sharing      wants two cores and nothing else on the machine

Wall times, in alternation, in a process of its own for either way in which OpenMP's threads wait
for each other: `looking` is torch's default, where a thread looks on for milliseconds before it
sleeps, `sleeping` is OMP_WAIT_POLICY=PASSIVE.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

import torch

from benchmarks._harness.graphs import rmat
from benchmarks._harness.parts import ROOT, part_parser, run_parts
from benchmarks._harness.rows import Row, compared
from benchmarks._harness.timing import threads
from graphlab.ops import SparseRows, propagate_merge

SEED = 0


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Other processes that compute for as long as the block runs."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def measure(repeats: int) -> list[Row]:
    """One and two threads of `propagate_merge` beside no, one and two busy processes."""
    nodes = 1 << 16
    rows = SparseRows.from_edge_index(rmat(16, 8, SEED), nodes)
    start = torch.randn(nodes, 128, generator=torch.Generator().manual_seed(SEED))

    def work(count: int) -> object:
        with threads(count):
            return propagate_merge(start, rows, coefficients=[0.0, 1.0, 1.0, 1.0])

    runs: Mapping[str, Callable[[], object]] = {
        "one thread": lambda: work(1),
        "two threads": lambda: work(2),
    }
    found: list[Row] = []
    for count in (0, 1, 2):
        with busy(count):
            case = f"three powers of an R-MAT graph of 2^16 nodes beside {count} busy processes"
            found += compared(case, runs, repeats=repeats)
    return found


def in_child(policy: str, options: Namespace) -> list[Row]:
    """`measure` in a process whose threads wait by this policy."""
    call = (
        "import json; from benchmarks.sharing import measure; "
        f"print(json.dumps(measure({options.repeats})))"
    )
    variables = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    if policy == "sleeping":
        variables["OMP_WAIT_POLICY"] = "PASSIVE"
    command = [sys.executable, "-c", call]
    done = subprocess.run(
        command, env=variables, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    return [{"threads wait": policy, "clock": "wall", **row} for row in json.loads(done.stdout)]


PARTS = {policy: partial(in_child, policy) for policy in ("looking", "sleeping")}


def main() -> None:
    """Run the chosen parts and write their rows."""
    options = part_parser(__doc__, PARTS, 2, repeats=45).parse_args()
    run_parts("sharing", PARTS, options, options, seeds=[SEED])


if __name__ == "__main__":
    main()
