"""Graphs whose nodes carry several labels: BlogCatalog, Wikipedia-POS, DBLP, and any such .mat."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from graphlab._checks import check_choice
from graphlab._graphs.typed import Data
from graphlab._io import user_path
from graphlab._sorted import distinct
from graphlab.datasets._local import LocalDataset
from graphlab.datasets._mat_file import read_matrices

__all__ = ["MultilabelDataset", "read_multilabel_mat"]


@dataclass(frozen=True)
class _Source:
    """Sizes of a set, and the name and SHA-256 of its raw files."""

    num_nodes: int
    num_entries: int
    num_labels: int
    files: dict[str, str]


_SOURCES = {
    "blogcatalog": _Source(
        10_312,
        667_966,
        39,
        {"blogcatalog.mat": "d4f4fb89ce1ccd4b7e2a183386c000773cc9362cc61f1be5b246a6d9c259da8f"},
    ),
    "wikipedia": _Source(
        4_777,
        184_812,
        40,
        {
            "wikipedia.ungraph": "b7fb8e25ce2870a518004e1efff4a691545d358fdb401bfa2f0d2091f58de4ef",
            "wikipedia.cmty": "4637f70be5df82868d01e2fca2c9a702d35457beedf0f42c55a79b749d1f2411",
        },
    ),
    "dblp": _Source(
        51_264,
        255_936,
        60,
        {
            "dblp.ungraph": "dfffc3dacacfc2af2b0b924e14d9b5730702c27cf86cc59a3b8d1822e4f6aaee",
            "dblp.cmty": "9d18fa32e37ff9f1489321f94586ec8022026c8fe6f19a78bf1d51ca4cbea6b9",
        },
    ),
}


class MultilabelDataset(LocalDataset):
    r"""Graphs without features on which node embeddings are compared by multilabel classification.

    ===============  ======  =========  ======  =============  ==================================
    name             nodes   entries    labels  (node, label)  note
    ===============  ======  =========  ======  =============  ==================================
    ``blogcatalog``  10,312  667,966    39      14,476         bloggers and their friends
    ``wikipedia``    4,777   184,812    40      6,770          co-occurring words; 222 self-loops,
                                                               without the weights of the original
    ``dblp``         51,264  255,936    60      51,264         authors; one label each
    ===============  ======  =========  ======  =============  ==================================

    No stable address serves the exact files, so nothing is fetched. They are expected in
    ``<root>/<name>/raw``; if they are not there, they are copied from ``source`` (searched with its
    subfolders). Otherwise the error lists every missing file, its SHA-256 and where it belongs.
    Every file is checked before it is read. ``root`` must be writable, ``source`` is only read.

    The single ``Data`` holds ``edge_index`` (2, E) int64 with both directions, sorted, without
    repeats, self-loops kept; ``y`` (N, K) bool; ``num_nodes``; and ``edge_weight`` (E,) float32 if
    any weight differs from one.

    Args:
        root (path, optional): Folder of the data sets; ``None`` means ``multilabel`` in the data
            root of graphlab (``GRAPHLAB_ROOT``, else ``./data``).
        name (str): One of the names above.
        transform (callable, optional): Applied to the ``Data`` at every access.
        pre_transform (callable, optional): Applied once, before the graph is stored.
        force_reload (bool): Process again even if a stored graph exists.
        source (path, optional): Folder to copy missing raw files from.

    Raises:
        ValueError: If ``name`` is unknown, or a file has another SHA-256 or content.
        FileNotFoundError: If raw files are missing.

    Reference: Tang and Liu, "Relational learning via latent social dimensions", KDD 2009
        (BlogCatalog); Mahoney, "Large text compression benchmark" (Wikipedia).
    """

    def __init__(
        self,
        root: str | Path | None,
        name: str,
        transform: Callable[[Data], Any] | None = None,
        pre_transform: Callable[[Data], Any] | None = None,
        force_reload: bool = False,
        *,
        source: str | Path | None = None,
    ) -> None:
        self._raw = _SOURCES[check_choice(name, "name", tuple(_SOURCES))]
        super().__init__(root, "multilabel", name, transform, pre_transform, force_reload, source)
        self.load(self.processed_paths[0])

    @property
    def num_labels(self) -> int:
        """Number of labels K."""
        return self._raw.num_labels

    def process(self) -> None:
        """Read and check the raw files and store the graph in one step."""
        paths = self._verified()
        if len(paths) == 1:
            data = read_multilabel_mat(paths[0])
        else:
            data = _read_text(paths[0], paths[1], self._raw.num_nodes)
        sizes = (data.num_nodes, data.num_edges, data.y.size(1))
        wanted = (self._raw.num_nodes, self._raw.num_entries, self._raw.num_labels)
        if sizes != wanted:
            raise ValueError(
                f"{self.name} must have {wanted} nodes, entries and labels, got {sizes}"
            )
        self._store(data)

    def _checksums(self) -> dict[str, str | None]:
        return dict(self._raw.files)

    def _candidates(self, name: str) -> Iterator[Path]:
        if self._source is not None:
            yield from sorted(self._source.rglob(name))


def read_multilabel_mat(path: str | Path, network: str = "network", labels: str = "group") -> Data:
    """Read a MATLAB file with a sparse adjacency matrix and a sparse matrix of labels.

    Many multilabel sets (Flickr, YouTube, PPI, POS ...) are passed around in this form.

    Args:
        path (path): A .mat file of version 5 to 7.
        network (str): Name of the ``(N, N)`` matrix.
        labels (str): Name of the ``(N, K)`` matrix; whatever is not zero is a label.

    Returns:
        Data: As :class:`MultilabelDataset` describes it.

    Raises:
        ValueError: If a matrix is missing or the shapes disagree.
        FileNotFoundError: If there is no such file.
    """
    path = user_path(path)
    try:
        content = read_matrices(path.read_bytes(), (network, labels))
    except ValueError as error:
        raise ValueError(
            f"{path} is no .mat file of version 5 to 7: {error!s:.400} (MATLAB's save(..., '-v7') "
            "writes one)"
        ) from error
    for key in (network, labels):
        if key not in content:
            raise ValueError(f"{path} must hold {key!r}, got {sorted(content)!s:.400}")
    shape, rows = content[network].shape, content[labels].shape
    if shape[0] != shape[1] or rows[0] != shape[0]:
        raise ValueError(f"{path} must hold (N, N) and (N, K) matrices, got {shape} and {rows}")
    group = sp.csr_matrix(content[labels]).toarray()
    adjacency = sp.csr_matrix(content[network])
    adjacency.sum_duplicates()
    largest = float(np.abs(adjacency.data).max(initial=0.0))
    if not largest <= float(np.finfo(np.float32).max):
        raise ValueError(f"{path} must hold weights that float32 has in {network!r}, got {largest}")
    return _data(adjacency, torch.from_numpy(group != 0))


def _read_text(graph: Path, communities: Path, num_nodes: int) -> Data:
    """Edges, each once, and a line of nodes per label."""
    pairs = np.loadtxt(graph, dtype=np.int64, ndmin=2)
    row, col = np.concatenate([pairs, pairs[:, ::-1]]).T
    once = distinct(row * num_nodes + col)
    size = (num_nodes, num_nodes)
    entries = (np.ones(once.size), (once // num_nodes, once % num_nodes))
    lines = communities.read_text(encoding="ascii").splitlines()
    y = torch.zeros(num_nodes, len(lines), dtype=torch.bool, device="cpu")
    for label, line in enumerate(lines):
        y[[int(word) for word in line.split()], label] = True
    return _data(sp.csr_matrix(entries, shape=size), y)


def _data(adjacency: sp.csr_matrix, y: Tensor) -> Data:
    entries = adjacency.tocoo()
    index = np.stack([entries.row, entries.col]).astype(np.int64)
    data = Data(edge_index=torch.from_numpy(index), y=y, num_nodes=adjacency.shape[0])
    if not bool((entries.data == 1).all()):
        data.edge_weight = torch.from_numpy(entries.data.astype(np.float32))
    return data
