"""Cells of tables: numbers stand right and in one line, bars are small and coloured."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from docutils import nodes

_NUMBER = re.compile(
    r"\d{4}-\d\d-\d\d|"  # a date
    r"[-+]?\d[\d.,]*(e[-+]?\d+)?( ± [\d.,]+)?( ?(x|%|s|ms|µs|[kMG]B))?"
)
_BAR = re.compile("█+")
# Where a line must not end: around the sign of a spread, and before a unit.
_TIED = re.compile(r"(?<=\d) (?=±|%|(?:s|ms|µs|[kMG]B)(?![a-z]))|(?<=±) ")


def kind(texts: Sequence[str]) -> str | None:
    """What a column holds: ``"number"``, ``"bar"``, or None for words.

    Args:
        texts (Sequence[str]): Its cells; empty ones do not count.
    """
    shown = [text for text in texts if text]
    for name, pattern in (("number", _NUMBER), ("bar", _BAR)):
        if shown and all(pattern.fullmatch(text) for text in shown):
            return name
    return None


def tied(text: str) -> str:
    """Put spaces that do not break where a number belongs to its spread or its unit."""
    return _TIED.sub("\u00a0", text)


def set_cells(app: Any, doctree: nodes.document) -> None:
    """Mark the cells of every table for the style sheet."""
    for group in doctree.findall(nodes.tgroup):
        head = [row for part in group.findall(nodes.thead) for row in part.children]
        body = [row for part in group.findall(nodes.tbody) for row in part.children]
        for column in zip(*(row.children for row in body), strict=False):
            name = kind([cell.astext() for cell in column])
            place = column[0].parent.index(column[0])
            titles = [row.children[place] for row in head if place < len(row.children)]
            for cell in (*titles, *column):
                if name:
                    cell["classes"].append(name)
        for text in [text for row in body for text in row.findall(nodes.Text)]:
            text.parent.replace(text, nodes.Text(tied(str(text))))


def setup(app: Any) -> dict[str, bool]:
    """Register the hook."""
    app.connect("doctree-read", set_cells)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
