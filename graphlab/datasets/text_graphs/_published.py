"""Sizes and files of the text graphs, and what their readers return."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

__all__: list[str] = []


@dataclass
class Content:
    """What the files of a graph hold.

    Attributes:
        texts (list[str]): N texts.
        ids (list[str]): N names of nodes.
        pairs (Tensor): Edges ``(2, E)`` as published.
        y (Tensor): Classes ``(N,)``.
        label_names (list[str]): Names of the classes in the files.
        masks (dict[str, Tensor]): Masks ``(N,)`` of a published split, or nothing.
    """

    texts: list[str]
    ids: list[str]
    pairs: Tensor
    y: Tensor
    label_names: list[str]
    masks: dict[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Published:
    """A graph as it was published.

    Attributes:
        files (Mapping[str, str]): Where each raw file comes from, by its path in the raw folder.
        read (Callable): Reader of the raw folder.
        num_nodes (int): N.
        num_classes (int): C.
        num_edges (int, optional): Undirected edges without loops and repeats, where known.
        folders (Mapping[str, str]): Raw folders with a file per node, likewise.
    """

    files: Mapping[str, str]
    read: Callable[[Path], Content]
    num_nodes: int
    num_classes: int
    num_edges: int | None = None
    folders: Mapping[str, str] = field(default_factory=dict)
