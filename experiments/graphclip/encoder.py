"""Embeddings of texts that are computed once: sets of texts by file, stored features of nodes."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from graphlab._io import atomic_path, file_lock
from graphlab.tag import TextEncoder

from .._data.text_sets import TextSet


class CachedEncoder:
    """A :class:`TextEncoder` that keeps whole sets of texts, one file each.

    The encoder is loaded when something is missing, and not before: with all sets at hand neither
    its package nor its weights are needed, nor the time to load them. A set under way is kept row
    by row, and goes on where it was after a kill, with the same batches and so the same numbers.
    ``"hashing"`` keeps nothing.

    Args:
        name (str): See :class:`TextEncoder`.
        folder (Path): Of the files.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder
        self._encoder: TextEncoder | None = None

    def encode(self, texts: list[str]) -> Tensor:
        """Embed texts, or read what was embedded before."""
        if self.name == "hashing":
            return self._compute(texts)
        digest = hashlib.sha256(
            "\0".join([self.name, *texts]).encode("utf-8", "surrogatepass")
        ).hexdigest()[:24]
        path = self.folder / f"{digest}.npy"
        if not path.exists():
            self._make(texts, path)
        return torch.from_numpy(np.load(path, allow_pickle=False)).float()

    def _make(self, texts: list[str], path: Path) -> None:
        rows = path.with_suffix(".rows")
        with file_lock(path.with_name(f".{path.stem}.lock")):
            if path.exists():  # another process was faster
                return
            # A folder for each set: rows of another would change the batches, and last digits.
            cached = TextEncoder(self._compute, normalize=False, cache_dir=rows, name=self.name)
            embedded = cached.encode(texts)
            with atomic_path(path) as temporary, temporary.open("wb") as file:
                np.save(file, embedded.half().numpy(), allow_pickle=False)
            shutil.rmtree(rows, ignore_errors=True)

    def _compute(self, texts: list[str]) -> Tensor:
        if self._encoder is None:
            self._encoder = TextEncoder(self.name)
        return self._encoder.encode(texts)


def node_features(
    graph: TextSet, encoder: CachedEncoder, stored: str | None, nodes: Tensor | None = None
) -> Tensor:
    """Embeddings of node texts; zero rows where a stored file has none, or where none is wanted.

    Args:
        graph (TextSet): The graph.
        encoder (CachedEncoder): Used when nothing is stored.
        stored (str, optional): Folder with ``<name>.npz`` (array ``emb``) of the same encoder, or
            None.
        nodes (Tensor, optional): Nodes that are needed, ``(K,)``; all when missing.
    """
    rows = stored_features(graph, stored)
    if rows is not None:
        return rows
    # The set of all texts is one that other runs may find; a small part is not worth it.
    if nodes is None or 2 * nodes.numel() > len(graph.texts):
        return encoder.encode(graph.texts)
    embedded = encoder.encode([graph.texts[i] for i in nodes.tolist()])
    return torch.zeros(len(graph.texts), embedded.size(1)).index_copy(0, nodes, embedded)


def stored_features(graph: TextSet, stored: str | None) -> Tensor | None:
    """Embeddings of node texts from a folder, if it has those of the graph."""
    path = None if stored is None else Path(stored) / f"{graph.name}.npz"
    if path is None or not path.exists():
        return None
    with np.load(path, allow_pickle=False) as file:
        rows = torch.from_numpy(file["emb"]).float()
    if rows.size(0) != len(graph.texts):
        raise ValueError(f"{path} must have {len(graph.texts)} rows, got {rows.size(0)}")
    return rows
