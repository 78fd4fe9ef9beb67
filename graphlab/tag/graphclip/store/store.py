"""Subgraphs packed into a few arrays, in memory or mapped from disk."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphlab._checks import check_choice, check_edge_index, check_index, check_int
from graphlab._io import user_path
from graphlab._repr import short_repr
from graphlab.tag.graphclip.store import files
from graphlab.tag.graphclip.store.joined import joined_pieces
from graphlab.tag.graphclip.store.packed_rows import as_tensor, join_pointers, ranges, relabel
from graphlab.tag.graphclip.store.subgraph import Subgraph, SubgraphBatch

__all__ = ["SubgraphStore"]


@short_repr
@dataclass(frozen=True, eq=False)
class SubgraphStore:
    """Subgraphs in compressed rows: 4 bytes a node and 4 or 8 an edge.

    Attributes:
        node_ptr (ndarray): int64 ``(P + 1,)``; subgraph i has the nodes
            ``node[node_ptr[i]:node_ptr[i + 1]]``.
        node (ndarray): Global ids, int32.
        edge_ptr (ndarray): int64 ``(P + 1,)``.
        edge (ndarray): Local ids, int16 or int32 ``(2, total)``.
        root (ndarray): Local id of the root, int32 ``(P,)``.

    Build it with :class:`~graphlab.tag.SubgraphSampler` or :meth:`from_edges`.
    """

    node_ptr: NDArray[np.int64]
    node: NDArray[np.int32]
    edge_ptr: NDArray[np.int64]
    edge: NDArray[np.int32] | NDArray[np.int16]
    root: NDArray[np.int32]
    # Not an argument, so that a changed copy (``dataclasses.replace``) has no home.
    _home: files.Home | None = field(default=None, init=False, repr=False, compare=False)

    def __len__(self) -> int:
        return int(self.root.shape[0])

    def __eq__(self, other: object) -> bool:
        """Whether all arrays are equal; not the widths that local ids are stored in."""
        if not isinstance(other, SubgraphStore):
            return NotImplemented
        pairs = ((getattr(self, name), getattr(other, name)) for name in files.FIELDS)
        return all(np.array_equal(one, two) for one, two in pairs)

    __hash__ = None  # type: ignore[assignment]

    def __getitem__(self, i: int) -> Subgraph:
        if isinstance(i, slice):
            raise TypeError(
                f"index must be the number of a subgraph, got {i}: select takes several"
            )
        i = range(len(self))[i]
        nodes = self.node[self.node_ptr[i] : self.node_ptr[i + 1]]
        edges = self.edge[:, self.edge_ptr[i] : self.edge_ptr[i + 1]]
        return Subgraph(as_tensor(nodes), as_tensor(edges), int(self.root[i]))

    @property
    def sizes(self) -> Tensor:
        """Number of nodes of every subgraph, int64 ``(P,)``."""
        return torch.from_numpy(np.diff(self.node_ptr))

    @property
    def center(self) -> Tensor:
        """Global id of every root, int64 ``(P,)``."""
        return as_tensor(self.node[self.node_ptr[:-1] + self.root])

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(int(getattr(self, name).nbytes) for name in files.FIELDS)

    def batch(self, index: Tensor | Sequence[int]) -> SubgraphBatch:
        """Join the subgraphs ``index`` into one graph; O(nodes + edges) without a Python loop.

        Args:
            index (Tensor or Sequence[int]): Numbers of the subgraphs, ``(B,)``.

        Returns:
            SubgraphBatch: Nodes and edges of one subgraph after the other.

        Raises:
            IndexError: If an index is out of range.
        """
        chosen = check_index(_positions(index), len(self), "index")
        rows = chosen.numpy()
        node_at, owner, start = ranges(self.node_ptr, rows)
        edge_at, edge_owner, _ = ranges(self.edge_ptr, rows)
        # Local ids move by the nodes before their subgraph; int16 could not hold the sum.
        edges = self.edge[:, edge_at].astype(np.int64) + start[edge_owner]
        return SubgraphBatch(
            chosen,
            as_tensor(self.node[node_at]),
            torch.from_numpy(edges),
            torch.from_numpy(owner),
            torch.from_numpy(start[:-1] + self.root[rows]),
            torch.from_numpy(node_at),
        )

    def select(self, index: Tensor | Sequence[int]) -> SubgraphStore:
        """Copy some subgraphs into a store of their own.

        Args:
            index (Tensor or Sequence[int]): Numbers of the subgraphs, ``(B,)``.

        Returns:
            SubgraphStore: In memory.
        """
        rows = check_index(_positions(index), len(self), "index").numpy()
        node_at, _, node_ptr = ranges(self.node_ptr, rows)
        edge_at, _, edge_ptr = ranges(self.edge_ptr, rows)
        return SubgraphStore(
            node_ptr, self.node[node_at], edge_ptr, self.edge[:, edge_at], self.root[rows]
        )

    @staticmethod
    def concat(stores: Sequence[SubgraphStore], offsets: Sequence[int]) -> SubgraphStore:
        """Join stores of several graphs whose nodes are numbered one after the other.

        Args:
            stores (Sequence[SubgraphStore]): At least one.
            offsets (Sequence[int]): Numbers to add to the node ids of each store.

        Raises:
            ValueError: If there is no store or not one offset for each.
        """
        _check_offsets(stores, offsets)
        # The widest local ids of all, so that no subgraph is cut.
        wide = max((s.edge.dtype for s in stores), key=lambda dtype: dtype.itemsize)
        return SubgraphStore(
            join_pointers([s.node_ptr for s in stores]),
            np.concatenate([s.node + np.int32(o) for s, o in zip(stores, offsets, strict=True)]),
            join_pointers([s.edge_ptr for s in stores]),
            np.concatenate([s.edge.astype(wide, copy=False) for s in stores], axis=1),
            np.concatenate([s.root for s in stores]),
        )

    @staticmethod
    def write_joined(
        directory: str | os.PathLike[str],
        stores: Sequence[SubgraphStore],
        offsets: Sequence[int] | None = None,
    ) -> SubgraphStore:
        """Write what :meth:`concat` gives, piece by piece: mapped stores need not fit into memory.

        Args:
            directory (path): Folder, created if missing; see :meth:`save`.
            stores (Sequence[SubgraphStore]): At least one.
            offsets (Sequence[int], optional): See :meth:`concat`; no numbers when missing.

        Returns:
            SubgraphStore: The whole, mapped from the folder.

        Raises:
            ValueError: If there is no store or not one offset for each.
            OSError: If the folder cannot be written; an earlier store there stays whole.
        """
        shifts = [0] * len(stores) if offsets is None else list(offsets)
        _check_offsets(stores, shifts)
        folder = user_path(directory, "directory")
        arrays = [{name: getattr(s, name) for name in files.FIELDS} for s in stores]
        files.write_arrays(folder, joined_pieces(arrays, shifts))
        return SubgraphStore.load(folder, verify=False)

    @staticmethod
    def from_edges(
        edges: Iterable[Tensor], centers: Tensor | Sequence[int], num_nodes: int
    ) -> SubgraphStore:
        """Pack subgraphs given as edge lists of global ids, such as the authors' files hold.

        Nodes are numbered by ascending global id, edges keep their order. Without edges the
        subgraph is its center with a self-loop.

        Args:
            edges (Iterable[Tensor]): One ``(2, e)`` integer tensor per subgraph.
            centers (Tensor or Sequence[int]): Global id of the root of each.
            num_nodes (int): Number of nodes of the graph.

        Raises:
            TypeError, ValueError, IndexError: If an edge list is malformed or does not touch its
                center, or the numbers of edge lists and centers differ.
        """
        num_nodes = check_int(num_nodes, "num_nodes", minimum=1, maximum=2**31 - 1)
        kind = None if len(centers) else torch.int64  # an empty list has none of its own
        roots = check_index(
            torch.as_tensor(centers, dtype=kind, device="cpu"), num_nodes, "centers"
        ).tolist()
        lists = list(edges)
        if len(lists) != len(roots):
            raise ValueError(
                f"edges must have {len(roots)} entries, one per center, got {len(lists)}"
            )
        packed = [
            relabel(check_edge_index(e, num_nodes, f"edges[{i}]").numpy(), root, i)
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

        Args:
            directory (path): Folder, created if missing.

        Returns:
            Path: The folder.

        Raises:
            OSError: If the folder cannot be written; the earlier store stays whole.
        """
        folder = user_path(directory, "directory")
        files.write_arrays(folder, {name: getattr(self, name) for name in files.FIELDS})
        return folder

    @staticmethod
    def load(
        directory: str | os.PathLike[str],
        *,
        mode: Literal["mapped", "memory"] = "mapped",
        verify: bool = True,
    ) -> SubgraphStore:
        """Open a saved store.

        Args:
            directory (path): Folder that :meth:`save` wrote.
            mode (str): ``"mapped"`` reads from disk what is asked for, ``"memory"`` reads
                everything.
            verify (bool): Compare checksums, one pass over the files.

        Raises:
            FileNotFoundError: If the folder holds no store.
            ValueError: If the files are damaged or do not belong together.
        """
        check_choice(mode, "mode", ("mapped", "memory"))
        folder = user_path(directory, "directory")
        arrays, home = files.read_arrays(folder, mapped=mode == "mapped", verify=verify)
        store = SubgraphStore(**arrays)
        object.__setattr__(store, "_home", home)
        return store

    @property
    def home(self) -> files.Home | None:
        """Folder and name of a store that was loaded; None for one that was made in memory."""
        return self._home


def _check_offsets(stores: Sequence[SubgraphStore], offsets: Sequence[int]) -> None:
    if not stores or len(stores) != len(offsets):
        raise ValueError(
            f"stores and offsets must be equally many, at least one, "
            f"got {len(stores)} and {len(offsets)}"
        )


def _positions(index: Tensor | Sequence[int]) -> Tensor:
    try:
        return torch.as_tensor(index, device="cpu")
    except (TypeError, ValueError, RuntimeError) as error:
        kind = type(index).__name__
        raise TypeError(f"index must be int64 numbers of subgraphs, got {kind}") from error
