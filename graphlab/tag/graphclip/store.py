"""Subgraphs packed into a few arrays, in memory or mapped from disk."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphlab._checks import check_choice, check_edge_index, check_index, check_int
from graphlab._download import sha256_of
from graphlab._io import atomic_path, file_lock, read_json, sweep_stale, write_json

__all__ = ["Subgraph", "SubgraphBatch", "SubgraphStore"]

Array = NDArray[np.int64] | NDArray[np.int32]
_FIELDS = ("node_ptr", "node", "edge_ptr", "edge", "root")
_FORMAT = "graphlab.subgraphs"
_OWN_FILE = re.compile(rf"({'|'.join(_FIELDS)})(-[0-9a-f]{{16}})?\.npy")


class Subgraph(NamedTuple):
    """One subgraph.

    Attributes:
        node: Global node ids, int64 ``(n,)``.
        edge_index: Local ids, int64 ``(2, e)``.
        root: Local id of the node it was drawn for.
    """

    node: Tensor
    edge_index: Tensor
    root: int


class SubgraphBatch(NamedTuple):
    """Several subgraphs as one graph without edges between them.

    Attributes:
        subgraph: Which subgraphs of the store, int64 ``(B,)``.
        node: Global node ids, int64 ``(n,)``.
        edge_index: Ids within the batch, int64 ``(2, e)``.
        batch: Subgraph of every node, int64 ``(n,)``, ascending.
        root_index: Id within the batch of every root, int64 ``(B,)``.
        node_row: Row of every node in the arrays of the store, int64 ``(n,)``.
    """

    subgraph: Tensor
    node: Tensor
    edge_index: Tensor
    batch: Tensor
    root_index: Tensor
    node_row: Tensor


@dataclass(frozen=True)
class SubgraphStore:
    """Subgraphs in compressed rows: 4 bytes a node and 4 or 8 an edge.

    Attributes:
        node_ptr: int64 ``(P + 1,)``; subgraph i has the nodes ``node[node_ptr[i]:node_ptr[i +
            1]]``.
        node: Global ids, int32.
        edge_ptr: int64 ``(P + 1,)``.
        edge: Local ids, int16 or int32 ``(2, total)``.
        root: Local id of the root, int32 ``(P,)``.

    Build it with :class:`~graphlab.tag.SubgraphSampler` or :meth:`from_edges`.
    """

    node_ptr: NDArray[np.int64]
    node: NDArray[np.int32]
    edge_ptr: NDArray[np.int64]
    edge: NDArray[np.int32] | NDArray[np.int16]
    root: NDArray[np.int32]

    def __len__(self) -> int:
        return int(self.root.shape[0])

    def __getitem__(self, i: int) -> Subgraph:
        i = range(len(self))[i]
        nodes = self.node[self.node_ptr[i] : self.node_ptr[i + 1]]
        edges = self.edge[:, self.edge_ptr[i] : self.edge_ptr[i + 1]]
        return Subgraph(_tensor(nodes), _tensor(edges), int(self.root[i]))

    @property
    def sizes(self) -> Tensor:
        """Number of nodes of every subgraph, int64 ``(P,)``."""
        return torch.from_numpy(np.diff(self.node_ptr))

    @property
    def center(self) -> Tensor:
        """Global id of every root, int64 ``(P,)``."""
        return _tensor(self.node[self.node_ptr[:-1] + self.root])

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(int(getattr(self, name).nbytes) for name in _FIELDS)

    def batch(self, index: Tensor | Sequence[int]) -> SubgraphBatch:
        """Join the subgraphs ``index`` into one graph; O(nodes + edges) without a Python loop.

        Raises:
            IndexError: If an index is out of range.
        """
        chosen = check_index(torch.as_tensor(index), len(self), "index")
        rows = chosen.numpy()
        node_at, owner, start = _ranges(self.node_ptr, rows)
        edge_at, edge_owner, _ = _ranges(self.edge_ptr, rows)
        edges = self.edge[:, edge_at].astype(np.int64) + start[edge_owner]
        return SubgraphBatch(
            chosen,
            _tensor(self.node[node_at]),
            torch.from_numpy(edges),
            torch.from_numpy(owner),
            torch.from_numpy(start[:-1] + self.root[rows]),
            torch.from_numpy(node_at),
        )

    def select(self, index: Tensor | Sequence[int]) -> SubgraphStore:
        """Copy some subgraphs into a store of their own."""
        rows = check_index(torch.as_tensor(index), len(self), "index").numpy()
        node_at, _, node_ptr = _ranges(self.node_ptr, rows)
        edge_at, _, edge_ptr = _ranges(self.edge_ptr, rows)
        return SubgraphStore(
            node_ptr, self.node[node_at], edge_ptr, self.edge[:, edge_at], self.root[rows]
        )

    @staticmethod
    def concat(stores: Sequence[SubgraphStore], offsets: Sequence[int]) -> SubgraphStore:
        """Join stores of several graphs whose nodes are numbered one after the other.

        Args:
            stores: At least one.
            offsets: What to add to the node ids of each store.

        Raises:
            ValueError: If there is no store or not one offset for each.
        """
        if not stores or len(stores) != len(offsets):
            raise ValueError(
                f"stores and offsets must be equally many, at least one, "
                f"got {len(stores)} and {len(offsets)}"
            )
        wide = max((s.edge.dtype for s in stores), key=lambda dtype: dtype.itemsize)
        return SubgraphStore(
            _join_pointers([s.node_ptr for s in stores]),
            np.concatenate([s.node + np.int32(o) for s, o in zip(stores, offsets, strict=True)]),
            _join_pointers([s.edge_ptr for s in stores]),
            np.concatenate([s.edge.astype(wide, copy=False) for s in stores], axis=1),
            np.concatenate([s.root for s in stores]),
        )

    @staticmethod
    def from_edges(
        edges: Iterable[Tensor], centers: Tensor | Sequence[int], num_nodes: int
    ) -> SubgraphStore:
        """Pack subgraphs given as edge lists of global ids, such as the authors' files hold.

        Nodes are numbered by ascending global id, edges keep their order. Without edges the
        subgraph is its center with a self-loop.

        Args:
            edges: One ``(2, e)`` integer tensor per subgraph.
            centers: Global id of the root of each.
            num_nodes: Number of nodes of the graph.

        Raises:
            TypeError, ValueError, IndexError: If an edge list is malformed or does not touch its
                center, or the numbers of edge lists and centers differ.
        """
        num_nodes = check_int(num_nodes, "num_nodes", minimum=1, maximum=2**31 - 1)
        roots = check_index(torch.as_tensor(centers), num_nodes, "centers").tolist()
        lists = list(edges)
        if len(lists) != len(roots):
            raise ValueError(
                f"edges must have {len(roots)} entries, one per center, got {len(lists)}"
            )
        packed = [
            _relabel(check_edge_index(e, num_nodes, f"edges[{i}]").numpy(), root, i)
            for i, (e, root) in enumerate(zip(lists, roots, strict=True))
        ]
        return SubgraphStore(
            np.cumsum([0, *(p[0].size for p in packed)], dtype=np.int64),
            np.concatenate([np.zeros(0, np.int64), *(p[0] for p in packed)]).astype(np.int32),
            np.cumsum([0, *(p[1].shape[1] for p in packed)], dtype=np.int64),
            np.concatenate([np.zeros((2, 0), np.int64), *(p[1] for p in packed)], axis=1).astype(
                np.int32
            ),
            np.array([p[2] for p in packed], dtype=np.int32),
        )

    def save(self, directory: str | os.PathLike[str]) -> Path:
        """Write the arrays as ``.npy`` files with checksums, replacing an earlier store there.

        The files carry their checksums in their names, so that they stand beside the older ones
        until ``store.json``, replaced in one step, names them: whatever kills a save, a load gives
        the old store or the new one.

        Raises:
            OSError: If the folder cannot be written; the earlier store stays whole.
        """
        folder = Path(directory)
        with file_lock(folder / ".lock"):
            sweep_stale(folder)
            record: dict[str, object] = {"format": _FORMAT, "version": 2}
            for name in _FIELDS:
                record[name] = _write(folder, name, np.ascontiguousarray(getattr(self, name)))
            write_json(folder / "store.json", record)
            _sweep_older(folder, {_path(folder, name, record) for name in _FIELDS})
        return folder

    @staticmethod
    def load(
        directory: str | os.PathLike[str], *, mode: str = "mapped", verify: bool = True
    ) -> SubgraphStore:
        """Open a saved store.

        Args:
            directory: Folder that :meth:`save` wrote.
            mode: ``"mapped"`` reads from disk what is asked for, ``"memory"`` reads everything.
            verify: Compare checksums, one pass over the files.

        Raises:
            FileNotFoundError: If the folder holds no store.
            ValueError: If the files are damaged or do not belong together.
        """
        folder = Path(directory)
        check_choice(mode, "mode", ("mapped", "memory"))
        record = _read_record(folder)
        try:
            return _open(folder, record, mode, verify)
        except FileNotFoundError:
            replaced = _read_record(folder)
            if replaced == record:
                raise
            return _open(folder, replaced, mode, verify)  # somebody saved meanwhile


# --- files ----------------------------------------------------------------------------------------


class _Checksum:
    """A file that keeps nothing but the checksum of what is written."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return len(data)


def _write(folder: Path, name: str, array: Array | NDArray[np.int16]) -> str:
    checksum = _Checksum()
    np.save(checksum, array, allow_pickle=False)
    found = checksum.digest.hexdigest()
    target = folder / f"{name}-{found[:16]}.npy"
    with atomic_path(target) as temporary, temporary.open("wb") as file:
        np.save(file, array, allow_pickle=False)
    return found


def _path(folder: Path, name: str, record: dict[str, Any]) -> Path:
    # Version 1 wrote over the files of an older store.
    mark = f"-{str(record.get(name))[:16]}" if record.get("version") != 1 else ""
    return folder / f"{name}{mark}.npy"


def _sweep_older(folder: Path, current: set[Path]) -> None:
    for path in folder.iterdir():
        if _OWN_FILE.fullmatch(path.name) and path not in current:
            with suppress(OSError):  # where open files cannot be removed, they stay
                path.unlink()


def _read_record(folder: Path) -> dict[str, Any]:
    record = read_json(folder / "store.json")
    if not isinstance(record, dict) or record.get("format") != _FORMAT:
        raise ValueError(f"{folder / 'store.json'} does not describe a store of subgraphs")
    return record


def _open(folder: Path, record: dict[str, Any], mode: str, verify: bool) -> SubgraphStore:
    arrays = {}
    for name in _FIELDS:
        path = _path(folder, name, record)
        if verify and sha256_of(path) != record.get(name):
            raise ValueError(f"{path} is damaged or belongs to another store")
        # Copy on write: torch wants arrays it might write to.
        arrays[name] = np.load(
            path, mmap_mode="c" if mode == "mapped" else None, allow_pickle=False
        )
    return SubgraphStore(**arrays)


# --- packed rows ----------------------------------------------------------------------------------


def _tensor(array: Array | NDArray[np.int16]) -> Tensor:
    return torch.from_numpy(array.astype(np.int64))


def _ranges(
    pointer: NDArray[np.int64], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Positions of the entries of some rows, the place of their row, and their new pointers."""
    count = pointer[rows + 1] - pointer[rows]
    start = np.concatenate([np.zeros(1, np.int64), np.cumsum(count)])
    owner = np.repeat(np.arange(rows.size), count)
    position = np.arange(int(start[-1])) + (pointer[rows] - start[:-1])[owner]
    return position, owner, start


def _join_pointers(pointers: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    lengths = np.concatenate([np.diff(p) for p in pointers])
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])


def _relabel(
    edges: NDArray[np.int64], center: int, position: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    if edges.shape[1] == 0:
        return np.array([center]), np.zeros((2, 1), np.int64), 0
    nodes, local = np.unique(edges, return_inverse=True)
    root = int(np.searchsorted(nodes, center))
    if root == nodes.size or nodes[root] != center:
        raise ValueError(f"edges[{position}] must touch its center {center}")
    return nodes, local.reshape(edges.shape), root
