"""Draws docs/images/performance.png: how much longer than ours every other method takes.

python docs/performance_picture.py
"""

from __future__ import annotations

import sys
from pathlib import Path
from textwrap import fill
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from _tables.performance import Case, cases  # noqa: E402

OURS, PEER, FLOOR = "#0072B2", "#E69F00", "#009E73"
INK = "#7A7A7A"
#: One case per system, the one whose title begins so.
CHOSEN = {
    "PamC and SCGC": "pamc on USPS",
    "GRACE": "training step",
    "POT": "Cora",
    "FastRP": "R-MAT 2^18",
    "topological concentration": "PubMed, 2 hops",
    "TAPE": "P layer",
    "GraphCLIP": "step, 6 layers",
    "text layer": "640 prompts",
}
#: What else the library can do stands beside the main row in the tables, not here.
#: Of POT it is the published score: its certificates compute something else.
OWN = ("graphlab", "fused", "LLMClient, cache in memory", "reference")
NOT_PEERS = ("graphlab", "interval", "budget", "LLMClient", "fused")


def ours(case: Case) -> str | None:
    """The method of the library that is drawn."""
    return next((name for wanted in OWN for name in case.seconds if name == wanted), None)


def draw(ax: Any, case: Case, name: str) -> None:
    """Bars of one case, in units of our time."""
    unit = case.seconds[name]
    peers = {k: v for k, v in case.seconds.items() if not k.startswith(NOT_PEERS) and k != name}
    times = [*sorted(peers.items(), key=lambda item: -item[1]), (name, unit)]
    colors = [PEER] * len(peers) + [OURS]
    if case.floor is not None:
        times.append(("floor", case.floor))
        colors.append(FLOOR)
    times, colors = times[::-1], colors[::-1]
    positions = range(len(times))
    ax.barh(positions, [seconds / unit for _, seconds in times], color=colors)
    ax.set_yticks(positions, [label for label, _ in times], fontsize=8, color=INK)
    title = fill(f"{case.system}: {case.title}", 44)
    ax.set_title(title, fontsize=8, color=INK, loc="left")
    for position, (_, seconds) in zip(positions, times, strict=True):
        ax.text(
            seconds / unit, position, f" {seconds / unit:.2g}", va="center", fontsize=8, color=INK
        )
    ax.set_xticks([])
    for side in ax.spines.values():
        side.set_visible(False)


def main() -> None:
    """Write the picture."""
    from matplotlib.figure import Figure

    chosen = [c for c in cases() if c.title.startswith(CHOSEN.get(c.system, "\0"))]
    drawn = [(case, name) for case in chosen if (name := ours(case)) is not None]
    figure = Figure(figsize=(9, 1.6 * ((len(drawn) + 1) // 2)))
    axes = figure.subplots((len(drawn) + 1) // 2, 2, squeeze=False).flatten()
    for ax in axes[len(drawn) :]:
        ax.axis("off")
    for ax, (case, name) in zip(axes, drawn, strict=False):
        draw(ax, case, name)
    figure.tight_layout()
    target = HERE / "images" / "performance.png"
    figure.savefig(target, dpi=160, transparent=True)


if __name__ == "__main__":
    main()
