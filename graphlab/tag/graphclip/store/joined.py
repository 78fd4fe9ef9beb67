"""Stores put one after the other without being in memory together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from graphlab.tag.graphclip.store.files import Array, Pieces
from graphlab.tag.graphclip.store.packed_rows import join_pointers

__all__: list[str] = []


def joined_pieces(
    stores: Sequence[Mapping[str, Array]], offsets: Sequence[int]
) -> dict[str, Pieces]:
    """Arrays of several stores as those of one, by name.

    Args:
        stores (Sequence[Mapping[str, Array]]): Arrays of each by name, at least one.
        offsets (Sequence[int]): Numbers to add to the node ids of each.
    """
    node_ptr, edge_ptr = (
        join_pointers([s[name].astype(np.int64, copy=False) for s in stores])
        for name in ("node_ptr", "edge_ptr")
    )
    # The widest local ids of all, so that no subgraph is cut.
    wide = max((s["edge"].dtype for s in stores), key=lambda dtype: dtype.itemsize)
    ids = np.dtype(np.int32)
    count = sum(s["root"].size for s in stores)
    return {
        "node_ptr": Pieces(node_ptr.shape, node_ptr.dtype, lambda: [node_ptr]),
        "node": Pieces((int(node_ptr[-1]),), ids, partial(_moved, stores, offsets)),
        "edge_ptr": Pieces(edge_ptr.shape, edge_ptr.dtype, lambda: [edge_ptr]),
        "edge": Pieces(
            (2, int(edge_ptr[-1])),
            np.dtype(wide),
            lambda: (s["edge"][end] for end in (0, 1) for s in stores),
        ),
        "root": Pieces((count,), ids, lambda: (s["root"] for s in stores)),
    }


def _moved(stores: Sequence[Mapping[str, Array]], offsets: Sequence[int]) -> Iterator[Array]:
    """Node ids of one store after the other, moved where they have to be."""
    for s, offset in zip(stores, offsets, strict=True):
        yield s["node"] + np.int32(offset) if offset else s["node"]
