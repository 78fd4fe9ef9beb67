"""Colours, axes, grid and legend of every picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe-Ito without black (lost on a dark page) and with yellow last (faint on a white one).
COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#8C8C8C", "#F0E442")
MARKERS = ("o", "^", "s", "D", "v", "P")
DASHES = ("-", "--", "-.", ":")
HATCHES = ("", "///", "...", "xxx")
INK = "#7A7A7A"  # as far from white as from near-black: contrast above 4 on both


def new_axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """Return the given axes, or new transparent ones with grey text."""
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError("graphlab.viz needs matplotlib: pip install 'graphlab[viz]'") from error
    if ax is not None:
        return ax
    figure, ax = pyplot.subplots(figsize=size, layout="constrained")
    figure.patch.set_alpha(0.0)
    ax.patch.set_alpha(0.0)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(INK)
    ax.tick_params(which="both", colors=INK)
    for text in (ax.xaxis.label, ax.yaxis.label, ax.title):
        text.set_color(INK)
    return ax


def grid(ax: Axes, axis: str = "both") -> None:
    ax.grid(True, axis=axis, color=INK, alpha=0.25, linewidth=0.6)  # type: ignore[arg-type]
    ax.set_axisbelow(True)


def legend(ax: Axes, **options: Any) -> Any:
    # The colour of the axis label is right on our own figures and on the caller's alike.
    color = ax.xaxis.label.get_color()
    return ax.legend(frameon=False, labelcolor=color, fontsize="small", **options)


def line_style(i: int) -> dict[str, Any]:
    return {
        "color": COLORS[i % len(COLORS)],
        "linestyle": DASHES[(i + i // len(COLORS)) % len(DASHES)],
        "linewidth": 1.6,
    }
