"""Edges out of a table that names their ends."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import repeat
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphlab._progress import Progress
from graphlab._sorted import distinct
from graphlab.tag.text_graph._columns import SOURCES, TARGETS, blank, find, words
from graphlab.tag.text_graph._sources.source import Source, where

__all__: list[str] = []

_LISTED = 10  # rows in an error

Ints = NDArray[np.int64]
Ends = tuple[str | None, str | None, str | None]


def read_edges(source: Source, ids: list[str], ends: Ends, undirected: bool) -> dict[str, Any]:
    """Edges between the nodes with these ids, and their texts.

    Raises:
        ValueError: If a column is missing, an edge names an unknown node, or one that is kept lacks
            its text.
    """
    if not source.columns:  # an empty file
        return {"edge_index": torch.empty(2, 0, dtype=torch.long, device="cpu")}
    columns = _end_columns(source, ends)
    text_column = None if ends[2] is None else find(source, ends[2], ())
    wanted = list(dict.fromkeys(c for c in (*columns, text_column) if c is not None))
    position = {name: i for i, name in enumerate(ids)}
    found: list[list[Ints]] = [[], []]
    texts: list[str | None] = []
    done = 0
    with Progress(None, "read edges", unit="edges") as progress:
        for part in source.parts(wanted):
            values = dict(zip(wanted, part, strict=True))
            for side, column in enumerate(columns):
                found[side].append(_numbers(values[column], source, column, done, position))
            if text_column is not None:
                texts += words(values[text_column], source, text_column, done)
            done += len(part[0])
            progress.update(len(part[0]))
    pairs = np.stack([np.concatenate([*parts, np.zeros(0, np.int64)]) for parts in found])
    if text_column is None:
        return {"edge_index": arrange(pairs, len(ids), undirected)}
    edge_index, rows = arrange_texts(pairs, texts, undirected)
    kept = rows.tolist()
    lacking = sorted({kept[i] for i in blank(texts[row] for row in kept)})
    if lacking:
        raise ValueError(
            f"{source.name} has edges without text (column {text_column!r:.80}), in "
            f"{where(source, lacking[:_LISTED])}: give them one, or leave them out"
        )
    return {"edge_index": edge_index, "edge_text": [texts[row] for row in kept]}


def _end_columns(source: Source, ends: Ends) -> list[str]:
    source_column, target_column = find(source, ends[0], SOURCES), find(source, ends[1], TARGETS)
    if source_column is None or target_column is None:
        raise ValueError(
            f"{source.name} needs columns for both ends of an edge, it has "
            f"{source.columns!s:.400}; "
            "source_column=... and target_column=... name them"
        )
    if source_column == target_column:
        raise ValueError(
            f"source_column and target_column must differ, got {source_column!r:.80} twice"
        )
    return [source_column, target_column]


def _numbers(
    values: Sequence[Any], source: Source, column: str, done: int, position: dict[str, int]
) -> Ints:
    """Numbers of the nodes that one end of some edges names."""
    names = words(values, source, column, done)
    found = map(position.get, cast("Sequence[str]", names), repeat(-1))
    numbers = np.fromiter(found, np.int64, len(names))
    if numbers.size and numbers.min() < 0:
        at = int(np.flatnonzero(numbers < 0)[0])
        _refuse(source, column, done + at, names[at], position)
    return numbers


def _refuse(
    source: Source, column: str, row: int, name: str | None, position: dict[str, int]
) -> None:
    place = f"{source.name}, {where(source, [row])}"
    if name is None or not name.strip():
        raise ValueError(f"{place} lacks the node in column {column!r:.80}")
    hint = ""
    if name.strip() in position:
        hint = f": there is {name.strip()!r:.80}, without spaces"
    elif re.fullmatch(r"-?\d+\.0+", name) and name.partition(".")[0] in position:
        hint = f": there is {name.partition('.')[0]!r:.80}; write whole numbers without a fraction"
    elif name.lstrip("0") in position:
        hint = f": there is {name.lstrip('0')!r:.80}, without zeros in front"
    examples = ", ".join(f"{known!r:.80}" for known in list(position)[:3])
    raise ValueError(
        f"{place} names the unknown node {name!r:.80} in column {column!r:.80}{hint} "
        f"(nodes are {examples} and so on)"
    )


def arrange(pairs: Ints, count: int, undirected: bool) -> Tensor:
    """Edges in their final order.

    Args:
        pairs (ndarray): ``(2, E)`` ends by row.
        count (int): Number of nodes.
        undirected (bool): Whether both directions are kept once, sorted, without loops.
    """
    if not undirected:
        return torch.from_numpy(pairs)
    low, high = pairs.min(axis=0), pairs.max(axis=0)
    proper = low != high
    key = distinct(low[proper] * count + high[proper])
    low, high = key // max(count, 1), key % max(count, 1)
    both = np.sort(np.concatenate([key, high * count + low]))
    return torch.from_numpy(np.stack([both // max(count, 1), both % max(count, 1)]))


def arrange_texts(
    pairs: Ints, texts: Sequence[str | None], undirected: bool
) -> tuple[Tensor, Ints]:
    """Edges in their final order, and the row that the text of each of them comes from.

    Two nodes may have several edges that say different things, as those of a multigraph do: edges
    repeat only where ends, in any direction, and text are equal. The first row of these counts.

    Args:
        pairs (ndarray): ``(2, E)`` ends by row.
        texts (Sequence): E texts, None where there is none.
        undirected (bool): Whether both directions of every edge are kept once, sorted by ends and
            then by rows, without loops.
    """
    if not undirected:
        return torch.from_numpy(pairs), np.arange(pairs.shape[1])
    number = {text: i for i, text in enumerate(dict.fromkeys(texts))}
    kind = np.fromiter(map(number.__getitem__, texts), np.int64, len(texts))
    low, high = pairs.min(axis=0), pairs.max(axis=0)
    proper = np.flatnonzero(low != high)
    first = proper[_first_of_each(low[proper], high[proper], kind[proper])]
    rows = np.concatenate([first, first])
    heads = np.concatenate([low[first], high[first]])
    tails = np.concatenate([high[first], low[first]])
    order = np.lexsort((rows, tails, heads))
    return torch.from_numpy(np.stack([heads[order], tails[order]])), rows[order]


def _first_of_each(low: Ints, high: Ints, kind: Ints) -> Ints:
    """Where every triple of numbers stands first."""
    order = np.lexsort((kind, high, low))  # stable: equal ones stay in the order of their rows
    new = np.ones(order.size, bool)
    new[1:] = False
    for values in (low[order], high[order], kind[order]):
        new[1:] |= values[1:] != values[:-1]
    found: Ints = order[new]
    return found
