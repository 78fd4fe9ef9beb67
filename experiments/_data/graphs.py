"""One reader for the attributed graphs that PyG has classes for, and two that need no file."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx as nx
import torch
from torch_geometric.data import Data
from torch_geometric.datasets import (
    Amazon,
    AttributedGraphDataset,
    Coauthor,
    KarateClub,
    Planetoid,
    WikiCS,
)

#: Name: class, folder below the root, name the class knows, folder of the set below that.
_SETS: dict[str, tuple[Any, str, str, str]] = {
    "cora": (Planetoid, "planetoid", "Cora", "Cora"),
    "citeseer": (Planetoid, "planetoid", "CiteSeer", "CiteSeer"),
    "pubmed": (Planetoid, "planetoid", "PubMed", "PubMed"),
    "photo": (Amazon, "Amazon", "Photo", "Photo"),
    "computers": (Amazon, "Amazon", "Computers", "Computers"),
    "cs": (Coauthor, "Coauthor", "CS", "CS"),
    "physics": (Coauthor, "Coauthor", "Physics", "Physics"),
    "blogcatalog_attr": (AttributedGraphDataset, "AttributedGraph", "BlogCatalog", "blogcatalog"),
    "flickr_attr": (AttributedGraphDataset, "AttributedGraph", "Flickr", "flickr"),
    "wikics": (WikiCS, "WikiCS", "", ""),
}
NAMES = tuple(_SETS)
PUBLIC_SPLIT = ("cora", "citeseer", "pubmed")


def read_graph(
    name: str,
    root: str | Path,
    source: str | Path | None = None,
    transform: Callable[[Data], Data] | None = None,
) -> Data:
    """Read a graph through PyG's own class.

    Args:
        name (str): One of ``NAMES``.
        root (str | Path): Folder of all data sets; must be writable, because PyG stores what it has
            read.
        source (str | Path, optional): Folder of the same layout to copy missing raw files from;
            only read. Without it a missing set is fetched by PyG.
        transform (callable, optional): Applied to the graph.

    Returns:
        Data: The graph, dense features.

    Raises:
        ValueError: If the name is unknown.
    """
    if name not in _SETS:
        raise ValueError(f"dataset must be one of {', '.join(NAMES)}, got {name!r}")
    kind, folder, known_as, below = _SETS[name]
    target = Path(root) / folder
    if source is not None:
        _copy_raw(Path(source) / folder / below / "raw", target / below / "raw")
    data: Data = (kind(str(target), known_as) if known_as else kind(str(target)))[0]
    if data.x is not None and data.x.layout != torch.strided:
        data.x = data.x.to_dense()
    return data if transform is None else transform(data)


def karate() -> Data:
    """The karate club, one-hot features, four groups as classes."""
    data: Data = KarateClub()[0]
    return data


def les_miserables() -> tuple[Data, list[str]]:
    """Characters that appear together, and their names."""
    graph = nx.les_miserables_graph()
    number = {name: i for i, name in enumerate(graph)}
    edges = torch.tensor([(number[u], number[v]) for u, v in graph.edges]).t()
    both = torch.cat([edges, edges.flip(0)], dim=1)
    return Data(edge_index=both, num_nodes=len(number)), list(number)


def _copy_raw(source: Path, target: Path) -> None:
    if target.is_dir() or not source.is_dir():
        return
    target.mkdir(parents=True)
    for path in sorted(source.iterdir()):
        if path.is_file():  # contents alone: the source may be read-only, the copy must not be
            shutil.copyfile(path, target / path.name)
