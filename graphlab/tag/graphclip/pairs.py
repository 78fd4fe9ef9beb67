"""Pairs of subgraphs and texts, ready for training."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from graphlab._checks import check_int, check_matrix
from graphlab._progress import track
from graphlab._repr import short_repr
from graphlab.tag.graphclip.positional import random_walk_encoding
from graphlab.tag.graphclip.store import SubgraphStore

__all__ = ["GraphTextPairs"]

_ROWS = 4096


@short_repr
class GraphTextPairs:
    """Subgraphs with the embeddings of their summaries.

    Args:
        x (Tensor): Node features of the graph, ``(N, D)``, floating point.
        store (SubgraphStore): P subgraphs of it.
        text (Tensor): Embeddings of the summaries, ``(P, D')``, without zero rows.
        held_text (Tensor, optional): Embeddings of other summaries of the same subgraphs, ``(P,
            D')``, which stand for ``text`` where pairs are held out: those that keep the words of
            the root to themselves (``TemplateSummarizer(hide_root=True)``) are harder to find.

    Raises:
        TypeError, ValueError, IndexError: If the parts do not fit together.

    Attributes:
        text_id (Tensor): Equal where the embedded texts are equal, int64 ``(P,)``: such pairs are
            no negatives of each other.
    """

    def __init__(
        self, x: Tensor, store: SubgraphStore, text: Tensor, held_text: Tensor | None = None
    ) -> None:
        self.x = check_matrix(x, "x")
        if not isinstance(store, SubgraphStore):
            raise TypeError(f"store must be a SubgraphStore, got {type(store).__name__}")
        self.store = store
        self.text = _check_rows(text, "text", len(store))
        if held_text is not None:
            check_matrix(held_text, "held_text", cols=text.size(1))
            _check_rows(held_text, "held_text", len(store))
        self.held_text = held_text
        last = int(store.node.max()) if store.node.size else -1
        if last >= x.size(0):
            raise IndexError(f"store names node {last}, but x has {x.size(0)} rows")
        self.text_id = _row_id(text)
        self._pe: Tensor | None = None

    def __len__(self) -> int:
        return len(self.store)

    def encoding(self, walk_length: int) -> Tensor:
        """Positional encodings of all nodes of all subgraphs, computed once; ``(total, K)``.

        Args:
            walk_length (int): K, steps of the walk.
        """
        check_int(walk_length, "walk_length", minimum=1)
        if self._pe is None or self._pe.size(1) != walk_length:
            self._pe = encode_positions(self.store, walk_length)
        return self._pe

    @staticmethod
    def join(parts: Sequence[GraphTextPairs]) -> GraphTextPairs:
        """Join the pairs of several graphs into one source of training.

        Parts with the same tensor ``x`` are draws from one graph: its features are kept once, and
        its nodes stay the same nodes.

        Args:
            parts (Sequence[GraphTextPairs]): At least one.

        Returns:
            GraphTextPairs: Their pairs, one part after the other.

        Raises:
            ValueError: If there is nothing to join, widths differ, or only some have
                ``held_text``.
        """
        if not parts:
            raise ValueError("parts must not be empty")
        graphs = {id(p.x): p.x for p in parts}
        first = np.cumsum([0, *(x.size(0) for x in graphs.values())])[:-1].tolist()
        offset = dict(zip(graphs, first, strict=True))
        widths = {(p.x.size(1), p.text.size(1)) for p in parts}
        if len(widths) > 1:
            raise ValueError(f"parts must have equal widths of x and text, got {sorted(widths)}")
        held = [p.held_text for p in parts if p.held_text is not None]
        if held and len(held) < len(parts):
            raise ValueError("parts must all have held_text, or none")
        return GraphTextPairs(
            torch.cat(list(graphs.values())),
            SubgraphStore.concat([p.store for p in parts], [offset[id(p.x)] for p in parts]),
            torch.cat([p.text for p in parts]),
            torch.cat(held) if held else None,
        )


def digest_of(pairs: GraphTextPairs) -> str:
    """Hash of features, subgraphs and texts.

    Not a sum: sums of many numbers depend on the number of threads, and not on their order.
    """
    store, digest = pairs.store, hashlib.sha256()
    held = () if pairs.held_text is None else (pairs.held_text,)
    for rows in (pairs.x, pairs.text, *held):
        digest.update(f"{rows.dtype} {tuple(rows.shape)}".encode())
        for part in rows.detach().split(_ROWS):
            digest.update(part.cpu().contiguous().view(torch.uint8).numpy().data)
    for array in (store.node_ptr, store.node, store.edge_ptr, store.edge, store.root):
        # The width of local ids is a matter of storage.
        digest.update(np.ascontiguousarray(array, np.int64).data)
    return digest.hexdigest()[:32]


def encode_positions(store: SubgraphStore, walk_length: int, chunk_nodes: int = 65536) -> Tensor:
    """Random-walk encodings of all subgraphs of a store, ``(total, K)`` float32."""
    out = torch.empty(store.node.shape[0], walk_length, device="cpu")
    parts = chunks_by_nodes(store.node_ptr, np.arange(len(store)), chunk_nodes)
    for part in track(parts, "positions", unit="batches"):
        rows = store.batch(torch.from_numpy(part))
        values = random_walk_encoding(rows.edge_index, rows.batch, part.size, walk_length)
        out[rows.node_row] = values
    return out


def chunks_by_nodes(
    node_ptr: np.ndarray[tuple[int], np.dtype[np.int64]],
    order: np.ndarray[tuple[int], np.dtype[np.int64]],
    limit: int,
) -> list[np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Cut subgraphs, in a given order, into runs of at most ``limit`` nodes (or one subgraph)."""
    total = np.cumsum(np.diff(node_ptr)[order])
    parts, start = [], 0
    while start < order.size:
        used = total[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(total, used + limit, side="right")))
        parts.append(order[start:stop])
        start = stop
    return parts


def _check_rows(text: Tensor, name: str, count: int) -> Tensor:
    """Require an embedding of every summary."""
    check_matrix(text, name)
    if text.size(0) != count:
        raise ValueError(f"{name} must have {count} rows, one per subgraph, got {text.size(0)}")
    # A zero row has no direction, and its cosine is NaN in the loss.
    empty = (text == 0).all(1).nonzero()
    if empty.numel():
        raise ValueError(f"{name} must have no zero rows, but row {int(empty[0])} is zero")
    return text


def _row_id(text: Tensor) -> Tensor:
    """Equal numbers for equal rows."""
    # Rows as bytes: equal means equal in every bit, which no tolerance could decide for all.
    array = np.ascontiguousarray(text.detach().cpu().float().numpy())
    rows = array.view(np.dtype((np.void, array.dtype.itemsize * array.shape[1]))).ravel()
    return torch.from_numpy(np.unique(rows, return_inverse=True)[1].reshape(-1).astype(np.int64))
