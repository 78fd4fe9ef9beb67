"""Tables of POT and the contrastive hosts."""

from __future__ import annotations

from collections.abc import Callable

from _tables.common import ROOT, markdown, read

FILE = "benchmarks/results/pot.json"


def score() -> str:
    """Forward and backward of the score and of the certificates beside the dense formulation."""
    if not (ROOT / FILE).exists():
        return markdown(["not measured yet"], [])
    rows = []
    for row in read(FILE)["rows"]:
        if "median_s" in row:
            ratio = f"{row['speedup']:.1f}x" if "speedup" in row else ""
            rows.append([row["case"], row["name"], f"{1e3 * row['median_s']:,.0f} ms", ratio])
    return markdown(["case", "", "time", "faster than dense"], rows)


TABLES: dict[str, Callable[[], str]] = {"pot_score": score}
