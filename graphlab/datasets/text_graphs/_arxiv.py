"""ogbn-arxiv with titles and abstracts, and arxiv-2023 of TAPE."""

from __future__ import annotations

from pathlib import Path

import torch

from graphlab._text_file import open_text
from graphlab.datasets.text_graphs._bundle import bundle_of
from graphlab.datasets.text_graphs._published import Content
from graphlab.datasets.text_graphs._tables import column, joined, mask_of, records, whole_numbers
from graphlab.datasets.text_graphs.label_prompt import ARXIV_ORDER

__all__: list[str] = []

_SPLIT = {"train": "train", "val": "valid", "test": "test"}


def read_ogbn_arxiv(folder: Path) -> Content:
    """The folders of OGB, and ``titleabs.tsv.gz`` beside them.

    Raises:
        ValueError: If papers have no text, or files do not fit together.
    """
    mapping = folder / "mapping" / "nodeidx2paperid.csv.gz"
    paper = [row["paper id"] for row in records(mapping)]
    path = folder / "titleabs.tsv.gz"
    texts = _titles_and_abstracts(path)
    missing = [name for name in paper if name not in texts]
    if missing:
        raise ValueError(f"{path} lacks {len(missing)} of {len(paper)} papers: {missing[:5]}")
    names_file = folder / "mapping" / "labelidx2arxivcategeory.csv.gz"  # sic
    names = [_category(row["arxiv category"]) for row in records(names_file)]
    parts = {name: folder / "split" / "time" / f"{file}.csv.gz" for name, file in _SPLIT.items()}
    return Content(
        [texts[name] for name in paper],
        paper,
        whole_numbers(folder / "raw" / "edge.csv.gz").t().contiguous(),
        whole_numbers(folder / "raw" / "node-label.csv.gz").view(-1),
        names,
        {name: mask_of(whole_numbers(p), len(paper), p) for name, p in parts.items()},
    )


def _category(words: str) -> str:
    """``"arxiv cs na"`` as ``"cs.NA"``."""
    return "cs." + words.split()[-1].upper()


def _titles_and_abstracts(path: Path) -> dict[str, str]:
    """Texts by paper. The file is an archive of one file under another name.

    So what stands before the first paper is a header of zeros and names, and zeros follow the last.
    """
    texts = {}
    with open_text(path) as file:
        for line in file:
            fields = line.rstrip("\r\n").split("\t")
            if len(fields) == 3:
                texts[fields[0].rpartition("\0")[2].strip()] = joined(fields[1], fields[2])
    if not texts:
        raise ValueError(f"{path} must hold rows of a paper id, title and abstract between tabs")
    return texts


def read_arxiv_2023(folder: Path) -> Content:
    """The graph of TAPE as PyG stores it, and the table of papers in its order.

    Raises:
        ValueError: If the two differ in their papers, or a file is malformed.
    """
    graph = bundle_of(folder / "graph.pt")
    path = folder / "paper_info.csv"
    texts = [
        joined(column(row, ("title",), path), column(row, ("abstract",), path))
        for row in records(path)
    ]
    y = torch.as_tensor(graph["y"], device="cpu").view(-1)
    if len(texts) != y.numel():
        raise ValueError(f"{path} must have {y.numel()} papers, as graph.pt has, got {len(texts)}")
    names = [f"cs.{key}" for key in ARXIV_ORDER]
    return Content(texts, [str(i) for i in range(len(texts))], graph["edge_index"], y, names)
