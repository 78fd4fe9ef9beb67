"""Text graphs of the GraphCLIP scripts, with the sentences that name their classes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from graphlab._io import read_json, user_path
from graphlab.datasets import python_stdlib
from graphlab.tag import TextGraph

#: Stands for the standard library of the running Python, which needs no folder.
EMBEDDED = "python_stdlib"


@dataclass(frozen=True)
class TextSet:
    """A text graph and how its classes are put into words.

    Attributes:
        name (str): Of the folder, or of the embedded graph.
        graph (TextGraph): The graph; ``label_names`` are readable.
        template (str): Sentence with ``{c}``.
        join (str): Between sentence and description.
        descriptions (dict[str, str], optional): By class name, or None.
    """

    name: str
    graph: TextGraph
    template: str = "{c}"
    join: str = ". "
    descriptions: dict[str, str] | None = None

    @property
    def texts(self) -> list[str]:
        """One per node."""
        return list(self.graph.text)

    @property
    def y(self) -> Tensor:
        """Classes, ``(N,)``; -1 where unknown."""
        known: Tensor | None = self.graph.y
        return torch.full((len(self.graph.text),), -1) if known is None else known

    @property
    def class_names(self) -> list[str]:
        """Readable names."""
        return list(self.graph.label_names) if "label_names" in self.graph else []


@cache
def stdlib() -> Any:
    """The standard library as data."""
    # Parsing all modules takes seconds, and a script asks several times; nobody changes it.
    return python_stdlib()


def load_text_set(path: str | Path, edges: str = "edges.csv") -> TextSet:
    """Read a folder, or the embedded graph.

    A folder holds ``nodes.csv`` (``id``, ``text``, maybe ``label``), ``edges.csv`` (``src``,
    ``dst``), for classification ``classes.json`` (the names, in order) and maybe
    ``label_prompts.json`` (``template``, ``join``, ``descriptions`` by class).

    Args:
        path (str | Path): The folder, its table of nodes, or ``"python_stdlib"``.
        edges (str): File of the edges in the folder.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file is malformed; the message names it.
    """
    if str(path) == EMBEDDED:
        data = stdlib()
        graph = TextGraph.from_data(data, data.text, label_names=data.label_names)
        return TextSet(EMBEDDED, graph, template="Python modules: {c}")
    given = user_path(path)
    folder = given.parent if given.suffix == ".csv" else given
    if not given.exists():
        raise FileNotFoundError(
            f"there is no graph {given}: name a folder with nodes.csv (id, text, label), edges.csv "
            f"(src, dst) and classes.json, its table of nodes, or {EMBEDDED}"
        )
    classes = folder / "classes.json"
    names = read_json(classes) if given.is_file() and classes.is_file() else None
    graph = TextGraph.from_csv(given, folder / edges, label_names=names)
    if "label_names" in graph:
        graph.label_names = [name.replace("_", " ") for name in graph.label_names]
    if not (folder / "label_prompts.json").exists():
        return TextSet(folder.name, graph)
    prompts = read_json(folder / "label_prompts.json")
    described = prompts.get("descriptions")
    return TextSet(
        folder.name,
        graph,
        prompts.get("template", "{c}"),
        prompts.get("join", ". "),
        described and {name.replace("_", " "): text for name, text in described.items()},
    )


def set_path(data: str, name: str) -> str:
    """Path of a graph in a data folder; the embedded one keeps its name."""
    return name if name == EMBEDDED else str(Path(data) / name)
