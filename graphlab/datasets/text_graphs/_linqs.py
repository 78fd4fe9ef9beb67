"""Cora and PubMed in the order of LINQS, with the texts that TAPE puts beside them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import torch
from torch import Tensor

from graphlab._text_file import open_text, read_text
from graphlab.datasets.text_graphs._published import Content
from graphlab.datasets.text_graphs._tables import joined

__all__: list[str] = []

_CORA_CLASSES = [
    "Case_Based", "Genetic_Algorithms", "Neural_Networks", "Probabilistic_Methods",
    "Reinforcement_Learning", "Rule_Learning", "Theory",
]  # fmt: skip
_PUBMED_CLASSES = ["Experimental", "Type 1", "Type 2"]
_HEADER = 2  # lines of the files of PubMed


def read_cora(folder: Path) -> Content:
    """``cora.content`` and ``cora.cites``; titles and abstracts are those of McCallum's files.

    Raises:
        ValueError: If a paper has no file or no text, or a class is unknown.
    """
    ids, classes = [], []
    with open_text(folder / "cora.content") as file:
        for line in file:
            words = line.split()
            ids.append(words[0])
            classes.append(words[-1])
    unknown = sorted(set(classes) - set(_CORA_CLASSES))
    if unknown:
        raise ValueError(f"{folder / 'cora.content'} has unknown classes {unknown[:5]}")
    y = torch.tensor([_CORA_CLASSES.index(name) for name in classes], device="cpu")
    texts = _extracted(folder, ids)
    with open_text(folder / "cora.cites") as file:
        named = [tuple(line.split()) for line in file if line.strip()]
    return Content(texts, ids, _pairs(named, ids), y, list(_CORA_CLASSES))


def _extracted(folder: Path, ids: list[str]) -> list[str]:
    path = folder / "papers"
    with open_text(path, "latin-1") as file:
        rows = [line.split("\t") for line in file]
    names = {row[0]: row[1] for row in rows if len(row) > 1}
    missing = [name for name in ids if name not in names]
    if missing:
        raise ValueError(f"{path} lacks {len(missing)} of {len(ids)} papers: {missing[:5]}")
    texts = [_title_and_abstract(folder / "extractions" / names[name]) for name in ids]
    bare = [name for name, text in zip(ids, texts, strict=True) if not text]
    if bare:
        raise ValueError(f"{folder / 'extractions'}: {len(bare)} papers have neither title nor "
                         f"abstract: {bare[:5]}")  # fmt: skip
    return texts


def _title_and_abstract(path: Path) -> str:
    content = read_text(path, "latin-1")
    found = {name: re.search(rf"^{name}:(.*)$", content, re.MULTILINE)
             for name in ("Title", "Abstract")}  # fmt: skip
    title, abstract = (match[1] if match else "" for match in found.values())
    return joined(title, abstract)


def read_pubmed(folder: Path) -> Content:
    """``Pubmed-Diabetes.*.tab``, and titles and abstracts (``TI``, ``AB``) of ``pubmed.json``.

    Raises:
        ValueError: If papers have no text, or the two follow different orders.
    """
    path = folder / "Pubmed-Diabetes.NODE.paper.tab"
    rows = [line.split("\t") for line in read_text(path).splitlines()[_HEADER:] if line.strip()]
    ids = [row[0].strip() for row in rows]
    labels = [row[1].strip() for row in rows]
    if set(labels) - {"label=1", "label=2", "label=3"}:
        raise ValueError(f"{path} must have labels 1 to 3, got {sorted(set(labels))[:5]}")
    y = torch.tensor([int(word[-1]) - 1 for word in labels], device="cpu")
    edges = folder / "Pubmed-Diabetes.DIRECTED.cites.tab"
    named = [
        tuple(re.findall(r"paper:(\d+)", line)) for line in read_text(edges).splitlines()[_HEADER:]
    ]
    texts = _articles(folder / "pubmed.json", ids)
    return Content(texts, ids, _pairs(named, ids), y, list(_PUBMED_CLASSES))


def _articles(path: Path, ids: list[str]) -> list[str]:
    """Texts in the order of the graph: by id where the articles have one, which is checked."""
    articles = json.loads(read_text(path))
    if not isinstance(articles, list) or len(articles) != len(ids):
        raise ValueError(f"{path} must hold a list of {len(ids)} articles")
    named = [str(article.get("PMID") or "").strip() for article in articles]
    if all(named) and named != ids:
        if set(named) != set(ids):
            raise ValueError(f"{path} holds other articles than the graph: {named[:3]}")
        place = {name: i for i, name in enumerate(named)}
        articles = [articles[place[name]] for name in ids]
    texts = [joined(article.get("TI") or "", article.get("AB") or "") for article in articles]
    bare = [name for name, text in zip(ids, texts, strict=True) if not text]
    if bare:
        raise ValueError(f"{path}: {len(bare)} articles have neither title nor abstract: "
                         f"{bare[:5]}")  # fmt: skip
    return texts


def _pairs(named: list[tuple[str, ...]], ids: list[str]) -> Tensor:
    """Edges between the nodes that are there."""
    place = {name: i for i, name in enumerate(ids)}
    rows = [
        [place[ends[0]], place[ends[1]]]
        for ends in named
        if len(ends) == 2 and ends[0] in place and ends[1] in place
    ]
    return torch.tensor(rows, dtype=torch.int64, device="cpu").view(-1, 2).t().contiguous()
