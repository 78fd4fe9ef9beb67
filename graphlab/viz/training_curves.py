"""Quantities of a run, step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from graphlab.viz._style import grid, legend, line_style, new_axes
from graphlab.viz._values import vector

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["training_curves"]


def training_curves(
    history: Mapping[str, Sequence[float]] | Sequence[Mapping[str, Any]],
    ax: Axes | None = None,
    xlabel: str = "epoch",
) -> Axes:
    """Draw one curve per entry, against its position.

    Args:
        history (dict or list of dict): Name of a quantity to its values, one per step; NaN leaves
            a gap, lengths may differ. Or the ``history_`` of an estimator, a list of rows: every
            number (of numpy and torch, too) but ``"epoch"`` and ``"step"`` is a curve, with gaps
            where rows lack it.
        ax (Axes, optional): Axes to draw on; a new figure if ``None``.
        xlabel (str): What a step is.

    Returns:
        Axes: The axes drawn on.

    Raises:
        TypeError: If ``history`` is neither, such as a list of numbers or a table.
        ValueError: If ``history`` or one of its entries is empty, or an entry is not 1-D.
        ImportError: If matplotlib is missing.
    """
    columns = history if isinstance(history, Mapping) else _columns(history)
    curves = {name: vector(values, f"history[{name!r}]") for name, values in columns.items()}
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


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
    """Numbers of rows by name; NaN where a row has none."""
    for at, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise TypeError(
                "history must be a mapping of names to values, or a list of such rows, "
                f"but history[{at}] is {row!r:.80}"
            )
    names = {name: None for row in rows for name, value in row.items() if _is_number(value)}
    nothing = float("nan")
    return {
        name: [float(row[name]) if _is_number(row.get(name)) else nothing for row in rows]
        for name in names
        if name not in ("epoch", "step")
    }


def _is_number(value: Any) -> bool:
    single = isinstance(value, Tensor) and value.dim() == 0 and not value.is_complex()
    return isinstance(value, Real) or single
