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
#: What the kernel does over the floor, as a factor on its bound, and why.
EXPECTED: dict[str, tuple[float, str]] = {
    "edge_cosine_sum": (1.2, "unit rows are written and read: N D twice"),
    "edge_cosine_sum_backward": (1.3, "unit rows; one more pass for the projection"),
    "edge_cosine_weight_grad": (1.2, "unit rows"),
    "cluster_sum": (1.1, "partial sums of at most 512 blocks"),
    "cluster_gather": (1.1, "nothing"),
    "cluster_outer": (2.0, "sorted members: x is gathered; float64 additions"),
    "cluster_outer_backward": (1.6, "sorted members; shared memory"),
    "pairwise_logsumexp": (2.6, "row and column sums multiply twice; multipliers at 3/4"),
    "pairwise_logsumexp_backward": (1.4, "multipliers at 3/4"),
    "pairwise_logsumexp_gradients": (1.9, "a pass for each side; multipliers at 3/4"),
    "pairwise_softplus": (1.5, "multipliers at 3/4; log1p takes some twenty operations"),
    "pairwise_softplus_backward": (1.9, "a pass for each side; multipliers at 3/4"),
    "pairwise_rank": (1.5, "multipliers at 3/4; bits of the filter; four comparisons"),
    "pairwise_topk": (1.7, "multipliers at 3/4; early tiles go through shared memory"),
    "self_logsumexp": (2.6, "both halves of a symmetric matrix; multipliers at 3/4"),
    "meta_logsumexp": (3.0, "the whole D x D product; a table of logits; half-empty tiles"),
    "meta_logsumexp_backward": (3.0, "the product twice; a table of shares"),
    "propagate": (1.2, "nothing but latency"),
    "propagate_dot": (1.5, "sums are written and read again"),
    "propagate_merge": (1.4, "states and the result are read and written per power"),
    "propagate_squares": (1.3, "states are read again"),
    "random_projection": (1.5, "ten rounds of Philox per 16 bytes"),
    "relational_propagate": (1.3, "a row of the table beside every row of a source"),
    "relational_shares": (1.5, "messages are computed again; ties are counted first"),
    "relational_source_grad": (1.3, "as the sum"),
    "relational_table_grad": (1.5, "two gathers per entry; partial sums of long types"),
    "interval_propagate": (1.5, "two passes, pattern and ends read twice"),
    "interval_propagate_backward": (1.5, "two passes"),
    "edge_bound": (1.5, "a binary search for the row of every entry"),
    "edge_bound_backward": (1.3, "two passes"),
    "budget_minimum": (4.0, "one pass over the row per dropped entry"),
    "budget_minimum_backward": (1.5, "four tables per entry"),
    "random_walk": (2.0, "dependent loads; Philox"),
    "walk_overlap": (6.0, "rows are searched: the floor reads the graph once"),
    "distinct_ends": (50.0, "all two-step walks; atomics; the floor reads the graph once"),
    "segment_attention": (2.8, "pairs of neighbouring segments in a tile; multipliers at 2/3"),
    "segment_attention_backward": (4.0, "the same; seven products instead of five"),
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
