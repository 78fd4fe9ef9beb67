"""Readers of hypergraphs in text files."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import torch

from graphlab._io import user_path
from graphlab._typed_data import HyperGraphData

__all__ = ["read_hyperedge_list", "read_simplices"]

_Path = str | os.PathLike[str]


def read_hyperedge_list(path: _Path, *, distinct: bool = False) -> HyperGraphData:
    """Read one hyperedge per line: node ids as integers, separated by white space or commas.

    A node that a line repeats counts once. Empty lines are skipped. Nodes are numbered by their ids
    in ascending order.

    Args:
        path (path): Text file, or the same with gzip (``.gz``).
        distinct (bool): Drop repeated hyperedges and order the others lexicographically; otherwise
            lines keep their order.

    Returns:
        HyperGraphData: ``edge_index`` (2, nnz) int64, ``num_nodes``, ``num_hyperedges``, and
        ``node_id`` (N,) int64, the ids of the file.

    Raises:
        ValueError: If a word is no integer, or is negative; the message names the line.
        FileNotFoundError: If there is no such file.
    """
    rows = []
    for number, line in enumerate(_read_text(user_path(path)).splitlines(), 1):
        words = line.replace(",", " ").split()
        try:
            nodes = sorted({int(word) for word in words})
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: {error}") from error
        if nodes and nodes[0] < 0:
            raise ValueError(f"{path}, line {number}: node ids must not be negative")
        if nodes:
            rows.append(tuple(nodes))
    return _data(sorted(set(rows)) if distinct else rows)


def read_simplices(folder: _Path, name: str | None = None) -> HyperGraphData:
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


def _read_text(path: Path) -> str:
    content = path.read_bytes()
    content = gzip.decompress(content) if path.suffix == ".gz" else content
    return content.decode("utf-8")


def _integers(folder: Path, stem: str) -> np.ndarray[tuple[int], np.dtype[np.int64]] | None:
    for suffix in (".txt", ".txt.gz"):
        path = folder / f"{stem}{suffix}"
        if path.is_file():
            words = _read_text(path).split()
            try:
                return np.array([int(word) for word in words], dtype=np.int64)
            except ValueError as error:
                raise ValueError(f"{path}: {error}") from error
    return None


def _data(rows: list[tuple[int, ...]]) -> HyperGraphData:
    nodes = np.array([node for row in rows for node in row], dtype=np.int64)
    ids, number = np.unique(nodes, return_inverse=True)
    owner = np.repeat(np.arange(len(rows)), [len(row) for row in rows]).astype(np.int64)
    return HyperGraphData(
        edge_index=torch.from_numpy(np.stack([number.reshape(-1), owner])),
        num_nodes=ids.size,
        num_hyperedges=len(rows),
        node_id=torch.from_numpy(ids),
    )
