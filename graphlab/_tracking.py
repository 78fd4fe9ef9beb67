"""Trackers of experiments as trainings call them: TensorBoard's writer, a run of W&B."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__: list[str] = []


def row_writer(writer: Any, step: str = "epoch") -> Callable[[dict[str, Any]], None]:
    """What a training calls with every row.

    Args:
        writer (object, optional): Has ``add_scalar(name, value, step)``, as TensorBoard's
            ``SummaryWriter``, or ``log(row)``, as a run of W&B; None writes nothing.
        step (str): Name of the entry that counts.

    Returns:
        Callable: Takes a row.

    Raises:
        TypeError: If the writer has neither.
    """
    if writer is None:
        return lambda row: None
    if callable(getattr(writer, "add_scalar", None)):

        def add(row: dict[str, Any]) -> None:
            for name, value in row.items():
                if name != step:
                    writer.add_scalar(name, value, int(row[step]))

        return add
    if callable(getattr(writer, "log", None)):
        return lambda row: writer.log(dict(row))
    raise TypeError(
        "writer must have add_scalar (TensorBoard's SummaryWriter) or log (a run of W&B), got "
        f"{type(writer).__name__}"
    )
