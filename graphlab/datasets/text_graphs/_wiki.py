"""WikiCS: the words of its articles, and the links between them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from graphlab._text_file import read_text
from graphlab.datasets.text_graphs._published import Content
from graphlab.datasets.text_graphs._tables import joined

__all__: list[str] = []


def read_wikics(folder: Path) -> Content:
    """``metadata.json`` (titles, words, classes) and ``data.json`` (labels, links), in one order.

    Raises:
        ValueError: If the two files do not fit together.
    """
    described = _object(folder / "metadata.json", ("nodes", "labels"))
    data = _object(folder / "data.json", ("labels", "links"))
    nodes, labels, links = described["nodes"], data["labels"], data["links"]
    if not len(nodes) == len(labels) == len(links):
        raise ValueError(
            f"{folder} must hold one graph: metadata.json has {len(nodes)} nodes, data.json "
            f"{len(labels)} labels and {len(links)} lists of links"
        )
    names = [described["labels"][str(i)] for i in range(len(described["labels"]))]
    y = torch.tensor(labels, dtype=torch.int64, device="cpu")
    if [str(node["label"]) for node in nodes] != [names[i] for i in labels]:
        raise ValueError(f"{folder}: metadata.json and data.json have other classes or orders")
    pairs = [[i, j] for i, ends in enumerate(links) for j in ends]
    return Content(
        [joined(node["title"], " ".join(node["tokens"])) for node in nodes],
        [str(node["id"]) for node in nodes],
        torch.tensor(pairs, dtype=torch.int64, device="cpu").view(-1, 2).t().contiguous(),
        y,
        names,
    )


def _object(path: Path, keys: tuple[str, ...]) -> dict[str, Any]:
    try:
        content = json.loads(read_text(path))
    except ValueError as error:
        raise ValueError(f"{path} is no JSON file: {error}") from error
    if not isinstance(content, dict) or not set(keys) <= set(content):
        raise ValueError(f"{path} must hold an object with {list(keys)}")
    return content
