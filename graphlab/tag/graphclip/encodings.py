"""Positional encodings of all subgraphs of a store, made once and kept in half precision."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphlab._distributed import all_gather_rows, is_distributed, rank, world_size
from graphlab._feature_rows import FeatureRows
from graphlab._progress import track
from graphlab.tag.embedding import EmbeddingStore
from graphlab.tag.embedding._shards import write_computed
from graphlab.tag.graphclip.positional import random_walk_encoding
from graphlab.tag.graphclip.store import SubgraphStore

__all__: list[str] = []

#: Rows of a shard on disk: 16 MB at 32 steps, some minutes of work at most.
SHARD = 2**18
_DTYPE = "float16"
#: Nodes whose encodings are computed together.
_NODES = 2**14

Ints = NDArray[np.int64]


def store_encodings(
    store: SubgraphStore, walk_length: int, *, shared: str | torch.device | None = None
) -> FeatureRows:
    """Encodings of every node of every subgraph, ``(total, walk_length)`` float16.

    A probability of return is stored with a relative error of at most 2^-11 (an absolute one of
    2^-25 below 2^-14). A store that was loaded keeps them in its folder, and they are made at the
    first call only, shard by shard; for one in memory the result is a tensor.

    Args:
        store (SubgraphStore): The subgraphs.
        walk_length (int): Steps K of the walk.
        shared (str or torch.device, optional): All processes make this call and share the work;
            where they exchange tensors. None works alone.
    """
    count, total = len(store), int(store.node.shape[0])
    process = (0, 1) if shared is None else (rank(), world_size())
    home = store.home
    if home is None:
        return _in_memory(store, walk_length, process, shared)

    def rows(start: int, stop: int) -> NDArray[np.float16]:
        """Rows of the nodes from ``start`` on; the first and last subgraph may lie across."""
        first = int(np.searchsorted(store.node_ptr, start, side="right")) - 1
        last = min(count, int(np.searchsorted(store.node_ptr, stop, side="left")))
        skipped = int(store.node_ptr[first])
        return encode_positions(store, walk_length, first, last).numpy()[
            start - skipped : stop - skipped
        ]

    folder = home.encodings(walk_length)
    settings = {"subgraphs": home.name, "walk_length": walk_length}
    write_computed(folder, (total, walk_length), settings, SHARD, _DTYPE, process, rows)
    if shared is not None and is_distributed():
        torch.distributed.barrier()
    return EmbeddingStore(folder)


def _in_memory(
    store: SubgraphStore,
    walk_length: int,
    process: tuple[int, int],
    device: str | torch.device | None,
) -> Tensor:
    number, of = process
    ends = np.linspace(0, len(store), of + 1).astype(int)
    own = encode_positions(store, walk_length, int(ends[number]), int(ends[number + 1]))
    return own if of == 1 else all_gather_rows(own.to(device)).cpu()


def encode_positions(
    store: SubgraphStore, walk_length: int, first: int = 0, last: int | None = None
) -> Tensor:
    """Encodings of consecutive subgraphs, ``(nodes, K)`` float16."""
    stop = len(store) if last is None else last
    start, end = int(store.node_ptr[first]), int(store.node_ptr[stop])
    out = torch.empty(end - start, walk_length, dtype=torch.float16, device="cpu")
    for part in track(
        chunks_by_nodes(store.node_ptr, np.arange(first, stop), _NODES),
        "positions",
        unit="batches",
    ):
        rows = store.batch(torch.from_numpy(part))
        values = random_walk_encoding(rows.edge_index, rows.batch, part.size, walk_length)
        out[rows.node_row - start] = values.half()
    return out


def chunks_by_nodes(node_ptr: Ints, order: Ints, limit: int) -> list[Ints]:
    """Cut subgraphs, in a given order, into runs of at most ``limit`` nodes (or one subgraph)."""
    total = np.cumsum(node_ptr[order + 1] - node_ptr[order])
    parts, start = [], 0
    while start < order.size:
        used = total[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(total, used + limit, side="right")))
        parts.append(order[start:stop])
        start = stop
    return parts
