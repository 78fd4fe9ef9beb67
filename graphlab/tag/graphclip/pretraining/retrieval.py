"""Retrieval of texts by subgraphs and of subgraphs by texts."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

from graphlab.tag.graphclip.model import GraphCLIP
from graphlab.tag.graphclip.pairs import GraphTextPairs

__all__ = ["retrieval_at_1"]

_ROWS = 1024


def retrieval_at_1(model: GraphCLIP, pairs: GraphTextPairs, index: Tensor) -> float:
    """Share of held-out pairs whose own text is the nearest of all, and the other way round.

    A text equal to the own one counts as the own one.

    Args:
        model (GraphCLIP): The tower.
        pairs (GraphTextPairs): The data.
        index (Tensor): Held-out pairs, ``(P,)``.

    Returns:
        float: Mean of both directions, in [0, 1].
    """
    pe = pairs.encoding(model.graph_model.walk_length)
    graph = normalize(model.encode(pairs.x, pairs.store, index, pe=pe))
    text = normalize(pairs.text[index].float().cpu())
    identity, shares = pairs.text_id[index], []
    for rows, columns in ((graph, text), (text, graph)):
        # By pieces: all similarities of a large held-out part would not fit into memory.
        nearest = torch.cat([(part @ columns.t()).argmax(1) for part in rows.split(_ROWS)])
        shares.append(float((identity[nearest] == identity).double().mean()))
    return sum(shares) / 2
