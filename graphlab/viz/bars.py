"""Groups of bars with error bars."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from graphlab.viz._style import COLORS, HATCHES, INK, grid, legend, new_axes
from graphlab.viz._values import Floats, vector

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["bars"]


def bars(
    labels: Sequence[str],
    series: Mapping[str, Sequence[float]],
    errors: Mapping[str, Sequence[float]] | None = None,
    ax: Axes | None = None,
    *,
    ylabel: str = "",
    value_format: str | None = None,
) -> Axes:
    """Draw groups of bars side by side: one group per label, one bar per series.

    Args:
        labels: Names of the groups.
        series: Name to heights, one per group; NaN leaves a place empty.
        errors: Name to half-lengths of the error bars (same names as ``series``, any may be
            absent), for example one standard deviation.
        ax: Axes to draw on; a new figure if ``None``.
        ylabel: What the height is, with its unit.
        value_format: Write each height above its bar in this format, for example ``".3f"``.

    Returns:
        Axes: The axes drawn on.

    Raises:
        ValueError: If a length differs from that of ``labels``, there is nothing to draw, or
            ``errors`` has an unknown name or a negative value.
        ImportError: If matplotlib is missing.
    """
    heights = _bar_values(series, len(labels), "series")
    spreads = _bar_values(errors, len(labels), "errors") if errors else {}
    if not heights or not len(labels):
        raise ValueError("labels and series must hold at least one entry each, got none")
    for name, spread in spreads.items():
        if name not in heights:
            raise ValueError(f"errors[{name!r}] has no series of that name")
        if np.any(spread < 0):
            raise ValueError(f"errors[{name!r}] must be non-negative, got {spread.min()}")
    count = len(labels) * len(heights)
    ax = new_axes(ax, (float(np.clip(1.6 + 0.5 * count, 4.0, 12.0)), 3.6))
    width = 0.8 / len(heights)
    for i, (name, height) in enumerate(heights.items()):
        place = np.arange(len(labels)) + (i - (len(heights) - 1) / 2) * width
        hatch = HATCHES[i // len(COLORS) % len(HATCHES)]
        drawn = ax.bar(
            place, height, 0.92 * width, label=name, color=COLORS[i % len(COLORS)], hatch=hatch
        )
        spread = spreads.get(name, np.zeros(len(labels)))
        if name in spreads:
            ax.errorbar(place, height, spread, fmt="none", ecolor=INK, elinewidth=1.5, capsize=3)
        if value_format is not None:
            tops = [format(value, value_format) if math.isfinite(value) else "" for value in height]
            _write_above(ax, drawn, tops, height + np.nan_to_num(spread))
    ax.set_xticks(np.arange(len(labels)), labels)
    ax.set_ylabel(ylabel)
    ax.margins(y=0.08)
    grid(ax, axis="y")
    if len(heights) > 1:
        legend(ax, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return ax


def _bar_values(
    series: Mapping[str, Sequence[float]], length: int, argument: str
) -> dict[str, Floats]:
    values = {}
    for name, heights in series.items():
        values[name] = vector(heights, f"{argument}[{name!r}]")
        if values[name].size != length:
            raise ValueError(
                f"{argument}[{name!r}] must have {length} values, one per label, "
                f"got {values[name].size}"
            )
    return values


def _write_above(ax: Axes, drawn: Any, tops: Sequence[str], ends: Floats) -> None:
    color = ax.yaxis.label.get_color()
    for bar, text, end in zip(drawn, tops, ends, strict=True):
        if text:
            ax.annotate(
                text,
                (bar.get_x() + bar.get_width() / 2, end),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                va="bottom",
                fontsize="x-small",
                color=color,
            )
