"""Predicts every CUDA kernel's time from its floor, and writes the table of cuda_ops/README.md.

python -m benchmarks.predictions            rewrite the table
python -m benchmarks.predictions --check    fail if it is stale

The devices are those of the makers' data sheets, so that a prediction stands before any
measurement; ``benchmarks.gpu`` measures the device it runs on.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks._floors import OPERATIONS_PER_EXPONENTIAL, Device, floor_seconds, traffic, work_of
from benchmarks.gpu.inputs import ARGUMENTS, FAMILIES, FULL, Inputs, Size, family_of
from graphlab.ops import CSRGraph, RelationalRows, SparseRows

HERE = Path(__file__).parent
README = HERE.parent / "cuda_ops" / "README.md"
BEGIN, END = "<!-- predictions -->", "<!-- end -->"
#: Data sheets of the SXM modules: memory bandwidth, float32 without tensor cores, L2.
DEVICES = {
    "h100": Device(3.35e12, 67e12, 50_000_000),
    "h200": Device(4.8e12, 67e12, 50_000_000),
}
#: What the kernel does over the floor, as a factor on its bound, and why: from the instructions and
#: the loads in flight of the compiled code, not from a run.
EXPECTED: dict[str, tuple[float, str]] = {
    "edge_cosine_sum": (1.5, "unit rows are written and read; two rows in flight a warp"),
    "edge_cosine_sum_backward": (
        1.8,
        "unit rows; two rows in flight; one more pass for the projection",
    ),
    "edge_cosine_weight_grad": (1.5, "as the sum"),
    "cluster_sum": (1.3, "x waits for the label of its row"),
    "cluster_gather": (2.4, "some 80 instructions and a division per value"),
    "cluster_outer": (5.5, "sorting counts in order; float32 multipliers; float64 additions"),
    "cluster_outer_backward": (2.5, "sorted members; shared memory; float32 multipliers"),
    "pairwise_logsumexp": (5.5, "two passes; half of the instructions multiply"),
    "pairwise_logsumexp_backward": (
        3.5,
        "one block a multiprocessor; half of the instructions multiply",
    ),
    "pairwise_logsumexp_gradients": (4.7, "a pass for each side, as the backward"),
    "pairwise_softplus": (3.5, "half of the instructions multiply; log1p takes some twenty"),
    "pairwise_softplus_backward": (4.7, "a pass for each side, as the backward of the log-sum-exp"),
    "pairwise_rank": (3.2, "half of the instructions multiply; bits of the filter"),
    "pairwise_topk": (
        3.5,
        "half of the instructions multiply; early tiles go through shared memory",
    ),
    "self_logsumexp": (5.5, "both halves of a symmetric matrix; half of the instructions multiply"),
    "meta_logsumexp": (
        17.0,
        "an eighth of the instructions multiplies; a table of logits; half-empty tiles",
    ),
    "meta_logsumexp_backward": (17.0, "the same, twice; a table of shares"),
    "propagate": (1.3, "latency; names and weights beside the rows"),
    "propagate_dot": (1.5, "sums are written and read again"),
    "propagate_merge": (1.6, "states and the result are read and written per power"),
    "propagate_squares": (1.5, "states are read again"),
    "random_projection": (1.5, "ten rounds of Philox per 16 bytes"),
    "relational_propagate": (
        2.2,
        "one entry in flight; a row of the table beside every source; float64 additions",
    ),
    "relational_shares": (2.5, "the same; messages are computed again; ties are counted first"),
    "relational_source_grad": (2.2, "as the sum"),
    "relational_table_grad": (2.5, "two gathers per entry; partial sums of long types"),
    "interval_propagate": (1.5, "latency; ends of the entries beside two rows each"),
    "interval_propagate_backward": (1.5, "the same"),
    "edge_bound": (1.6, "latency; a reduction over the warp per entry"),
    "edge_bound_backward": (1.6, "two passes"),
    "budget_minimum": (3.0, "values of one column at a time; a list of eight in registers"),
    "budget_minimum_backward": (
        2.0,
        "four tables per entry; two entries in flight; roots in float64",
    ),
    "random_walk": (2.0, "dependent loads; Philox"),
    "walk_overlap": (6.0, "rows are searched: the floor reads the graph once"),
    "distinct_ends": (1000.0, "111 blocks; dependent atomics; the floor reads the graph once"),
    "segment_attention": (3.0, "pairs of neighbouring segments in a tile; float32 multipliers"),
    "segment_attention_backward": (5.0, "the same; seven products instead of five"),
}


class MetaInputs(Inputs):
    """Inputs without values: shapes are all that a floor needs."""

    def __init__(self, size: Size) -> None:
        super().__init__(size, torch.device("meta"), torch.float32)

    def normal(self, *shape: int) -> Tensor:
        """No values."""
        return torch.empty(shape, device="meta")

    def positive(self, *shape: int) -> Tensor:
        """No values."""
        return torch.empty(shape, device="meta")

    def integers(self, high: int, count: int) -> Tensor:
        """No values."""
        return torch.empty(count, dtype=torch.int64, device="meta")

    @property
    def entries(self) -> int:
        """Both directions of every edge."""
        return self.size.nodes * self.size.degree

    @property
    def graph(self) -> CSRGraph:  # type: ignore[override]
        """Rows of the mean length."""
        rowptr, col = self.integers(0, self.size.nodes + 1), self.integers(0, self.entries).int()
        return CSRGraph(rowptr, col, self.normal(self.entries), scale=self.normal(self.size.nodes))

    @property
    def pattern(self) -> SparseRows:  # type: ignore[override]
        """Rows of the mean length."""
        rowptr, col = self.integers(0, self.size.nodes + 1), self.integers(0, self.entries).int()
        return SparseRows(rowptr, col)

    @property
    def typed(self) -> RelationalRows:  # type: ignore[override]
        """The same rows with types."""
        kinds = self.integers(0, self.entries).int()
        return RelationalRows(self.pattern, kinds, self.size.clusters)


def measured(stem: str) -> dict[str, dict[str, Any]]:
    """Rows of a device's results by operator; empty before the first run."""
    path = HERE / "results" / f"{stem}.json"
    if not path.exists():
        return {}
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
    return {row["case"]: row for row in rows if "time_us" in row}


def cell(op: str, stem: str) -> str:
    """Time measured on a device."""
    row = measured(stem).get(op)
    return f"{row['time_us'] / 1e3:.3g} ms" if row else "not measured yet"


def line(op: str) -> list[str]:
    """Size, work, floors, predictions and measurements of one operator."""
    size = FULL[family_of(op)]
    work = work_of(op, ARGUMENTS[op](MetaInputs(size)))
    factor, why = EXPECTED[op]
    floors = {stem: 1e3 * floor_seconds(work, device) for stem, device in DEVICES.items()}
    moved = traffic(work, DEVICES["h200"].cache_bytes)
    operations = max(work.flops, OPERATIONS_PER_EXPONENTIAL * work.exponentials)
    memory_bound = moved / DEVICES["h200"].bytes_per_s >= operations / DEVICES["h200"].flops_per_s
    return [
        f"`{op}`",
        f"{moved / 1e9:.3g}",
        f"{operations / 1e9:.3g}",
        "memory" if memory_bound else "arithmetic",
        *(f"{floors[stem]:.3g}" for stem in DEVICES),
        f"{factor:g}",
        why,
        *(f"{factor * floors[stem]:.3g}" for stem in DEVICES),
        *(cell(op, stem) for stem in DEVICES),
    ]


def table() -> str:
    """All operators in Markdown."""
    header = ["operator", "GB", "GFLOP", "bound by", "floor H100, ms", "floor H200, ms"]
    header += ["factor", "why more", "predicted H100, ms", "predicted H200, ms"]
    header += ["measured H100", "measured H200"]
    operators = [op for family in FAMILIES.values() for op in family]
    lines = [header, ["---"] * len(header), *(line(op) for op in operators)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def render(text: str) -> str:
    """The page with the table in it."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def main() -> None:
    """Rewrite or check the page."""
    text = README.read_text(encoding="utf-8")
    fresh = render(text)
    if fresh == text:
        return
    if "--check" in sys.argv:
        sys.exit("cuda_ops/README.md is stale: python -m benchmarks.predictions")
    README.write_text(fresh, encoding="utf-8")


if __name__ == "__main__":
    main()
