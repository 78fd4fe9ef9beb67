"""Lists of texts that follow their nodes and edges through PyG's transforms."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data.storage import GlobalStorage
from torch_geometric.utils import coalesce

from graphlab._stored_texts import StoredTexts, chosen, concatenated

__all__: list[str] = []

# Owners of the entries. PyG goes by lengths, which are equal by chance: a ring has as many edges
# as nodes, and a small graph as many nodes as classes.
_OWNER = {
    "text": "node",
    "node_id": "node",
    "edge_text": "edge",
    "label_names": "graph",
    "label_descriptions": "graph",
}


class Entries(list[Any]):
    """A list that is indexed and joined as PyG's transforms do it with tensors."""

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Entries(super().__getitem__(index))
        if not isinstance(index, (Tensor, np.ndarray)) or index.ndim == 0:
            return super().__getitem__(index)
        places: Any = chosen(index, len(self))
        return Entries(list.__getitem__(self, i) for i in places.tolist())

    @classmethod
    def __torch_function__(
        cls,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Entries:
        return Entries(concatenated(func, args))

    def size(self) -> NoReturn:
        """Refuse what PyG does next: add up the entries of repeated edges."""
        raise TypeError(
            "edge_text cannot be merged where an edge is there twice, as texts have no sum: remove "
            "it first (del graph.edge_text), or the repeats (graph.coalesce() keeps the first text)"
        )


class TextStorage(GlobalStorage):  # type: ignore[misc]
    """The storage of a ``TextGraph``: it knows which lists belong to nodes and which to edges."""

    def __setitem__(self, key: str, value: Any) -> None:
        # Batches hold a list of lists.
        nested = (list, StoredTexts)
        if key in _OWNER and type(value) is list and not (value and isinstance(value[0], nested)):
            value = Entries(value)
        super().__setitem__(key, value)

    def apply(self, func: Callable[..., Any], *args: str) -> TextStorage:
        """Apply a function to all attributes, or to some; there are no tensors among texts."""
        listed = [key for key in self.keys(*args) if _is_list(self, key)]
        for key in listed:  # a clone has lists of its own
            self[key] = self[key][:]
        keys = [key for key in self.keys(*args) if key not in listed]
        return super().apply(func, *keys) if keys else self

    def apply_(self, func: Callable[..., Any], *args: str) -> TextStorage:
        """Apply a function in place, see :meth:`apply`."""
        keys = [key for key in self.keys(*args) if not _is_list(self, key)]
        return super().apply_(func, *keys) if keys else self

    def is_node_attr(self, key: str) -> bool:
        """Whether the entries are those of the nodes."""
        if _is_list(self, key):
            return _OWNER[key] == "node" and len(self[key]) == self.num_nodes
        return bool(super().is_node_attr(key))

    def is_edge_attr(self, key: str) -> bool:
        """Whether the entries are those of the edges."""
        if _is_list(self, key):
            return _OWNER[key] == "edge" and len(self[key]) == self.num_edges
        return bool(super().is_edge_attr(key))

    def coalesce(self, reduce: str = "sum") -> TextStorage:
        """Sort the edges and merge repeats; the first of their texts stays."""
        if "edge_text" in self:
            position = torch.arange(self.num_edges, device=self.edge_index.device)
            _, first = coalesce(self.edge_index, position, self.num_nodes, reduce="min")
            self["edge_text"] = self["edge_text"][first]
        super().coalesce(reduce)
        return self

    def concat(self, other: Any) -> TextStorage:
        """Append another graph, whose classes must be the same."""
        keep = {key: self[key] for key in _OWNER if _OWNER[key] == "graph" and key in self}
        for key, value in keep.items():
            if key in other and other[key] != value:
                raise ValueError(f"{key} must be the same in both graphs, got {value} and "
                                 f"{other[key]}")  # fmt: skip
        other = copy.copy(other)
        for store in (self, other):  # two files are joined in memory
            for key in _OWNER:
                if isinstance(store.get(key), StoredTexts):
                    store[key] = list(store[key])
        super().concat(other)
        for key, value in keep.items():
            self[key] = value
        return self


def _is_list(store: GlobalStorage, key: str) -> bool:
    return key in _OWNER and isinstance(store[key], (list, StoredTexts))
