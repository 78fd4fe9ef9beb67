"""Tables of texts, and words out of them, as the published files have them."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from graphlab._text_file import csv_rows, open_text

__all__: list[str] = []

_PART = 512  # rows that are read at a time


def records(path: Path, sep: str = ",") -> Iterator[dict[str, str]]:
    """Rows of a table with a header, by column.

    Raises:
        ValueError: If a row is ragged; the message names it.
    """
    with open_text(path) as file:
        reader = csv.reader(file, delimiter=sep)
        header = next(reader, [])
        while rows := csv_rows(reader, _PART):
            for row in rows:
                if len(row) != len(header):
                    raise ValueError(
                        f"{path}, line {reader.line_num} or above: a row has {len(row)} fields, "
                        f"the header {len(header)}"
                    )
                yield dict(zip(header, row, strict=True))


def column(row: dict[str, str], names: Sequence[str], path: Path) -> str:
    """The value of the first of some columns that is there.

    Raises:
        ValueError: If there is none.
    """
    for name in names:
        if name in row:
            return row[name]
    raise ValueError(f"{path} must have one of the columns {list(names)}, it has {list(row)}")


def whole_numbers(path: Path) -> Tensor:
    """Numbers of a file without a header, ``(rows, columns)`` int64.

    Raises:
        ValueError: If there is anything else.
    """
    with open_text(path) as file:
        rows = [line.strip().split(",") for line in file if line.strip()]
    try:
        numbers = [[int(word) for word in row] for row in rows]
        return torch.tensor(numbers, dtype=torch.int64, device="cpu")
    except ValueError as error:
        raise ValueError(f"{path} must hold rows of whole numbers: {error}") from error


def joined(title: str, rest: str) -> str:
    """A title and a text, as :meth:`graphlab.tag.TextGraph.from_csv` joins them."""
    return "\n\n".join(part for part in (title.strip(), rest.strip()) if part)


def numbers_in(words: str) -> list[int]:
    """Numbers of a list as Python writes it, ``[7, 12]``."""
    return [int(word) for word in re.findall(r"\d+", words)]


def mask_of(nodes: Tensor, count: int, path: Path) -> Tensor:
    """Mask of numbered nodes.

    Raises:
        ValueError: If a number is no node.
    """
    if nodes.numel() and not 0 <= int(nodes.min()) <= int(nodes.max()) < count:
        raise ValueError(f"{path} must hold nodes below {count}, got {int(nodes.max())}")
    mask = torch.zeros(count, dtype=torch.bool, device="cpu")
    mask[nodes.view(-1)] = True
    return mask
