"""Tables with a row per node, its text, its class and its neighbours, as CS-TAG has them."""

from __future__ import annotations

from pathlib import Path

import torch

from graphlab.datasets.text_graphs._published import Content
from graphlab.datasets.text_graphs._tables import column, numbers_in, records

__all__: list[str] = []

_TEXT = ("raw_text", "text")
_NEIGHBORS = ("neighbor_ids", "neighbour", "neighbor")


def read_neighbor_table(path: Path) -> Content:
    """Texts, classes and edges of one table.

    Raises:
        ValueError: If rows are not numbered in order, a class has two names, or a column lacks.
    """
    texts: list[str] = []
    labels: list[int] = []
    names: dict[int, str] = {}
    pairs: list[tuple[int, int]] = []
    for i, row in enumerate(records(path)):
        if int(column(row, ("node_id",), path)) != i:
            raise ValueError(f"{path} must list the nodes in order, row {i} is {row['node_id']}")
        texts.append(column(row, _TEXT, path).strip())
        labels.append(int(column(row, ("label",), path)))
        name = column(row, ("category",), path).strip()
        if names.setdefault(labels[-1], name) != name:
            raise ValueError(f"{path} names class {labels[-1]} {names[labels[-1]]!r} and {name!r}")
        pairs += [(i, j) for j in numbers_in(column(row, _NEIGHBORS, path))]
    if sorted(names) != list(range(len(names))):
        raise ValueError(f"{path} must number its classes from 0, got {sorted(names)!s:.400}")
    return Content(
        texts,
        [str(i) for i in range(len(texts))],
        torch.tensor(pairs, dtype=torch.int64, device="cpu").view(-1, 2).t().contiguous(),
        torch.tensor(labels, dtype=torch.int64, device="cpu"),
        [names[i] for i in range(len(names))],
    )
