"""Pictures that several scripts draw."""

from __future__ import annotations

from experiments._context import Context
from experiments._results import Rows
from graphlab import viz


def accuracy_bars(context: Context, rows: Rows) -> None:
    """Test accuracies of all rows."""
    axes = viz.bars(list(rows), {"accuracy": [row["accuracy"] for row in rows.values()]})
    axes.tick_params(axis="x", labelrotation=90)
    context.figure("accuracy", axes)
