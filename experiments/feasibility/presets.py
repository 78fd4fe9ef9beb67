"""Sources and targets whose distances are measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Config:
    """Settings; the defaults are those of :func:`graphlab.tag.feasibility.feasibility`.

    Attributes:
        data (str): Folder of the text graphs, only read.
        sources (tuple[str, ...]): Graphs that a model would learn from; a target is left out of its
            own sources.
        targets (tuple[str, ...]): Graphs to be served.
        encoder (str): Model of :class:`graphlab.tag.TextEncoder`.
        resolution (int): Steps of the graphons.
        method (str): ``blocks`` or ``usvt``.
        num_egos (int, optional): Neighbourhoods that stand for a graph; None compares whole graphs.
        num_hops (int): Their radius.
        max_nodes (int): Their largest size.
        num_texts (int): Nodes of a graph whose texts are compared.
    """

    data: str = "data/text_graphs"
    sources: tuple[str, ...] = ("citeseer_m10", "hepth", "wn18rr", "python_stdlib")
    targets: tuple[str, ...] = ("cora", "webkb_cornell", "webkb_texas", "python_stdlib")
    encoder: str = "all-MiniLM-L6-v2"
    resolution: int = 32
    method: Literal["blocks", "usvt"] = "blocks"
    num_egos: int | None = 1000
    num_hops: int = 2
    max_nodes: int = 200
    num_texts: int = 1000


PRESETS: dict[str, Config] = {
    "text_graphs": Config(),
    "whole": Config(num_egos=None),
    # Embedded and quick: shows that a figure repeats, not how near anything is.
    "smoke": Config(
        sources=("python_stdlib.even", "python_stdlib.odd"),
        targets=("python_stdlib",),
        encoder="hashing",
        num_egos=50,
        num_texts=100,
    ),
}
