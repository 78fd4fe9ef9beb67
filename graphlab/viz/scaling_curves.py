"""Cost against size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from graphlab._checks import check_mapping
from graphlab.viz._style import MARKERS, grid, legend, line_style, new_axes
from graphlab.viz._values import Floats, positive, vector

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["scaling_curves"]


def scaling_curves(
    x: Sequence[float],
    series: Mapping[str, Sequence[float]],
    ax: Axes | None = None,
    xlabel: str = "nodes",
    ylabel: str = "seconds",
) -> Axes:
    """Draw cost against size on logarithmic axes, with the slope of each curve in the legend.

    The slope is that of the least-squares line through the logarithms: 1 is linear, 2 quadratic.

    Args:
        x (sequence of float): Sizes, positive.
        series (dict): Name to costs, positive, one per size; NaN marks a size that was not
            measured.
        ax (Axes, optional): Axes to draw on; a new figure if ``None``.
        xlabel (str): What the size counts.
        ylabel (str): What the cost is, with its unit.

    Returns:
        Axes: The axes drawn on.

    Raises:
        ValueError: If a value is not positive, a series has another length than ``x``, or there
            is none.
        ImportError: If matplotlib is missing.
    """
    sizes = positive(vector(x, "x"), "x")
    if np.isnan(sizes).any():  # a gap has a place, and no cost
        raise ValueError("x must be finite, got NaN")
    if not check_mapping(series, "series"):
        raise ValueError("series must hold at least one curve, got none")
    curves = {}
    for name, values in series.items():
        costs = positive(vector(values, f"series[{name!r}]"), f"series[{name!r}]")
        if costs.size != sizes.size:
            raise ValueError(f"series[{name!r}] must have {sizes.size} values, got {costs.size}")
        curves[name] = costs
    ax = new_axes(ax, (5.2, 3.8))
    for i, (name, costs) in enumerate(curves.items()):
        ax.loglog(
            sizes,
            costs,
            label=f"{name}{_slope_text(sizes, costs)}",
            marker=MARKERS[i % len(MARKERS)],
            markersize=5,
            **line_style(i),
        )
    ax.set(xlabel=xlabel, ylabel=ylabel)
    grid(ax)
    legend(ax)
    return ax


def _slope_text(sizes: Floats, costs: Floats) -> str:
    known = np.isfinite(costs)
    if np.unique(sizes[known]).size < 2:
        return ""
    slope = np.polyfit(np.log(sizes[known]), np.log(costs[known]), 1)[0]
    return f" (slope {slope:.2f})"
