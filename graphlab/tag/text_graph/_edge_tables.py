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
from graphlab.tag.text_graph._columns import SOURCES, TARGETS, find, words
from graphlab.tag.text_graph._sources.source import Source, where

__all__: list[str] = []

Ints = NDArray[np.int64]
Ends = tuple[str | None, str | None, str | None]


def read_edges(source: Source, ids: list[str], ends: Ends, undirected: bool) -> dict[str, Any]:
    """Edges between the nodes with these ids, and their texts.

    Raises:
        ValueError: If a column is missing, or an edge names an unknown node.
    """
    if not source.columns:  # an empty file
        return {"edge_index": torch.empty(2, 0, dtype=torch.long, device="cpu")}
    columns = [find(source, ends[0], SOURCES), find(source, ends[1], TARGETS)]
    if None in columns:
        raise ValueError(
            f"{source.name} needs columns for both ends of an edge, it has "
            f"{source.columns!s:.400}; "
            "source_column=... and target_column=... name them"
        )
    if columns[0] == columns[1]:
        raise ValueError(
            f"source_column and target_column must differ, got {columns[0]!r:.80} twice"
        )
    text_column = None if ends[2] is None else find(source, ends[2], ())
    wanted = [column for column in (*columns, text_column) if column is not None]
    position = {name: i for i, name in enumerate(ids)}
    found: list[list[Ints]] = [[], []]
    texts: list[str] = []
    done = 0
    with Progress(None, "read edges", unit="edges") as progress:
        for part in source.parts(list(dict.fromkeys(wanted))):
            values = dict(zip(dict.fromkeys(wanted), part, strict=True))
            for side in (0, 1):
                column = wanted[side]
                names = words(values[column], source, column, done)
                found_at = map(position.get, cast("Sequence[str]", names), repeat(-1))
                numbers = np.fromiter(found_at, np.int64, len(names))
                if numbers.size and numbers.min() < 0:
                    at = int(np.flatnonzero(numbers < 0)[0])
                    _refuse(source, column, done + at, names[at], position)
                found[side].append(numbers)
            if text_column is not None:
                texts += [str(text) for text in values[text_column]]
            done += len(part[0])
            progress.update(len(part[0]))
    pairs = np.stack([np.concatenate([*parts, np.zeros(0, np.int64)]) for parts in found])
    edge_index, rows = arrange(pairs, len(ids), undirected, origin=text_column is not None)
    result: dict[str, Any] = {"edge_index": edge_index}
    if text_column is not None:
        result["edge_text"] = [texts[i] for i in rows.tolist()]
    return result


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


def arrange(pairs: Ints, count: int, undirected: bool, *, origin: bool) -> tuple[Tensor, Ints]:
    """Edges in their final order, and the row that each of them comes from.

    Args:
        pairs (ndarray): ``(2, E)`` ends by row.
        count (int): Number of nodes.
        undirected (bool): Whether both directions are kept once, sorted, without loops.
        origin (bool): Whether rows are asked for; the first row of an edge in any direction.
    """
    if not undirected:
        return torch.from_numpy(pairs), np.arange(pairs.shape[1])
    low, high = pairs.min(axis=0), pairs.max(axis=0)
    proper = np.flatnonzero(low != high)
    key = low[proper] * count + high[proper]
    first: Ints = np.zeros(0, np.int64)
    if origin:
        order = np.argsort(key, kind="stable")
        new = np.ones(order.size, bool)
        np.not_equal(key[order][1:], key[order][:-1], out=new[1:])
        first, key = proper[order[new]], key[order[new]]
    else:
        key = distinct(key)
    low, high = key // max(count, 1), key % max(count, 1)
    both = np.concatenate([key, high * count + low])
    if not origin:
        both = np.sort(both)
        rows = first
    else:
        order = np.argsort(both, kind="stable")
        both, rows = both[order], np.concatenate([first, first])[order]
    ends: Sequence[Ints] = (both // max(count, 1), both % max(count, 1))
    return torch.from_numpy(np.stack(ends)), rows
