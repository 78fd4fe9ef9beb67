"""Distribution of certified node compactness, method beside method."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from graphlab._checks import check_int, check_mapping
from graphlab.viz._style import INK, grid, legend, line_style, new_axes
from graphlab.viz._values import vector

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["compactness_distribution"]


def compactness_distribution(
    bounds: Mapping[str, Any], ax: Axes | None = None, *, num_bins: int = 24
) -> Axes:
    """Draw the distribution of certified lower bounds of node compactness.

    Right of the line at zero a node is certified: no change within the budget makes its embedding
    look more like the average other node than like itself. The legend says how large that share is.

    Args:
        bounds (dict): Name of a method to its bounds, ``(N,)``, finite; N may differ.
        ax (Axes, optional): Axes to draw on; a new figure if ``None``.
        num_bins (int): Bins of equal width, the same for all methods. They span the middle 98 % of
            all values; the rest is counted in the outermost ones.

    Returns:
        Axes: The axes drawn on.

    Raises:
        ValueError: If there is nothing to draw, or a value is not finite.
        ImportError: If matplotlib is missing.

    Example:
        >>> ax = compactness_distribution({"GRACE": [-0.2, 0.1, 0.3], "GRACE + POT": [0.1, 0.2]})
        >>> [text.get_text() for text in ax.get_legend().get_texts()]
        ['GRACE (67 % certified)', 'GRACE + POT (100 % certified)']
    """
    named = check_mapping(bounds, "bounds")
    values = {name: vector(given, f"bounds[{name!r}]") for name, given in named.items()}
    if not values:
        raise ValueError("bounds must hold at least one method, got none")
    for name, bound in values.items():
        if not np.isfinite(bound).all():
            raise ValueError(f"bounds[{name!r}] must be finite, got NaN or inf")
    count = check_int(num_bins, "num_bins", minimum=1)
    low, high = np.quantile(np.concatenate(list(values.values())), [0.01, 0.99])
    edges = np.linspace(low, high if high > low else low + 1e-9, count + 1)
    ax = new_axes(ax, (5.6, 3.6))
    for i, (name, bound) in enumerate(values.items()):
        height, _ = np.histogram(bound.clip(edges[0], edges[-1]), edges)
        share = 100 * float((bound > 0).mean())
        label = f"{name} ({share:.0f} % certified)"
        ax.stairs(height / bound.size, edges, label=label, **line_style(i))
    ax.axvline(0.0, color=INK, linewidth=1.0)
    ax.set(xlabel="certified compactness (lower bound)", ylabel="share of nodes")
    grid(ax, axis="y")
    legend(ax)
    return ax
