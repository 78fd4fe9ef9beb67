"""Graphs that were stored whole, as objects of PyG, with their texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from graphlab.datasets.text_graphs._published import Content

__all__: list[str] = []

_TEXTS = ("raw_texts", "raw_text", "texts", "text")
_NAMES = ("label_names", "label_name", "category_names")
_PLAIN = (
    "torch.save({{key: data[key] for key in data.keys()}}, {name!r}) stores a graph that you trust "
    "in a form that can be read without running what it holds"
)


def bundle_of(path: Path) -> dict[str, Any]:
    """Attributes of a stored PyG ``Data``, or a dict; nothing else is unpickled.

    Raises:
        ValueError: If the file holds other objects, or no edges.
    """
    from torch_geometric.data.data import Data, DataEdgeAttr, DataTensorAttr
    from torch_geometric.data.storage import GlobalStorage

    # Those that PyG allows already would be forbidden at the end.
    allowed = torch.serialization.get_safe_globals()
    parts = (Data, DataEdgeAttr, DataTensorAttr, GlobalStorage)
    known = [part for part in parts if part not in allowed]
    try:
        with torch.serialization.safe_globals(known):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever is wrong with the file, the remedy is the same
        remedy = _PLAIN.format(name=path.name)
        reason = (str(error).splitlines() or [type(error).__name__])[-1][:200]
        raise ValueError(f"{path} cannot be read safely: {reason}; {remedy}") from error
    found: dict[str, Any] = content.to_dict() if isinstance(content, Data) else content
    if not isinstance(found, dict) or not {"edge_index", "y"} <= set(found):
        keys = sorted(found) if isinstance(found, dict) else type(found).__name__
        raise ValueError(f"{path} must hold a graph with edge_index and y, got {keys}")
    if not isinstance(found["edge_index"], Tensor):
        raise ValueError(f"{path} must hold edge_index as a tensor, got "
                         f"{type(found['edge_index']).__name__}")  # fmt: skip
    return found


def read_bundle(path: Path) -> Content:
    """Texts, labels, edges and names of classes of a stored graph.

    Raises:
        ValueError: If it has no texts, or no names.
    """
    found = bundle_of(path)
    texts = _first(found, _TEXTS, path)
    names = _first(found, _NAMES, path)
    y = torch.as_tensor(found["y"], device="cpu").view(-1).long()
    ids = [str(i) for i in range(len(texts))]
    named = [str(name) for name in names]
    return Content([str(text) for text in texts], ids, found["edge_index"], y, named)


def _first(found: dict[str, Any], names: tuple[str, ...], path: Path) -> Any:
    for name in names:
        if found.get(name) is not None:
            return found[name]
    raise ValueError(f"{path} must hold one of {list(names)}, it holds {sorted(found)!s:.400}")
