"""Readers of hypergraphs in text files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from graphlab._graphs.hypergraph import SizedHyperGraphData
from graphlab._graphs.typed import HyperGraphData
from graphlab._io import StrPath, user_path
from graphlab._text_file import data_lines, read_text

__all__ = ["read_hyperedge_list", "read_simplices"]

# Where a text of integers is none.
_WRONG = re.compile(r"[^0-9+\-\s]|[+-](?![0-9])|[0-9][+-]")


def read_hyperedge_list(
    path: StrPath,
    *,
    distinct: bool = False,
    names: bool = False,
    sep: str | None = None,
    comment: str | Sequence[str] = ("#", "%"),
    encoding: str | None = None,
) -> HyperGraphData:
    """Read one hyperedge per line: node ids as integers, separated by white space or commas.

    A node that a line repeats counts once. Empty lines and comments are skipped. Nodes are numbered
    by their ids in ascending order.

    Args:
        path (path): Text file, or the same packed with gzip, bzip2 or xz.
        distinct (bool): Drop repeated hyperedges and order the others lexicographically; otherwise
            lines keep their order.
        names (bool): Nodes are named by words: what stands between tabs, commas or semicolons
            (whichever of them the file has, in this order), else between white space.
        sep (str, optional): What separates the nodes, where the above is wrong.
        comment (str or Sequence[str]): Signs that lines of comments begin with; ``()`` for none.
        encoding (str, optional): Encoding of the file; by default that of its byte order mark, else
            UTF-8.

    Returns:
        HyperGraphData: ``edge_index`` (2, nnz) int64, ``num_nodes``, ``num_hyperedges``, and
        ``node_id``, the ids of the file: (N,) int64, or with ``names`` a list of words.

    Raises:
        ValueError: If a word is no integer, or is negative, or the file is no text in that
            encoding; the message names file, line and fix.
        FileNotFoundError: If there is no such file.
    """
    signs = (comment,) if isinstance(comment, str) else tuple(comment)
    content = data_lines(read_text(path, encoding), tuple(filter(None, signs)))
    if sep is None and names:
        sep = next((s for s in "\t,;" if any(s in line for line in content.lines)), None)
    rows: list[tuple[Any, ...]] = []
    for number, line in zip(content.numbers.tolist(), content.lines, strict=True):
        parts = line.split(sep) if sep or names else line.replace(",", " ").split()
        words = [word for word in map(str.strip, parts) if word]
        if words:
            ids = words if names else _integer_ids(words, f"{path}, line {number}")
            rows.append(tuple(sorted(set(ids))))
    return _data(sorted(set(rows)) if distinct else rows, names)


def _integer_ids(words: list[str], place: str) -> list[int]:
    text = " ".join(words)
    try:
        ids = [int(word) for word in words]
        plain = text.isascii() and "_" not in text  # Python reads 1_0, and digits of all scripts
    except ValueError:  # also for a number of 5,000 digits
        ids, plain = [2**63], False
    if not plain and _WRONG.search(text):
        wrong = next(word for word in words if _WRONG.search(word))
        raise ValueError(
            f"{place}: {wrong!r:.80} is no integer; names=True reads words as names of nodes"
        )
    if min(ids) < 0 or max(ids) >= 2**63:
        raise ValueError(f"{place}: node ids must not be negative, and below 2**63")
    return ids


def read_simplices(folder: StrPath, name: str | None = None) -> HyperGraphData:
    """Read ``<name>-nverts``, ``<name>-simplices`` and ``<name>-times`` (``.txt`` or ``.txt.gz``).

    This is the layout of the temporal simplex data sets of Benson et al. Simplices keep their
    order, repeated ones included; a node that a simplex repeats counts once.

    Args:
        folder (path): Folder with the files.
        name (str, optional): Common start of their names; the name of the folder if ``None``.

    Returns:
        HyperGraphData: As :func:`read_hyperedge_list`, and ``time`` (H,) int64 if there are times.

    Raises:
        ValueError: If the files do not fit together.
        FileNotFoundError: If ``nverts`` or ``simplices`` is missing.

    Reference: Benson et al., "Simplicial closure and higher-order link prediction", PNAS 2018.
        arXiv:1802.06916
    """
    base = user_path(folder, "folder")
    name = base.name if name is None else name
    sizes, nodes = _integers(base, f"{name}-nverts"), _integers(base, f"{name}-simplices")
    if sizes is None or nodes is None:
        raise FileNotFoundError(
            f"{base} must hold {name}-nverts.txt and {name}-simplices.txt (or .txt.gz)"
        )
    if sizes.size and sizes.min() < 1:
        raise ValueError(f"{name}-nverts must be positive, got {sizes.min()}")
    # Not the sum alone: that of large numbers may be any number.
    if sizes.size and sizes.max() > nodes.size:
        raise ValueError(
            f"{name}-nverts holds {sizes.max()}, but there are only {nodes.size} nodes in all"
        )
    if sizes.sum() != nodes.size:
        raise ValueError(
            f"{name}-nverts adds up to {sizes.sum()}, but there are {nodes.size} nodes"
        )
    parts = np.split(nodes, np.cumsum(sizes)[:-1]) if sizes.size else []
    data = _data([tuple(sorted(set(part.tolist()))) for part in parts])
    times = _integers(base, f"{name}-times")
    if times is not None:
        if times.size != sizes.size:
            raise ValueError(f"{name}-times must have {sizes.size} entries, got {times.size}")
        data.time = torch.from_numpy(times)
    return data


def _integers(folder: Path, stem: str) -> np.ndarray[tuple[int], np.dtype[np.int64]] | None:
    for suffix in (".txt", ".txt.gz"):
        path = folder / f"{stem}{suffix}"
        if path.is_file():
            text = read_text(path)
            wrong = _WRONG.search(text)
            if wrong is not None:
                number = text.count("\n", 0, wrong.start()) + 1
                line = text.split("\n")[number - 1]
                raise ValueError(f"{path}, line {number}: {line!r:.80} is no integer")
            try:
                return np.array(text.split(), dtype=np.int64)
            except (ValueError, OverflowError) as error:
                raise ValueError(f"{path} holds an integer that is not below 2**63") from error
    return None


def _data(rows: Sequence[tuple[Any, ...]], names: bool = False) -> HyperGraphData:
    kind = np.dtype(object) if names else np.dtype(np.int64)
    nodes = np.array([node for row in rows for node in row], dtype=kind)
    ids, number = np.unique(nodes, return_inverse=True)
    owner = np.repeat(np.arange(len(rows)), [len(row) for row in rows]).astype(np.int64)
    return SizedHyperGraphData(
        edge_index=torch.from_numpy(np.stack([number.reshape(-1).astype(np.int64), owner])),
        num_nodes=ids.size,
        num_hyperedges=len(rows),
        node_id=ids.tolist() if names else torch.from_numpy(ids),
    )
