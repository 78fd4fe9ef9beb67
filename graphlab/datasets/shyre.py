"""The source and target hypergraphs on which supervised reconstruction is compared."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from graphlab._checks import check_choice, check_int
from graphlab._graphs.hypergraph import SizedHyperGraphData
from graphlab._graphs.typed import HyperGraphData
from graphlab._io import atomic_path
from graphlab.datasets._local import LocalDataset, read_stored
from graphlab.datasets.simplices import read_hyperedge_list

__all__ = ["SHyReDataset"]

# SHA-256 of train.txt and test.txt; None: not known, then the content is taken as it is.
_FILES: dict[str, tuple[str | None, str | None]] = {
    "crime": (
        "e16b49105be062f64106eb567e2242a99d680a6679f0f0a850d51f62aae242af",
        "f822b35ef72001a09bc1ad4e3c4cd987bcb359d66e106017856e6c44954a6b9b",
    ),
    "dblp": (
        "a6d497f02faa3c6ff1721397f8c4a897546cfb73573047b6ffd2d1707669c30b",
        "de58be6c9b6cd400ca8942c30b675432116ecd99e84a23de6ace99b3202c5f52",
    ),
    "directors": (
        "fed2da020af9e0b9eaa4f4cc54e310bf47fe4ad4f0fecb97adf159fae82c40b2",
        "b27667eda7f24446dcbf24ff911a2374a60163651f7f998423419bbeabae9de2",
    ),
    "enron": (
        "e31e67fa00bd425e195e5308c10bb7b4e1f18f2f240fe1dd38cd2585f8f8fcbc",
        "9ab581e697017950e3cd3a2a3e59cbedbd8758f904e6c66f65a58c38168ec355",
    ),
    "foursquare": (
        "514fdc7588d99bbfc83c067df2df313a51fb8c51dd1f282fce760ef479bee01c",
        "c654e26cf0827c49658ab770b1802365c43bf3835daea809e490220d9e72015c",
    ),
    "hosts": (None, None),
    "school": (
        "a9c3a2bc328990a26c016be445e5eca84c3ecdc5dfa097649298324cb500b1ab",
        "a5bcc6010657427f9f890ae945787ab06667a97150800dd96408d2e6a620ae50",
    ),
    "school2": (None, None),
}
_SHARED = ("enron", "school", "school2")


class SHyReDataset(LocalDataset):
    r"""A pair of hypergraphs: the first one to learn from, the second one to reconstruct.

    ==============  ======================  ==================  ================================
    name            nodes (train, test)     hyperedges          what
    ==============  ======================  ==================  ================================
    ``crime``       467, 510                243, 256            crimes and the people involved
    ``directors``   547, 522                102, 102            company boards
    ``enron``       141, 142                756, 756            e-mails; halves of one data set
    ``foursquare``  2,356, 2,334            1,026, 1,019        visitors of places
    ``school``      242, 242                6,352, 6,352        contacts in a primary school; halves
    ``dblp``        292,922, 319,916        181,427, 197,067    papers of 2016 and of 2015
    ``hosts``       591, 466                204, 218            viruses and their hosts
    ``school2``     327, 327                3,909, 3,909        contacts in a high school; halves
    ==============  ======================  ==================  ================================

    ``enron``, ``school`` and ``school2`` are random halves of the distinct hyperedges of one node
    set. Node ids are renumbered per file here, but whoever maps them back could subtract the known
    hyperedges from a prediction. These names raise a ``UserWarning`` that says so.

    Repeated nodes in a line and repeated lines are dropped; hyperedges are in lexicographic order.
    Nothing is fetched: no stable address serves the files. They are expected as ``train.txt`` and
    ``test.txt`` in ``<root>/<name>/raw``, or copied from ``<source>/<name>``.

    Item 0 is the training hypergraph, item 1 the test hypergraph: ``HyperGraphData`` with
    ``edge_index`` (2, nnz), ``num_nodes``, ``num_hyperedges`` and ``node_id``, the ids of the file.

    Args:
        root (path, optional): Folder of the data sets; ``None`` means ``shyre`` in the data root of
            graphlab (``GRAPHLAB_ROOT``, else ``./data``).
        name (str): One of the names above.
        transform (callable, optional): Applied to an item at every access.
        pre_transform (callable, optional): Applied once, before the items are stored; must leave
            tensors and plain values.
        force_reload (bool): Process again even if stored items exist.
        source (path, optional): Folder to copy missing raw files from.

    Raises:
        ValueError: If ``name`` is unknown, or a file has another SHA-256.
        FileNotFoundError: If a file is missing.

    Reference: Wang and Kleinberg, "From Graphs to Hypergraphs: Hypergraph Projection and its
        Reconstruction", ICLR 2024. arXiv:2401.08519
    """

    def __init__(
        self,
        root: str | Path | None,
        name: str,
        transform: Callable[[HyperGraphData], Any] | None = None,
        pre_transform: Callable[[HyperGraphData], Any] | None = None,
        force_reload: bool = False,
        *,
        source: str | Path | None = None,
    ) -> None:
        check_choice(name, "name", tuple(_FILES))
        super().__init__(root, "shyre", name, transform, pre_transform, force_reload, source)
        stored = read_stored(self.processed_paths[0])
        self._items = [SizedHyperGraphData.from_dict(item) for item in stored]
        if name in _SHARED:
            warnings.warn(
                f"{name}: train and test are halves of one data set on the same nodes; a method "
                "must not use node ids, else known hyperedges can be subtracted",
                UserWarning,
                stacklevel=2,
            )

    def process(self) -> None:
        """Read and check the raw files and store the hypergraphs in one step."""
        items = []
        for path in self._verified():
            data = read_hyperedge_list(path, distinct=True)
            items.append(data if self.pre_transform is None else self.pre_transform(data))
        with atomic_path(self.processed_paths[0]) as temporary:
            torch.save([item.to_dict() for item in items], str(temporary))

    def _checksums(self) -> dict[str, str | None]:
        return dict(zip(("train.txt", "test.txt"), _FILES[self.name], strict=True))

    def _candidates(self, name: str) -> Iterator[Path]:
        if self._source is not None:
            yield self._source / self.name / name

    if TYPE_CHECKING:

        def __getitem__(self, idx: int) -> HyperGraphData: ...  # type: ignore[override]
        def __iter__(self) -> Iterator[HyperGraphData]: ...  # type: ignore[override]

    def len(self) -> int:
        """Two: training and test."""
        return len(self._items)

    def get(self, idx: int) -> HyperGraphData:
        """A copy of one of the two.

        Args:
            idx (int): 0 for training, 1 for test.

        Returns:
            HyperGraphData: The hypergraph.

        Raises:
            TypeError, ValueError: If it is neither.
        """
        check_int(idx, "idx", minimum=0, maximum=len(self._items) - 1)
        item: HyperGraphData = self._items[idx].clone()
        return item
