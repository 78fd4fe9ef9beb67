"""Retrieval of texts by subgraphs and of subgraphs by texts."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from graphlab._checks import check_index
from graphlab.tag.graphclip.model import GraphCLIP, check_tower
from graphlab.tag.graphclip.pairs import GraphTextPairs

__all__ = ["retrieval_at_1", "retrieval_scores"]

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
    return retrieval_scores(model, pairs, index)["r1"]


def retrieval_scores(model: GraphCLIP, pairs: GraphTextPairs, index: Tensor) -> dict[str, float]:
    r"""Scores of held-out pairs that need no label.

    The share of hits is soon 1 where summaries quote the root, and then says nothing; the loss and
    the rank still do. The rank of a pair is one more than the number of other texts nearer than its
    own, ties counting half; equal texts are no rivals.

    Args:
        model (GraphCLIP): The tower.
        pairs (GraphTextPairs): The data; ``held_text`` takes the place of ``text`` if it is there.
        index (Tensor): Held-out pairs, integers ``(P,)``, all of which compete.

    Returns:
        dict[str, float]: Means of both directions: ``val_loss``, the contrastive loss at the scale
        of the model; ``mrr``, the mean reciprocal rank, and ``r1``, the share of hits, in [0, 1].

    Raises:
        TypeError, IndexError: If an argument is malformed.

    Complexity: O(P² D) time and O(P) memory beside the embeddings.
    """
    check_tower(model)
    if not isinstance(pairs, GraphTextPairs):
        raise TypeError(f"pairs must be GraphTextPairs, got {type(pairs).__name__}")
    index = check_index(index, len(pairs), "index").cpu()
    pe = pairs.encoding(model.graph_model.walk_length)
    graph = normalize(model.encode(pairs.x, pairs.store, index, pe=pe))
    shown = pairs.text if pairs.held_text is None else pairs.held_text
    text = normalize(shown[index].float().cpu())
    scale = float(model.criterion.logit_scale.detach().exp())
    name = pairs.text_id[index]
    sides = [_one_way(graph, text, name, scale), _one_way(text, graph, name, scale)]
    return {
        "val_loss": sum(side.loss for side in sides) / 2,
        "mrr": sum(side.mrr for side in sides) / 2,
        "r1": sum(side.hits for side in sides) / 2,
    }


@dataclass(frozen=True)
class _Side:
    """Means of one direction."""

    loss: float
    mrr: float
    hits: float


def _one_way(rows: Tensor, columns: Tensor, name: Tensor, scale: float) -> _Side:
    """Unit rows asked for the unit columns of the same position."""
    losses, ranks, hits = [], [], []
    positions = torch.arange(rows.size(0), device="cpu")
    for own in positions.split(_ROWS):
        # By pieces: all similarities of a large held-out part would not fit into memory.
        cosine = rows[own] @ columns.t()
        mine = cosine.gather(1, own[:, None])
        hits.append(name[cosine.argmax(1)] == name[own])
        rival = name[own, None] != name[None]
        nearer, tied = ((mask & rival).sum(1) for mask in (cosine > mine, cosine == mine))
        ranks.append(1 + nearer + tied / 2)
        rival[torch.arange(own.numel(), device="cpu"), own] = True  # the pair itself
        logits = (scale * cosine).double().masked_fill(~rival, -torch.inf)
        losses.append(logits.logsumexp(1) - scale * mine.double().squeeze(1))
    loss, rank, hit = (torch.cat(parts).double() for parts in (losses, ranks, hits))
    return _Side(float(loss.mean()), float((1 / rank).mean()), float(hit.mean()))
