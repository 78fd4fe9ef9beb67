"""Ranked predictions: the classes that a language model named for every node, best first."""

from __future__ import annotations

import csv
import gzip
import io
import numbers
import os
import weakref
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphlab._checks import check_int
from graphlab._io import atomic_write, user_path
from graphlab._text_file import read_text

__all__ = ["read_ranked_predictions", "write_ranked_predictions"]

ClassLists = Iterable[Sequence[int]]

#: What was read here, as long as it lives: its ids plus one are ids from 0 to all appearances.
_READ: weakref.WeakValueDictionary[int, Tensor] = weakref.WeakValueDictionary()

_SHOWN = 80  # characters of an offending field in an error
_MOST_DIGITS = 40  # of a class id, leading zeros included


def read_ranked_predictions(
    path_or_rows: str | os.PathLike[str] | ClassLists | Tensor,
    num_nodes: int,
    num_classes: int,
    k: int,
    unique: bool = False,
) -> Tensor:
    """Read ranked class lists into the form that :class:`RankedPredictionEncoder` takes.

    A file is CSV without header; row i belongs to node i and holds class ids from 0, best first. An
    empty line means that nothing was predicted for its node, so the file must not go through a
    reader that drops empty lines: the rows behind would move to other nodes.

    The published files repeat classes within a row (two thirds of the rows of ogbn-products do).
    ``unique=False`` keeps them, as the authors do; ``unique=True`` drops repeats before the row is
    cut, which is better for new answers.

    Args:
        path_or_rows (path, Tensor or list): CSV file (``.gz`` too), or a list of class ids per
            node. Ids count from 0, in a tensor too: nothing pads its rows. What this function
            returned, class ids plus one, is read already; it is refused, but a copy of it or what
            a file brought of it looks like ids from 0, and would be moved by one class again.
        num_nodes (int): N, the number of rows expected.
        num_classes (int): C; ids lie in ``[0, C)``.
        k (int): Columns of the result; longer rows are cut.
        unique (bool): Count a class only once in a row.

    Returns:
        Tensor: int64 ``(N, k)``, class id plus one; 0 pads short rows on the right.

    Raises:
        ValueError: If the number of rows differs from N, an id is no whole number or outside
            ``[0, C)``, k < 1, or the tensor was returned by this function. The message names the
            row.
        FileNotFoundError: If there is no such file.

    Complexity: O(entries).

    Example:
        >>> read_ranked_predictions([[2, 0, 0], []], num_nodes=2, num_classes=3, k=2)
        tensor([[3, 1],
                [0, 0]])
    """
    count = check_int(num_nodes, "num_nodes", minimum=0)
    classes = check_int(num_classes, "num_classes", minimum=1)
    width = check_int(k, "k", minimum=1)
    if isinstance(path_or_rows, Tensor):
        _refuse_read(path_or_rows)
    if isinstance(path_or_rows, (str, bytes, os.PathLike)):
        rows, source = _read_csv(user_path(path_or_rows, "path_or_rows")), str(path_or_rows)
    else:
        rows, source = _listed(path_or_rows, "path_or_rows"), "path_or_rows"
    if len(rows) != count:
        raise ValueError(
            f"{source} must have {count} rows, one per node, got {len(rows)}; "
            "an empty line counts as a row"
        )
    result = np.zeros((count, width), np.int64)
    for node, row in enumerate(rows):
        ids = [_class_id(value, classes, source, node) + 1 for value in row]
        ids = (list(dict.fromkeys(ids)) if unique else ids)[:width]
        result[node, : len(ids)] = ids
    ranked = torch.from_numpy(result)
    _READ[id(ranked)] = ranked
    return ranked


def _refuse_read(ranked: Tensor) -> None:
    """Refuse a tensor that was read here, unless it was changed in place since."""
    if _READ.get(id(ranked)) is ranked and (ranked.is_inference() or not ranked._version):
        raise ValueError(
            "path_or_rows must hold class ids from 0, got a tensor that read_ranked_predictions "
            "returned: it holds class ids plus one and is to be used as it is"
        )


def write_ranked_predictions(path: str | os.PathLike[str], ranked: Tensor | ClassLists) -> None:
    """Write ranked class lists as :func:`read_ranked_predictions` reads them, atomically.

    Args:
        path (path): File to write; a name that ends in ``.gz`` is compressed.
        ranked (Tensor or list): int64 ``(N, k)`` of class ids plus one, padded with 0 on the right
            (what :func:`read_ranked_predictions` returns), or a list of class ids from 0 per node.

    Raises:
        TypeError, ValueError: If the tensor is malformed, has a gap in a row, or an id is no whole
            number or negative.
    """
    rows = _decoded(ranked) if isinstance(ranked, Tensor) else _listed(ranked, "ranked")
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    for node, row in enumerate(rows):
        writer.writerow([_class_id(value, None, "ranked", node) for value in row])
    content = text.getvalue().encode("ascii")
    if str(path).endswith(".gz"):
        content = gzip.compress(content, mtime=0)  # equal rows give equal bytes
    atomic_write(path, content)


def _read_csv(path: Path) -> list[list[str]]:
    try:
        text = read_text(path)
    except ValueError as error:
        if not isinstance(error.__cause__, UnicodeDecodeError):
            raise
        raise ValueError(f"{path} is not a UTF-8 CSV file: {error.__cause__}") from error
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise ValueError(f"{path} is not a UTF-8 CSV file: {error}") from error
    # A line of blanks is an empty line to a reader of text and one empty field to csv.
    return [[] if len(row) == 1 and not row[0].strip() else row for row in rows]


def _listed(rows: Any, name: str) -> list[Any]:
    if isinstance(rows, Tensor):
        if rows.dim() != 2:
            raise ValueError(f"{name} must be 2-D (nodes, ranks), got shape {tuple(rows.shape)}")
        return list(rows.tolist())
    if not hasattr(rows, "__iter__"):
        raise TypeError(f"{name} must be a path or a list of class ids per node, got {rows!r:.80}")
    listed = list(rows)
    for node, row in enumerate(listed):
        if isinstance(row, (str, bytes)) or not hasattr(row, "__iter__"):
            raise TypeError(f"{name}[{node}] must be a list of class ids, got {row!r}")
    return listed


def _class_id(value: Any, num_classes: int | None, source: str, node: int) -> int:
    number = value.strip() if isinstance(value, str) else value
    if isinstance(number, str):
        digits = number[1:] if number[:1] == "-" else number
        plain = digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS
        number = int(number) if plain else number
    if isinstance(number, bool) or not isinstance(number, numbers.Integral):
        raise ValueError(
            f"{source}, row {node} must hold class ids, whole numbers from 0, "
            f"got {str(value)[:_SHOWN]!r}"
        )
    label = int(number)
    if label < 0 or (num_classes is not None and label >= num_classes):
        span = "at least 0" if num_classes is None else f"in [0, {num_classes})"
        raise ValueError(f"{source}, row {node} must hold class ids {span}, got {label}")
    return label


def _decoded(ranked: Tensor) -> list[list[int]]:
    if ranked.dtype != torch.int64 or ranked.dim() != 2:
        raise TypeError(
            f"ranked must be int64 of shape (N, k), got {ranked.dtype} {tuple(ranked.shape)}"
        )
    node = first_gap(ranked)
    if node is not None:
        raise ValueError(
            f"ranked[{node}] has a class behind a padding 0: {ranked[node].tolist()!r:.80}"
        )
    return [[value - 1 for value in row if value != 0] for row in ranked.tolist()]


def first_gap(ranked: Tensor) -> int | None:
    """First row of ids plus one ``(N, k)`` with an id behind a padding 0; None where none has."""
    gap = ((ranked[:, :-1] == 0) & (ranked[:, 1:] != 0)).any(1).nonzero()
    return int(gap[0]) if gap.numel() else None
