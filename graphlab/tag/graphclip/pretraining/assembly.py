"""What a step reads of its pairs, gathered from memory or disk."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from graphlab._distributed import rank, world_size
from graphlab._feature_rows import FeatureRows
from graphlab.tag.graphclip.pairs import GraphTextPairs


class TrainingBatch(NamedTuple):
    """The pairs of one process in one step, on the CPU.

    Attributes:
        subgraph (Tensor): Pairs, int64 ``(B,)``.
        x (Tensor): Features of their nodes, ``(n, D)``.
        pe (Tensor): Positional encodings, ``(n, K)``.
        edge_index (Tensor): Ids within the batch, ``(2, e)``.
        batch (Tensor): Subgraph of every node, ``(n,)`` ascending.
        root_index (Tensor): Roots, ``(B,)``.
        text (Tensor): Embeddings of the summaries, ``(B, D')``.
        text_id (Tensor): Names of the summaries, ``(B,)``.
    """

    subgraph: Tensor
    x: Tensor
    pe: Tensor
    edge_index: Tensor
    batch: Tensor
    root_index: Tensor
    text: Tensor
    text_id: Tensor

    def to(self, device: torch.device, dtype: torch.dtype) -> TrainingBatch:
        """The same where it is computed with."""
        return TrainingBatch(
            *(v.to(device, dtype) if v.is_floating_point() else v.to(device) for v in self)
        )


class BatchAssembler:
    """Reads the rows of batches; the same ones whenever and in whatever order it is asked.

    Args:
        pairs (GraphTextPairs): All pairs.
        pe (FeatureRows): Positional encodings of all nodes of all subgraphs.
        batch_size (int): Pairs of all processes together.
    """

    def __init__(self, pairs: GraphTextPairs, pe: FeatureRows, batch_size: int) -> None:
        self._pairs, self._pe = pairs, pe
        self._per_process = batch_size // world_size()
        self._rank = rank()

    def read(self, index: Tensor) -> TrainingBatch:
        """This process' share of a batch.

        Args:
            index (Tensor): Pairs of all processes.
        """
        first = self._rank * self._per_process
        own = index[first : first + self._per_process]
        pairs, rows = self._pairs, self._pairs.store.batch(own)
        return TrainingBatch(
            rows.subgraph,
            pairs.x[rows.node],
            self._pe[rows.node_row],
            rows.edge_index,
            rows.batch,
            rows.root_index,
            pairs.text[own],
            pairs.text_id[own],
        )
