"""Quantities of a run, step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from graphlab.viz._style import grid, legend, line_style, new_axes
from graphlab.viz._values import vector

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["training_curves"]


def training_curves(
    history: Mapping[str, Sequence[float]], ax: Axes | None = None, xlabel: str = "epoch"
) -> Axes:
    """Draw one curve per entry, against its position.

    Args:
        history (dict): Name of a quantity to its values, one per step; NaN leaves a gap. Lengths
            may differ.
        ax (Axes, optional): Axes to draw on; a new figure if ``None``.
        xlabel (str): What a step is.

    Returns:
        Axes: The axes drawn on.

    Raises:
        ValueError: If ``history`` or one of its entries is empty, or an entry is not 1-D.
        ImportError: If matplotlib is missing.
    """
    curves = {name: vector(values, f"history[{name!r}]") for name, values in history.items()}
    if not curves:
        raise ValueError("history must hold at least one curve, got none")
    ax = new_axes(ax, (5.2, 3.4))
    for i, (name, values) in enumerate(curves.items()):
        marker = "o" if values.size == 1 else None
        ax.plot(np.arange(values.size), values, label=name, marker=marker, **line_style(i))
    ax.set_xlabel(xlabel)
    ax.locator_params(axis="x", integer=True)
    grid(ax)
    legend(ax)
    return ax
