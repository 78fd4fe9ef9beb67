"""Groups of bars with error bars."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from graphlab._checks import check_list, check_mapping
from graphlab.viz._style import COLORS, HATCHES, INK, grid, legend, new_axes
from graphlab.viz._values import Bools, Floats, vector

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["bars"]

_LETTER = 0.09  # inches of a letter at the usual size


def bars(
    labels: Sequence[str],
    series: Mapping[str, Sequence[float]],
    errors: Mapping[str, Sequence[float]] | None = None,
    ax: Axes | None = None,
    *,
    ylabel: str = "",
    value_format: str | None = None,
    horizontal: bool = False,
) -> Axes:
    """Draw groups of bars side by side: one group per label, one bar per series.

    Args:
        labels (sequence of str): Names of the groups.
        series (dict): Name to heights, one per group; NaN leaves a gap.
        errors (dict, optional): Name to half-lengths of the error bars (same names as ``series``,
            any may be absent), for example one standard deviation.
        ax (Axes, optional): Axes to draw on; a new figure if ``None``.
        ylabel (str): What the height is, with its unit.
        value_format (str, optional): Write each height at the end of its bar in this format, for
            example ``".3f"``.
        horizontal (bool): Draw the bars from left to right, the first label on top: long labels
            stay readable. ``ylabel`` still names what the bars measure.

    Returns:
        Axes: The axes drawn on.

    Raises:
        TypeError: If ``series`` or ``errors`` is no mapping.
        ValueError: If a length differs from that of ``labels``, there is nothing to draw, or
            ``errors`` has an unknown name or a negative value.
        ImportError: If matplotlib is missing.
    """
    labels = check_list(labels, "labels", "names")
    check_mapping(series, "series")
    heights = _bar_values(series, len(labels), "series")
    given = {} if errors is None else check_mapping(errors, "errors")
    spreads = _bar_values(given, len(labels), "errors")
    if not heights or not len(labels):
        raise ValueError("labels and series must hold at least one entry each, got none")
    for name, spread in spreads.items():
        if name not in heights:
            raise ValueError(f"errors[{name!r}] has no series of that name")
        if np.any(spread < 0):
            raise ValueError(f"errors[{name!r}] must be non-negative, got {spread.min()}")
    count = len(labels) * len(heights)
    if horizontal:
        size = (6.4, float(np.clip(0.9 + 0.3 * count, 2.0, 12.0)))
    else:
        size = (float(np.clip(1.6 + 0.5 * count, 4.0, 8.4)), 3.6)
    ax = new_axes(ax, size)
    width = 0.8 / len(heights)
    for i, (name, height) in enumerate(heights.items()):
        shift = (i - (len(heights) - 1) / 2) * width
        position: Floats = np.arange(len(labels), dtype=np.float64) + shift
        hatch = HATCHES[i // len(COLORS) % len(HATCHES)]
        draw = ax.barh if horizontal else ax.bar
        draw(position, height, 0.92 * width, label=name, color=COLORS[i % len(COLORS)], hatch=hatch)
        spread = spreads.get(name, np.zeros(len(labels)))
        if name in spreads:
            look: dict[str, Any] = {"fmt": "none", "ecolor": INK, "elinewidth": 1.5, "capsize": 3}
            if horizontal:
                ax.errorbar(height, position, xerr=spread, **look)
            else:
                ax.errorbar(position, height, yerr=spread, **look)
        if value_format is not None:
            tops = [format(value, value_format) if math.isfinite(value) else "" for value in height]
            reach = np.where(height < 0, -1.0, 1.0) * np.nan_to_num(spread)
            _write_at_ends(ax, position, height + reach, tops, horizontal, height < 0)
    _name_axes(ax, labels, ylabel, horizontal)
    if len(heights) > 1:
        legend(ax, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return ax


def _name_axes(ax: Axes, labels: Sequence[str], measure: str, horizontal: bool) -> None:
    if horizontal:
        ax.set_yticks(np.arange(len(labels)), labels)
        ax.invert_yaxis()
        ax.set_xlabel(measure)
        ax.margins(x=0.08)
        grid(ax, axis="x")
    else:
        # Labels that do not fit beside each other are turned, their ends under the bars.
        room = ax.get_figure(root=False).get_figwidth() / max(len(labels), 1)  # type: ignore[union-attr]
        turned = max(map(len, map(str, labels))) * _LETTER > room
        look: dict[str, Any] = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"}
        ax.set_xticks(np.arange(len(labels)), labels, **(look if turned else {}))
        ax.set_ylabel(measure)
        ax.margins(y=0.08)
        grid(ax, axis="y")


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


def _write_at_ends(
    ax: Axes,
    positions: Floats,
    ends: Floats,
    texts: Sequence[str],
    horizontal: bool,
    negative: Bools,
) -> None:
    for position, end, text, turned in zip(positions, ends, texts, negative, strict=True):
        if text:
            away = -3 if turned else 3
            side, top = ("right", "top") if turned else ("left", "bottom")
            ax.annotate(
                text,
                (end, position) if horizontal else (position, end),
                xytext=(away, 0) if horizontal else (0, away),
                textcoords="offset points",
                ha=side if horizontal else "center",
                va="center" if horizontal else top,
                fontsize="x-small",
                color=ax.yaxis.label.get_color(),
            )
