"""Pictures that several scripts draw."""

from __future__ import annotations

from experiments._harness.context import Context
from experiments._harness.results import Rows
from graphlab import viz


def accuracy_bars(context: Context, rows: Rows) -> None:
    """Test accuracies of all rows."""
    accuracy = {"accuracy": [row["accuracy"] for row in rows.values()]}
    axes = viz.bars(
        list(rows), accuracy, ylabel="test accuracy", value_format=".2f", horizontal=True
    )
    context.figure("accuracy", axes)
