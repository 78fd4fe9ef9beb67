"""Pairs of subgraphs and texts, ready for training."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import torch
from torch import Tensor

from graphlab._checks import check_int
from graphlab._checks.devices import check_device
from graphlab._distributed import all_gather_rows, is_distributed, rank, world_size
from graphlab._feature_rows import (
    FeatureRows,
    check_feature_rows,
    check_finite_rows,
    content_name,
    joined,
    require_finite,
    row_batches,
)
from graphlab._repr import short_repr
from graphlab.tag.graphclip.encodings import store_encodings
from graphlab.tag.graphclip.store import SubgraphStore

__all__ = ["GraphTextPairs"]

_VALUES = 2**20  # that are named together


@short_repr
class GraphTextPairs:
    """Subgraphs with the embeddings of their summaries.

    Features and texts are read by rows, a batch at a time: what is larger than memory stays in an
    :class:`EmbeddingStore`, and the subgraphs in the folder that
    :meth:`SubgraphSampler.sample(directory=...) <SubgraphSampler.sample>` wrote. Every value is
    looked at once; each of several processes looks at its share.

    Args:
        x (Tensor or EmbeddingStore): Node features of the graph, ``(N, D)``, floating point.
        store (SubgraphStore): P subgraphs of it.
        text (Tensor or EmbeddingStore): Embeddings of the summaries, ``(P, D')``, without zero
            rows.
        held_text (Tensor or EmbeddingStore, optional): Embeddings of other summaries of the same
            subgraphs, ``(P, D')``, which stand for ``text`` where pairs are held out: those that
            keep the words of the root to themselves (``TemplateSummarizer(hide_root=True)``) are
            harder to find.

    Raises:
        TypeError, ValueError, IndexError: If the parts do not fit together.

    Complexity: O(P + N) rows are read once; 8 bytes a pair and a batch of rows are kept, besides
        encodings of 2 K bytes per node of a store that is in memory.
    """

    def __init__(
        self,
        x: FeatureRows,
        store: SubgraphStore,
        text: FeatureRows,
        held_text: FeatureRows | None = None,
    ) -> None:
        if not isinstance(store, SubgraphStore):
            raise TypeError(f"store must be a SubgraphStore, got {type(store).__name__}")
        count = len(store)
        self.x = check_feature_rows(x, "x", finite=False)
        self.store = store
        self.text = _one_each(check_feature_rows(text, "text", finite=False), "text", count)
        if held_text is not None:
            check_feature_rows(held_text, "held_text", cols=self.text.shape[1], finite=False)
            _one_each(held_text, "held_text", count)
        self.held_text = held_text
        last = int(store.node.max()) if store.node.size else -1
        if last >= x.shape[0]:
            raise IndexError(f"store names node {last}, but x has {x.shape[0]} rows")
        # Every process of several looks at its share of the rows, and at no others.
        check_finite_rows(self.x, "x", *_share(self.x.shape[0]))
        self._known = _share(count)
        self._text_id = torch.empty(count, dtype=torch.int64, device="cpu")
        self._name_texts(*self._known)
        if held_text is not None:
            for first, part in row_batches(held_text, start=self._known[0], stop=self._known[1]):
                _check_texts(part, "held_text", first)
        self._pe: FeatureRows | None = None

    def __len__(self) -> int:
        return len(self.store)

    @property
    def text_id(self) -> Tensor:
        """Equal where the embedded texts are equal, int64 ``(P,)``, else different.

        A hash of 64 bits of the stored numbers: among a hundred million texts two different ones
        are taken for equal with a probability of 3e-4.
        """
        low, high = self._known
        self._name_texts(0, low)
        self._name_texts(high, len(self))
        self._known = (0, len(self))
        return self._text_id

    def _name_texts(self, start: int, stop: int) -> None:
        """Check and name some consecutive texts in one pass."""
        for first, part in row_batches(self.text, start=start, stop=stop):
            _check_texts(part, "text", first)
            self._text_id[first : first + part.size(0)] = row_names(part)

    def share(self, walk_length: int, device: str | torch.device = "cpu") -> None:
        """Make what a training reads, every process its part; all of them make this call.

        Args:
            walk_length (int): Steps of the walk of the positional encodings.
            device (str or torch.device): Where the processes exchange tensors.

        Raises:
            TypeError, ValueError: If an argument is malformed.
        """
        walk_length = check_int(walk_length, "walk_length", minimum=1)
        device = check_device(device)
        if self._pe is None or self._pe.shape[1] != walk_length:
            self._pe = store_encodings(self.store, walk_length, shared=device)
        if is_distributed():
            low, high = _share(len(self))
            self._text_id = all_gather_rows(self._text_id[low:high].to(device)).cpu()
            self._known = (0, len(self))

    def encoding(self, walk_length: int) -> FeatureRows:
        """Positional encodings of all nodes of all subgraphs, computed once.

        They are float16, and lie in the folder of a store that was loaded from one: another run
        finds them there.

        Args:
            walk_length (int): K, steps of the walk.

        Returns:
            Tensor or EmbeddingStore: ``(total, K)``.
        """
        check_int(walk_length, "walk_length", minimum=1)
        if self._pe is None or self._pe.shape[1] != walk_length:
            self._pe = store_encodings(self.store, walk_length)
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
        first = np.cumsum([0, *(x.shape[0] for x in graphs.values())])[:-1].tolist()
        offset = dict(zip(graphs, first, strict=True))
        widths = {(p.x.shape[1], p.text.shape[1]) for p in parts}
        if len(widths) > 1:
            raise ValueError(f"parts must have equal widths of x and text, got {sorted(widths)}")
        held = [p.held_text for p in parts if p.held_text is not None]
        if held and len(held) < len(parts):
            raise ValueError("parts must all have held_text, or none")
        return GraphTextPairs(
            joined(list(graphs.values())),
            SubgraphStore.concat([p.store for p in parts], [offset[id(p.x)] for p in parts]),
            joined([p.text for p in parts]),
            joined(held) if held else None,
        )


def digest_of(pairs: GraphTextPairs) -> str:
    """Hash of features, subgraphs and texts.

    Not a sum: sums of many numbers depend on the number of threads, and not on their order.
    """
    store, digest = pairs.store, hashlib.sha256()
    held = () if pairs.held_text is None else (pairs.held_text,)
    for rows in (pairs.x, pairs.text, *held):
        digest.update(content_name(rows).encode())
    for array in (store.node_ptr, store.node, store.edge_ptr, store.edge, store.root):
        digest.update(f"{array.shape}".encode())
        for part in array.reshape(-1, array.shape[-1]):
            for first in range(0, part.size, _VALUES):
                # The width of local ids is a matter of storage.
                values = np.ascontiguousarray(part[first : first + _VALUES], np.int64)
                digest.update(values.data)
    return digest.hexdigest()[:32]


def row_names(rows: Tensor) -> Tensor:
    """Hash of every row, int64 ``(P,)``: equal means equal in every bit."""
    array = np.ascontiguousarray(rows.detach().cpu().contiguous().view(torch.uint8).numpy())
    names = [blake2b(row.data, digest_size=8).digest() for row in array]
    return torch.from_numpy(np.frombuffer(b"".join(names), np.int64).copy())


def _share(count: int) -> tuple[int, int]:
    """First and last row of this process' part."""
    size, number = world_size(), rank()
    return count * number // size, count * (number + 1) // size


def _one_each(rows: FeatureRows, name: str, count: int) -> FeatureRows:
    if rows.shape[0] != count:
        raise ValueError(f"{name} must have {count} rows, one per subgraph, got {rows.shape[0]}")
    return rows


def _check_texts(part: Tensor, name: str, first: int) -> None:
    """Require finite embeddings that have a direction."""
    require_finite(part, name, first)
    # A zero row has no direction, and its cosine is NaN in the loss.
    empty = (part == 0).all(1).nonzero()
    if empty.numel():
        raise ValueError(f"{name} must have no zero rows, but row {first + int(empty[0])} is zero")
