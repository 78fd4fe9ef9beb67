"""A batch that goes through the tower part by part, with the gradient of the whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from graphlab.ops.csr import row_pointers
from graphlab.tag.graphclip.encoder import GraphCLIPEncoder


def embed_in_parts(
    tower: GraphCLIPEncoder,
    x: Tensor,
    pe: Tensor,
    edge_index: Tensor,
    batch: Tensor,
    root_index: Tensor,
    size: int,
) -> Tensor:
    """Embeddings of a batch whose activations are never in memory together, ``(B, D)``.

    Every part is embedded twice: for the loss, which needs all embeddings at once, without keeping
    anything else; and again when the gradient of its embeddings is known. So a step costs one more
    pass, and the memory of ``size`` subgraphs whatever the batch. (Positional encodings are
    normalised for the whole batch first. Batch norm in the layers would see a part at a time.)

    Args:
        tower (GraphCLIPEncoder): The tower.
        x (Tensor): Features of the nodes, ``(N, D)``.
        pe (Tensor): Positional encodings, ``(N, K)``.
        edge_index (Tensor): Edges ``(2, E)``, those of one subgraph after another.
        batch (Tensor): Subgraph of every node, ``(N,)`` ascending.
        root_index (Tensor): Roots, ``(B,)``.
        size (int): Subgraphs of a part.

    Reference: Gao et al., "Scaling deep contrastive learning batch size under memory limited
    setup", RepL4NLP 2021, arXiv:2101.06983.
    """
    count = root_index.numel()
    ends = [*range(0, count, size), count]
    node = row_pointers(batch, count)[torch.tensor(ends, device=batch.device)].tolist()
    edge = torch.searchsorted(
        batch[edge_index[0]].contiguous(), torch.tensor(ends, device=batch.device)
    ).tolist()
    lengths = [stop - start for start, stop in pairwise(node)]
    # Split, not sliced: the gradient of a slice is as long as the whole.
    rows = zip(x.split(lengths), tower.pe_norm(pe).split(lengths), strict=True)
    out = []
    for i, (part, code) in enumerate(rows):
        own = slice(node[i], node[i + 1])
        rest = (
            edge_index[:, edge[i] : edge[i + 1]] - node[i],
            batch[own] - ends[i],
            root_index[ends[i] : ends[i + 1]] - node[i],
        )
        embedding: Tensor = checkpoint(
            tower.embed_normalized,
            part,
            code,
            *rest,
            use_reentrant=False,
            context_fn=lambda: (nullcontext(), _same_statistics(tower)),
        )
        out.append(embedding)
    return torch.cat(out)


@contextmanager
def _same_statistics(module: nn.Module) -> Iterator[None]:
    """Leave the running statistics as they are: the second pass sees the same rows again."""
    norms = [m for m in module.modules() if isinstance(m, nn.BatchNorm1d)]
    held = [(m, name, buffer) for m in norms for name, buffer in m.named_buffers(recurse=False)]
    try:
        # Others in their place, and not copied back: the backward pass looks at what it was given.
        for norm, name, buffer in held:
            setattr(norm, name, buffer.clone())
        yield
    finally:
        for norm, name, buffer in held:
            setattr(norm, name, buffer)
