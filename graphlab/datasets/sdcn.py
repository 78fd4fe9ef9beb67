"""The clustering benchmark sets of SDCN: ACM, DBLP, Citeseer, USPS (HHAR and Reuters in part)."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data, InMemoryDataset
from torch_geometric.utils import remove_self_loops, to_undirected

from graphlab._checks import check_choice, check_edge_index, check_int
from graphlab._download import data_root, sha256_of
from graphlab._io import atomic_path
from graphlab.datasets._sdcn_files import (
    BENCHMARKS,
    Benchmark,
    RawFile,
    read_features,
    read_integers,
)

__all__ = ["SDCNDataset"]


class SDCNDataset(InMemoryDataset):
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
        root: Folder of the data sets; ``None`` means ``sdcn`` in the data root of graphlab
            (``GRAPHLAB_ROOT``, else ``./data``).
        name: One of the names above.
        k: Neighbours of a kNN graph; ``None`` means 3 (5 for ``hhar``). Must be ``None`` for the
            other sets.
        transform: Applied to the ``Data`` at every access.
        pre_transform: Applied once, before the graph is stored; must leave tensors and plain
            values.
        force_reload: Process again even if a stored graph exists.
        sparse: Give ``x`` as a ``torch.sparse_csr`` tensor instead of a dense one (after
            ``pre_transform``, which always sees it dense).
        source: Folder to copy missing raw files from: ``<source>/<name>/<file>`` or
            ``<source>/<file>``.

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
        self.name = check_choice(name, "name", tuple(BENCHMARKS))
        self._benchmark = BENCHMARKS[name]
        self.k = _check_k(k, name, self._benchmark)
        self._source = None if source is None else Path(source).expanduser()
        folder = data_root(None) / "sdcn" if root is None else data_root(root)
        super().__init__(
            str(folder), transform, pre_transform, log=False, force_reload=force_reload
        )
        self.load(self.processed_paths[0])
        if sparse:
            self._data.x = _to_sparse_csr(self._data.x)

    @property
    def num_clusters(self) -> int:
        """Number of classes K."""
        return self._benchmark.num_classes

    @property
    def raw_dir(self) -> str:
        """Folder of the raw files."""
        return str(Path(self.root) / self.name / "raw")

    @property
    def processed_dir(self) -> str:
        """Folder of the stored graph."""
        return str(Path(self.root) / self.name / "processed")

    @property
    def raw_file_names(self) -> list[str]:
        """Names of the raw files this set needs."""
        return [file.name for file in self._raw_files()]

    @property
    def processed_file_names(self) -> list[str]:
        """Name of the stored graph; graphs of different k live side by side."""
        return ["data.pt" if self.k is None else f"data_k{self.k}.pt"]

    def download(self) -> None:
        """Copy the raw files from the folders known, or say what is missing."""
        missing = []
        for file in self._raw_files():
            target = Path(self.raw_dir) / file.name
            if target.is_file():
                continue
            found = next((path for path in self._candidates(file) if path.is_file()), None)
            if found is None:
                missing.append(file)
                continue
            _verify(found, file)
            with atomic_path(target) as temporary:
                shutil.copyfile(found, temporary)
        if missing:
            raise FileNotFoundError(self._missing_message(missing))

    def process(self) -> None:
        """Read and check the raw files and store the graph in one step."""
        raw = {file.name: Path(self.raw_dir) / file.name for file in self._raw_files()}
        for file in self._raw_files():
            _verify(raw[file.name], file)
        data = _read_graph(self._benchmark, list(raw.values()))
        if self.pre_transform is not None:
            data = self.pre_transform(data)
        with atomic_path(self.processed_paths[0]) as temporary:
            self.save([data], str(temporary))

    def load(self, path: str, data_cls: type[Data] = Data) -> None:
        """Read the stored graph; unlike PyG's own method, never by unrestricted unpickling."""
        try:
            content, self.slices, _ = torch.load(path, weights_only=True)
        except Exception as error:  # whatever is wrong with the file, the remedy is the same
            raise ValueError(
                f"{path} cannot be read; delete it or pass force_reload=True ({error})"
            ) from error
        self.data = data_cls.from_dict(content)

    def _raw_files(self) -> list[RawFile]:
        return [self._benchmark.features, self._benchmark.labels, self._benchmark.graphs[self.k]]

    def _candidates(self, file: RawFile) -> Iterator[Path]:
        yield Path(self.root) / self.name / file.name
        if self._source is not None:
            yield self._source / self.name / file.name
            yield self._source / file.name

    def _missing_message(self, missing: list[RawFile]) -> str:
        size = (self._benchmark.num_nodes, self._benchmark.num_features)
        lines = [f"SDCNDataset({self.name!r}) lacks {len(missing)} raw file(s). Place"]
        for file in missing:
            what = f"sha256 {file.sha256}"
            if file.sha256 is None:
                what = f"not distributed: float32 features under the key 'x', shape {size}"
            lines.append(f"  {Path(self.raw_dir) / file.name}  ({what})")
        lines.append(
            f"or put them in {Path(self.raw_dir).parent}, or name their folder: source=..."
        )
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


def _verify(path: Path, file: RawFile) -> None:
    if file.sha256 is None:
        return
    found = sha256_of(path)
    if found != file.sha256:
        raise ValueError(
            f"{path} has another content than expected: its sha256 is {found}, "
            f"it must be {file.sha256}"
        )


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
