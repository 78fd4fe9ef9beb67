"""The clustering benchmark sets of SDCN: ACM, DBLP, Citeseer, USPS (HHAR and Reuters in part)."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from torch import Tensor
from torch_geometric.utils import remove_self_loops, to_undirected

from graphlab._checks import check_choice, check_edge_index, check_int
from graphlab._graphs.typed import Data
from graphlab.datasets._local import LocalDataset
from graphlab.datasets._sdcn_files import (
    BENCHMARKS,
    Benchmark,
    read_features,
    read_integers,
)

__all__ = ["SDCNDataset"]


class SDCNDataset(LocalDataset):
    r"""Attributed graphs and kNN graphs on which deep graph clustering is compared.

    ========  ======  ========  =======  ================  ======================
    name      nodes   features  classes  undirected edges  graph
    ========  ======  ========  =======  ================  ======================
    ``acm``   3,025   1,870     3        13,128            papers by a shared author
    ``dblp``  4,057   334       4        3,528             authors by a shared paper
    ``cite``  3,327   3,703     6        4,552             citations
    ``usps``  9,298   256       10       21,452 (k = 3)    kNN, k in {3, 5, 10}
    ``hhar``  10,299  561       6        38,039            kNN, k = 5
    ``reut``  10,000  2,000     4        27,867            kNN, k = 3
    ========  ======  ========  =======  ================  ======================

    No stable address serves the exact files, so nothing is fetched. They are expected in
    ``<root>/<name>/raw``; if they are not there, they are copied from ``<root>/<name>`` or from
    ``source``. Otherwise the error lists every missing file, its SHA-256 and where it belongs.
    Every file is checked against its SHA-256 before it is read. The features of ``hhar`` and
    ``reut`` are published by nobody we know: bring your own as ``<name>_feat.npz`` with an array
    ``x``; only its shape can be checked.

    ``root`` must be writable: PyG keeps the processed graph in ``<root>/<name>/processed``. It is
    written to a temporary file that is renamed when complete, and read without unpickling
    arbitrary objects. ``source`` is only ever read.

    Nodes keep the order of the files; labels start at 0 (``cite`` starts at 1 in its file). The
    features are used as published. ``dblp`` has 1,466 nodes without an edge, ``cite`` 15 rows
    without a feature.

    Args:
        root (path, optional): Folder of the data sets; ``None`` means ``sdcn`` in the data root of
            graphlab (``GRAPHLAB_ROOT``, else ``./data``).
        name (str): One of the names above.
        k (int, optional): Neighbours of a kNN graph; ``None`` means 3 (5 for ``hhar``). Must be
            ``None`` for the other sets.
        transform (callable, optional): Applied to the ``Data`` at every access.
        pre_transform (callable, optional): Applied once, before the graph is stored; must leave
            tensors and plain values.
        force_reload (bool): Process again even if a stored graph exists.
        sparse (bool): Give ``x`` as a ``torch.sparse_csr`` tensor instead of a dense one (after
            ``pre_transform``, which always sees it dense).
        source (path, optional): Folder to copy missing raw files from: ``<source>/<name>/<file>``
            or ``<source>/<file>``.

    The single ``Data`` holds ``x`` (N, F) float32, ``edge_index`` (2, E) int64 with both
    directions, sorted, no repeats, no self-loops, ``y`` (N,) int64 in ``[0, num_clusters)`` and
    ``num_clusters``.

    Raises:
        ValueError: If ``name`` or ``k`` is unknown, or a file has another SHA-256 or shape.
        FileNotFoundError: If raw files are missing.

    Reference: D. Bo et al., "Structural Deep Clustering Network", WWW 2020. arXiv:2002.01633
    """

    def __init__(
        self,
        root: str | Path | None,
        name: str,
        k: int | None = None,
        transform: Callable[[Data], Any] | None = None,
        pre_transform: Callable[[Data], Any] | None = None,
        force_reload: bool = False,
        *,
        sparse: bool = False,
        source: str | Path | None = None,
    ) -> None:
        self._benchmark = BENCHMARKS[check_choice(name, "name", tuple(BENCHMARKS))]
        self.k = _check_k(k, name, self._benchmark)
        super().__init__(root, "sdcn", name, transform, pre_transform, force_reload, source)
        self.load(self.processed_paths[0])
        if sparse:
            self._data.x = _to_sparse_csr(self._data.x)

    @property
    def num_clusters(self) -> int:
        """Number of classes K."""
        return self._benchmark.num_classes

    @property
    def processed_file_names(self) -> list[str]:
        """Name of the stored graph; graphs of different k live side by side."""
        return ["data.pt" if self.k is None else f"data_k{self.k}.pt"]

    def process(self) -> None:
        """Read and check the raw files and store the graph in one step."""
        self._store(_read_graph(self._benchmark, self._verified()))

    def _checksums(self) -> dict[str, str | None]:
        benchmark = self._benchmark
        files = (benchmark.features, benchmark.labels, benchmark.graphs[self.k])
        return {file.name: file.sha256 for file in files}

    def _candidates(self, name: str) -> Iterator[Path]:
        yield Path(self.root) / self.name / name
        if self._source is not None:
            yield self._source / self.name / name
            yield self._source / name

    def _describe(self, name: str, digest: str | None) -> str:
        if digest is not None:
            return super()._describe(name, digest)
        size = (self._benchmark.num_nodes, self._benchmark.num_features)
        return f"  (not distributed: float32 features under the key 'x', shape {size})"

    def _missing_message(self, missing: list[str]) -> str:
        lines = [
            f"SDCNDataset({self.name!r}) lacks {len(missing)} raw file(s). Place",
            *missing,
            f"or put them in {Path(self.raw_dir).parent}, or name their folder: "
            f"{self._source_hint()}",
        ]
        return "\n".join(lines)


def _check_k(k: int | None, name: str, benchmark: Benchmark) -> int | None:
    """Return the k of the graph to use; the first one listed is the default."""
    known = list(benchmark.graphs)
    if k is None:
        return known[0]
    if known == [None]:
        raise ValueError(f"k must be None for {name!r}, whose graph is given, got {k}")
    if check_int(k, "k") not in known:
        raise ValueError(f"k must be one of {known} for {name!r}, got {k}")
    return k


def _read_graph(benchmark: Benchmark, paths: list[Path]) -> Data:
    features, labels, graph = paths
    num_nodes, size = benchmark.num_nodes, (benchmark.num_nodes, benchmark.num_features)
    x = read_features(features)
    if tuple(x.shape) != size:
        raise ValueError(f"{features} must hold a matrix of shape {size}, got {tuple(x.shape)}")
    y = read_integers(labels, columns=1).view(-1)
    if y.numel() != num_nodes:
        raise ValueError(f"{labels} must hold {num_nodes} labels, got {y.numel()}")
    pairs = read_integers(graph, columns=2).t().contiguous()
    edge_index, _ = remove_self_loops(check_edge_index(pairs, num_nodes, name=str(graph)))
    return Data(
        x=x,
        edge_index=to_undirected(edge_index, num_nodes=num_nodes),
        y=y - y.min(),
        num_clusters=benchmark.num_classes,
    )


def _to_sparse_csr(x: Tensor) -> Tensor:
    with warnings.catch_warnings():
        # torch announces once per process that this layout is in beta; the caller asked for it.
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        return x.to_sparse_csr()
