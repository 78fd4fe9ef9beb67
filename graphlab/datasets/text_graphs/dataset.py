"""The text graphs of the literature, as PyG datasets that read what was published."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from torch_geometric.utils import remove_self_loops, to_undirected

from graphlab._checks import check_choice, check_edge_index
from graphlab._graphs.typed import Data
from graphlab._io import atomic_path
from graphlab.datasets._local import LocalDataset
from graphlab.datasets.text_graphs._arxiv import read_arxiv_2023, read_ogbn_arxiv
from graphlab.datasets.text_graphs._bundle import read_bundle
from graphlab.datasets.text_graphs._linqs import read_cora, read_pubmed
from graphlab.datasets.text_graphs._neighbor_table import read_neighbor_table
from graphlab.datasets.text_graphs._published import Content, Published
from graphlab.datasets.text_graphs._wiki import read_wikics
from graphlab.datasets.text_graphs.label_prompt import label_prompt

__all__ = ["TextGraphDataset"]

_TAPE = "dataset links in the README of github.com/XiaoxinHe/TAPE"
_OGB = "arxiv.zip of ogb.stanford.edu, which ogb unpacks into ogbn_arxiv"
_TITLES = "snap.stanford.edu/ogb/data/misc/ogbn_arxiv/titleabs.tsv.gz"
_CS_TAG = "huggingface.co/datasets/Sherirto/CSTAG"
_WEBKB = "github.com/sktsherlock/TAG-Benchmark, data/webkb"
_WIKI = "github.com/pmernyei/wiki-cs-dataset, dataset"
_OGB_FILES = (
    "raw/edge.csv.gz", "raw/node-label.csv.gz", "mapping/nodeidx2paperid.csv.gz",
    "mapping/labelidx2arxivcategeory.csv.gz", "split/time/train.csv.gz",
    "split/time/valid.csv.gz", "split/time/test.csv.gz",
)  # fmt: skip


def _neighbor_table(name: str, origin: str, nodes: int, classes: int) -> Published:
    file = f"{name}.csv"
    return Published({file: origin}, lambda f: read_neighbor_table(f / file), nodes, classes)


PUBLISHED: dict[str, Published] = {
    "cora": Published(
        {name: f"cora_orig, {_TAPE}" for name in ("cora.content", "cora.cites", "papers")},
        read_cora,
        2708,
        7,
        5278,
        {"extractions": f"cora_orig/mccallum/cora, {_TAPE}"},
    ),
    "citeseer": Published(
        {"citeseer.pt": "datasets of github.com/NineAbyss/GLBench, or of Graph-LLM"},
        lambda folder: read_bundle(folder / "citeseer.pt"),
        3186,
        6,
    ),
    "pubmed": Published(
        {
            name: f"PubMed_orig, {_TAPE}"
            for name in (
                "Pubmed-Diabetes.NODE.paper.tab",
                "Pubmed-Diabetes.DIRECTED.cites.tab",
                "pubmed.json",
            )
        },
        read_pubmed,
        19_717,
        3,
        44_324,
    ),
    "ogbn-arxiv": Published(
        {**dict.fromkeys(_OGB_FILES, _OGB), "titleabs.tsv.gz": _TITLES},
        read_ogbn_arxiv,
        169_343,
        40,
    ),
    "arxiv-2023": Published(
        {
            "graph.pt": "dataset/arxiv_2023 of github.com/XiaoxinHe/TAPE",
            "paper_info.csv": f"arxiv_2023_orig, {_TAPE}",
        },
        read_arxiv_2023,
        46_198,
        40,
    ),
    "wikics": Published({"metadata.json": _WIKI, "data.json": _WIKI}, read_wikics, 11_701, 10),
    "history": _neighbor_table("History", _CS_TAG, 41_551, 12),
    "photo": _neighbor_table("Photo", _CS_TAG, 48_362, 12),
    "computers": _neighbor_table("Computers", _CS_TAG, 87_229, 10),
    "webkb-cornell": _neighbor_table("Cornell", _WEBKB, 191, 5),
    "webkb-texas": _neighbor_table("Texas", _WEBKB, 187, 5),
    "webkb-washington": _neighbor_table("Washington", _WEBKB, 229, 5),
    "webkb-wisconsin": _neighbor_table("Wisconsin", _WEBKB, 265, 5),
}


class TextGraphDataset(LocalDataset):
    r"""Graphs whose nodes carry text, on which papers compare.

    ==================  =======  =======  ===============================  =======================
    name                nodes    classes  texts                            form of the files
    ==================  =======  =======  ===============================  =======================
    ``cora``            2,708    7        titles and abstracts             LINQS and McCallum
    ``citeseer``        3,186    6        titles and abstracts             a stored PyG graph
    ``pubmed``          19,717   3        titles and abstracts             LINQS and JSON
    ``ogbn-arxiv``      169,343  40       titles and abstracts             OGB, ``titleabs.tsv.gz``
    ``arxiv-2023``      46,198   40       titles and abstracts             TAPE
    ``wikics``          11,701   10       titles and words of articles     JSON
    ``history``         41,551   12       descriptions of books            CS-TAG
    ``photo``           48,362   12       reviews of products              CS-TAG
    ``computers``       87,229   10       reviews of products              CS-TAG
    ``webkb-cornell``   191      5        pages (and ``-texas`` 187,       CS-TAG
                                          ``-washington`` 229,
                                          ``-wisconsin`` 265)
    ==================  =======  =======  ===============================  =======================

    Nothing is fetched: most of these files lie on drives or need a network of their own. They are
    expected in ``<root>/<name>/raw``; if they are not there, they are copied from ``source``
    (searched with its subfolders). Otherwise the error lists every missing file, where it belongs,
    and where it was published. No publisher gives a checksum: numbers of nodes and classes,
    and of edges where they are known, are checked instead, and what can be checked of the order.
    Stored PyG graphs are read without running what else they hold.

    The single ``Data`` has ``text`` (N texts, title and abstract joined by a blank line),
    ``node_id`` (N names as the files have them), ``edge_index`` (2, E) int64 with both directions,
    sorted, no repeats, no self-loops; ``y`` (N,) int64; ``label_names`` in words;
    ``label_descriptions`` where :func:`label_prompt` has them; and ``train_mask``, ``val_mask``,
    ``test_mask`` of ogbn-arxiv. ``TextGraph.from_data(data, data.text)`` makes it a text graph.

    The order of nodes is that of the files: of ``cora`` and ``pubmed`` that of LINQS, which the
    answers that TAPE published follow, and not that of Planetoid.

    Args:
        root (path, optional): Folder of the data sets; ``None`` means ``text_graphs`` in the data
            root of graphlab (``GRAPHLAB_ROOT``, else ``./data``).
        name (str): One of the names above.
        transform (callable, optional): Applied to the ``Data`` at every access.
        pre_transform (callable, optional): Applied once, before the graph is stored.
        force_reload (bool): Process again even if a stored graph exists.
        source (path, optional): Folder to copy missing raw files from, such as ``dataset`` of TAPE
            or the folder of ogb.

    Raises:
        ValueError: If ``name`` is unknown, or a file has another form or size.
        FileNotFoundError: If raw files are missing.

    Reference: Sen et al., "Collective classification in network data", AI Magazine 2008; Hu et al.,
        "Open graph benchmark", NeurIPS 2020; He et al., "TAPE", ICLR 2024, arXiv:2305.19523; Yan et
        al., "CS-TAG", NeurIPS 2023; Mernyei and Cangea, "Wiki-CS", arXiv:2007.02901.
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
        self._published = PUBLISHED[check_choice(name, "name", tuple(PUBLISHED))]
        super().__init__(root, "text_graphs", name, transform, pre_transform, force_reload, source)
        self.load(self.processed_paths[0])

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return self._published.num_classes

    @property
    def raw_file_names(self) -> list[str]:
        """Names of the raw files and folders this set needs."""
        return [*self._published.files, *self._published.folders]

    def download(self) -> None:
        """Copy the raw files from the folders known, or say what is missing."""
        missing = []
        for name, origin in self._published.folders.items():
            target = Path(self.raw_dir) / name
            if target.is_dir():
                continue
            found = () if self._source is None else sorted(self._source.rglob(name))
            source = next((path for path in found if path.is_dir()), None)
            if source is None:
                missing.append(f"  {target}  (folder; {origin})")
            else:
                with atomic_path(target) as temporary:  # a copy that was cut off is no folder
                    shutil.copytree(source, temporary)
        if missing:
            missing += [
                f"  {path}{self._describe(name, None)}"
                for name in self._published.files
                if not (path := Path(self.raw_dir) / name).is_file()
            ]
            raise FileNotFoundError(self._missing_message(missing))
        super().download()

    def process(self) -> None:
        """Read and check the raw files and store the graph in one step."""
        content = self._published.read(Path(self.raw_dir))
        self._store(_graph(self.name, self._published, content))

    def _checksums(self) -> dict[str, str | None]:
        return dict.fromkeys(self._published.files)

    def _candidates(self, name: str) -> Iterator[Path]:
        if self._source is None:
            return
        yield self._source / name
        # The texts of OGB are passed around unpacked, too: what a file is tells its content.
        for wanted in (name, name.removesuffix(".gz")):
            yield from sorted(self._source.rglob(wanted))

    def _describe(self, name: str, digest: str | None) -> str:
        return f"  ({self._published.files[name]})"


def _graph(name: str, published: Published, content: Content) -> Data:
    """The graph, its sizes checked."""
    count, classes = len(content.texts), len(content.label_names)
    if (count, classes) != (published.num_nodes, published.num_classes):
        raise ValueError(
            f"{name} must have {published.num_nodes} nodes and {published.num_classes} classes, "
            f"its files have {count} and {classes}: are they of another version?"
        )
    y = content.y.long()
    if y.shape != (count,) or not -1 <= int(y.min()) <= int(y.max()) < classes:
        raise ValueError(f"{name} must have a class below {classes} per node, got {y.shape[0]} "
                         f"labels from {int(y.min())} to {int(y.max())}")  # fmt: skip
    pairs = check_edge_index(content.pairs.long(), count, name=f"edges of {name}")
    edge_index = to_undirected(remove_self_loops(pairs)[0], num_nodes=count)
    if published.num_edges is not None and edge_index.size(1) != 2 * published.num_edges:
        raise ValueError(
            f"{name} must have {published.num_edges} edges, its files have "
            f"{edge_index.size(1) // 2}: are they of another version?"
        )
    bare = [i for i, text in enumerate(content.texts) if not text.strip()]
    if bare:
        raise ValueError(f"{name} has {len(bare)} nodes without text: {bare[:10]}")
    prompt = label_prompt(name)
    names = prompt.readable(content.label_names)
    data = Data(edge_index=edge_index, y=y, num_nodes=count)
    data.text, data.node_id, data.label_names = content.texts, content.ids, names
    if set(names) <= set(prompt.descriptions):
        data.label_descriptions = [prompt.descriptions[label] for label in names]
    for part, mask in content.masks.items():
        data[f"{part}_mask"] = mask
    return data
