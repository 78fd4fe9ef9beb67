"""Operators on all pairs of rows beside eager torch, at the sizes of FB15k-237 and WN18RR.

python -m benchmarks.pairwise                    all parts; writes results/pairwise.json
python -m benchmarks.pairwise --only softplus    one part

Times are CPU seconds of this process, which runs on one thread, and ratios those of runs that
alternate: a busy neighbour takes time from both sides alike.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from benchmarks._harness.parts import part_parser, run_parts
from benchmarks._harness.rows import Row
from benchmarks._harness.timing import compare
from graphlab.ops import pairwise_logsumexp, pairwise_rank, pairwise_softplus, pairwise_topk

SEED = 0
ENTITIES = (14_541, 40_943)
WIDTHS = (66, 130, 258)  # two columns hold the biases
FILTERED = 13  # entities a query, as FB15k-237 has them once equal queries are one
CHUNK = 1_024  # queries at a time; scores of 256 still lie in a large cache when they are compared
SMALL_CHUNK = 256


def cpu_seconds(function: Callable[[], object]) -> float:
    """CPU time of a call."""
    begin = time.process_time()
    function()
    return time.process_time() - begin


def beside(case: str, runs: dict[str, Callable[[], object]], repeats: int) -> list[Row]:
    """Rows of runs that alternate, by CPU time; the first is ours."""
    found = compare(runs, repeats=repeats, warmup=1, clock=cpu_seconds)
    rows = [{"case": case, **row} for row in found.as_rows()]
    for row in rows[1:]:  # how much faster the first run is than this one
        row["ours_is_faster_by"] = 1 / row["speedup"]
    return rows


def normal(rows: int, width: int) -> Tensor:
    """Rows whose products with each other are of the size of one."""
    generator = torch.Generator().manual_seed(SEED + rows)
    return torch.randn(rows, width, generator=generator).div(width**0.25)


#: A number for every row of the first matrix, by all rows of the second.
Loss = Callable[[Tensor, Tensor], Any]


def step(loss: Loss, x: Tensor, y: Tensor) -> None:
    """Forward and backward with gradients to both sides."""
    x, y = x.detach().requires_grad_(), y.detach().requires_grad_()
    loss(x, y).sum().backward()


def eager_softplus(x: Tensor, y: Tensor) -> Tensor:
    """With the matrix of scores."""
    return torch.nn.functional.softplus(x @ y.t()).sum(1)


def eager_logsumexp(x: Tensor, y: Tensor) -> Tensor:
    """With the matrix of scores."""
    return torch.logsumexp(x @ y.t(), dim=1)


def steps(
    name: str,
    ours: Loss,
    eager: Loss,
    batches: tuple[int, ...],
    repeats: int,
) -> list[Row]:
    """Training steps of all sizes."""
    rows = []
    for width in WIDTHS:
        for entities in ENTITIES:
            for batch in batches:
                x, y = normal(batch, width), normal(entities, width)
                runs: dict[str, Callable[[], object]] = {
                    "graphlab": partial(step, ours, x, y),
                    "eager torch": partial(step, eager, x, y),
                }
                case = f"{name}, forward and backward, B {batch}, N {entities}, D {width}"
                rows += beside(case, runs, repeats if batch < CHUNK else max(1, repeats // 2))
    return rows


def softplus(repeats: int) -> list[Row]:
    """Few rows and many."""
    return steps("softplus", pairwise_softplus, eager_softplus, (128, 1_024), repeats)


def logsumexp(repeats: int) -> list[Row]:
    """Few rows, where the work is shared out over the other side."""
    return steps("log-sum-exp", pairwise_logsumexp, eager_logsumexp, (128,), repeats)


def rank_in_chunks(
    chunk: int, x: Tensor, y: Tensor, truth: Tensor, ptr: Tensor, named: Tensor
) -> tuple[Tensor, Tensor]:
    """Filtered ranks from scores of ``chunk`` queries at a time."""
    greater, equal = torch.empty(2, x.size(0), dtype=torch.int64)
    for start in range(0, x.size(0), chunk):
        rows = slice(start, min(start + chunk, x.size(0)))
        score, own = x[rows] @ y.t(), truth[rows, None]
        bar = score.gather(1, own)
        part = ptr[rows.start : rows.stop + 1]
        row = torch.repeat_interleave(torch.arange(part.numel() - 1), part.diff())
        score[row, named[part[0] : part[-1]]] = -torch.inf
        score.scatter_(1, own, -torch.inf)
        greater[rows], equal[rows] = (score > bar).sum(1), (score == bar).sum(1)
    return greater, equal


def rank(repeats: int) -> list[Row]:
    """Filtered ranks of 4,096 queries."""
    rows, count, entities = [], 4_096, ENTITIES[0]
    generator = torch.Generator().manual_seed(SEED)
    truth = torch.randint(entities, (count,), generator=generator)
    named = torch.randint(entities, (count, FILTERED), generator=generator).sort(1).values
    filters = FILTERED * torch.arange(count + 1), named.view(-1)
    for width in WIDTHS:
        x, y = normal(count, width), normal(entities, width)
        runs: dict[str, Callable[[], object]] = {
            "graphlab": partial(pairwise_rank, x, y, truth, *filters),
            "torch in chunks of 1,024": partial(rank_in_chunks, CHUNK, x, y, truth, *filters),
            "torch in chunks of 256": partial(rank_in_chunks, SMALL_CHUNK, x, y, truth, *filters),
            "the product alone": partial(products_in_chunks, x, y),
        }
        rows += beside(f"filtered ranks, B {count}, N {entities}, D {width}", runs, repeats)
    return rows


def products_in_chunks(x: Tensor, y: Tensor) -> None:
    """What ranks cannot go without: scores that nobody looks at."""
    out = torch.empty(SMALL_CHUNK, y.size(0))
    for start in range(0, x.size(0), SMALL_CHUNK):
        torch.mm(x[start : start + SMALL_CHUNK], y.t(), out=out)


def topk_in_chunks(x: Tensor, y: Tensor, k: int) -> list[tuple[Tensor, Tensor]]:
    """Plain torch; the reference also orders equal rows of ``y``, which takes a pass over them."""
    return [torch.topk(part @ y.t(), k) for part in x.split(CHUNK)]


def topk(repeats: int) -> list[Row]:
    """The best ten and hundred of 14,541 rows for many queries and for few."""
    rows = []
    for width in WIDTHS:
        x, y = normal(4_096, width), normal(ENTITIES[0], width)
        for count, k in ((1, 10), (64, 10), (4_096, 10), (1_024, 100)):
            runs: dict[str, Callable[[], object]] = {
                "graphlab": partial(pairwise_topk, x[:count], y, k),
                "torch in chunks": partial(topk_in_chunks, x[:count], y, k),
            }
            case = f"best {k}, B {count}, N {ENTITIES[0]}, D {width}"
            rows += beside(case, runs, repeats)
    return rows


PARTS = {"softplus": softplus, "logsumexp": logsumexp, "rank": rank, "topk": topk}


def main() -> None:
    """Run the chosen parts and write their rows."""
    options = part_parser(__doc__, PARTS, 1, repeats=5).parse_args()
    run_parts("pairwise", PARTS, options, options.repeats, seeds=[SEED])


if __name__ == "__main__":
    main()
