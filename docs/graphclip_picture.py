"""Draws docs/images/graphclip_scaling.png: zero-shot accuracy by the number of pairs.

python docs/graphclip_picture.py
"""

from __future__ import annotations

import sys
from pathlib import Path

from _tables.graphclip import SCALING, TARGETS, results

COLORS = ("#0072B2", "#E69F00", "#009E73")


def main() -> None:
    """Write the picture from the committed results."""
    from matplotlib.figure import Figure

    files = results(f"pretrain_{name}" for name in SCALING)
    if not files:
        sys.exit("there are no results of the scaling curve yet")
    figure = Figure(figsize=(6, 3.2))
    ax = figure.subplots()
    for target, color in zip(TARGETS[:3], COLORS, strict=True):
        points = [
            (table["rows"]["pretraining"]["pairs"]["mean"], table["rows"][f"{target}: graphclip"])
            for table in files.values()
        ]
        count = [pairs for pairs, _ in points]
        mean = [100 * row["acc"]["mean"] for _, row in points]
        spread = [100 * (row["acc"]["std"] or 0.0) for _, row in points]
        ax.errorbar(count, mean, spread, color=color, marker="o", capsize=3, label=target)
        flat = next(iter(files.values()))["rows"][f"{target}: subgraph mean"]["acc"]["mean"]
        ax.axhline(100 * flat, color=color, linestyle=":", linewidth=1)
    ax.set_xscale("log")
    ax.set_xticks(count, [f"{pairs:,.0f}" for pairs in count])
    ax.minorticks_off()
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color("#7A7A7A")
    ax.set_xlabel("pairs; dotted: mean of the subgraph's texts, untrained", color="#7A7A7A")
    ax.set_ylabel("zero-shot accuracy, %", color="#7A7A7A")
    ax.tick_params(colors="#7A7A7A")
    ax.legend(frameon=False, labelcolor="#7A7A7A", fontsize=8)
    target_file = Path(__file__).parent / "images" / "graphclip_scaling.png"
    figure.savefig(target_file, dpi=110, bbox_inches="tight", transparent=True)


if __name__ == "__main__":
    main()
