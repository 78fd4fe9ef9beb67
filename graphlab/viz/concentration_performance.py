"""Performance on nodes against a property of theirs, such as topological concentration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from graphlab._checks import check_int, check_mapping
from graphlab.viz._style import MARKERS, grid, legend, line_style, new_axes
from graphlab.viz._values import Floats, vector

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["concentration_performance"]


def concentration_performance(
    concentration: Any,
    performance: Mapping[str, Any],
    ax: Axes | None = None,
    *,
    num_bins: int = 5,
    xlabel: str = "topological concentration",
    ylabel: str = "mean recall",
) -> Axes:
    """Draw the mean performance of nodes by bins of their concentration.

    Bins hold about equally many nodes; nodes of equal concentration share a bin, so there may be
    fewer: those of the lowest value have one of their own if they would fill it. Whiskers are one
    standard error. The legend has Pearson's correlation over nodes, not over bins: means of bins
    always look smoother than their nodes are.

    Args:
        concentration (Tensor or array): Value of every node, ``(N,)``; or any other property, say
            its degree.
        performance (dict): Name of a method to its per-node metric, ``(N,)``; NaN where a node has
            none.
        ax (Axes, optional): Axes to draw on; a new figure if ``None``.
        num_bins (int): Most bins.
        xlabel (str): What the property is.
        ylabel (str): What the metric is.

    Returns:
        Axes: The axes drawn on.

    Raises:
        ValueError: If lengths differ, there is no method, the property is not finite, or a method
            has no value at all.
        ImportError: If matplotlib is missing.

    Example:
        >>> ax = concentration_performance([0.0, 0.0, 1.0, 1.0], {"GCN": [0.1, 0.3, 0.5, 0.7]})
        >>> [line.get_ydata().round(2).tolist() for line in ax.lines[:1]]
        [[0.2, 0.6]]
    """
    x = vector(concentration, "concentration")
    if not np.isfinite(x).all():
        raise ValueError("concentration must be finite, got NaN or inf")
    if not check_mapping(performance, "performance"):
        raise ValueError("performance must hold at least one method, got none")
    metrics = {name: _metric(values, name, x.size) for name, values in performance.items()}
    count = check_int(num_bins, "num_bins", minimum=1)
    ax = new_axes(ax, (5.4, 3.6))
    for i, (name, y) in enumerate(metrics.items()):
        known = np.isfinite(y)
        center, mean, error = _binned(x[known], y[known], count)
        ax.errorbar(
            center,
            mean,
            error,
            label=f"{name}{_correlation_text(x[known], y[known])}",
            marker=MARKERS[i % len(MARKERS)],
            markersize=5,
            capsize=3,
            elinewidth=1.0,
            **line_style(i),
        )
    ax.set(xlabel=xlabel, ylabel=ylabel)
    grid(ax)
    legend(ax)
    return ax


def _metric(values: Any, name: str, length: int) -> Floats:
    y = vector(values, f"performance[{name!r}]")
    if y.size != length:
        raise ValueError(f"performance[{name!r}] must have {length} values, got {y.size}")
    if not np.isfinite(y).any():
        raise ValueError(f"performance[{name!r}] must have a finite value, got none")
    return y


def _binned(x: Floats, y: Floats, count: int) -> tuple[Floats, Floats, Floats]:
    """Mean property, mean metric and its standard error in every bin that has nodes."""
    inner = np.quantile(x, np.linspace(0, 1, count + 1)[1:-1])
    # No node lies below the lowest value: a border there would join it with the values above.
    above = x[x > x.min()]
    inner = np.unique(np.where(inner > x.min(), inner, above.min(initial=np.inf)))
    number = np.searchsorted(inner, x, side="right")
    groups = [number == b for b in np.unique(number)]
    center = np.array([x[group].mean() for group in groups])
    mean = np.array([y[group].mean() for group in groups])
    error = [y[g].std(ddof=1) / np.sqrt(g.sum()) if g.sum() > 1 else 0.0 for g in groups]
    return center, mean, np.array(error)


def _correlation_text(x: Floats, y: Floats) -> str:
    if x.size < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return ""
    return f" (r = {np.corrcoef(x, y)[0, 1]:+.2f})"
