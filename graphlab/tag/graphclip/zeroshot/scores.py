"""Accuracy and macro-F1 of a classifier beside what simpler ways would have said."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlab._checks import check_index, check_tensor
from graphlab.tag.graphclip.zeroshot.embeddings import Embeddings, Mix

Scores = dict[str, float]


def compare(
    embeddings: Embeddings, mix: Mix, classes: Tensor, y: Tensor, mask: Tensor | None
) -> dict[str, Scores]:
    """Scores of the tower, of the features alone, of the majority class and of chance, by name.

    Args:
        embeddings (Embeddings): Of P subgraphs.
        mix (str): What is added to the tower's rows.
        classes (Tensor): Unit embeddings of the classes, ``(C, D)``.
        y (Tensor): Classes, integers ``(P,)``; anything where the mask is false, -1 where no class
            is known.
        mask (Tensor, optional): Which subgraphs to score, bool ``(P,)``; all that have a class when
            missing.

    Raises:
        TypeError, ValueError, IndexError: If ``y`` or ``mask`` is malformed.
    """
    count, total = classes.size(0), embeddings.tower.size(0)
    y = check_tensor(y, "y").cpu()
    chosen = torch.ones(total, dtype=torch.bool, device="cpu")
    if mask is not None:
        chosen = check_tensor(mask, "mask").cpu()
    elif y.shape == chosen.shape and bool((y != -1).any()):
        chosen = y != -1
    if chosen.dtype != torch.bool or chosen.shape != (total,) or not bool(chosen.any()):
        raise ValueError(f"mask must be bool of shape ({total},) with at least one true")
    if y.shape == chosen.shape:
        y = torch.where(chosen, y, 0)  # nodes without a class are what masks leave out
    y = check_index(y, count, "y", length=total)
    rows = {"graphclip" if mix == "none" else f"graphclip + {mix}": embeddings.mixed(mix)}
    rows |= embeddings.untrained()
    predictions = {name: (row @ classes.t()).argmax(1) for name, row in rows.items()}
    predictions["majority"] = torch.full_like(y, int(torch.bincount(y[chosen]).argmax()))
    scores = {k: score(y[chosen], p[chosen], count) for k, p in predictions.items()}
    scores["chance"] = {"acc": 1 / count, "f1": 1 / count}
    return scores


def score(y: Tensor, predicted: Tensor, count: int) -> Scores:
    """Accuracy, and F1 averaged over the classes that occur."""
    table = torch.bincount(y * count + predicted, minlength=count * count).view(count, count)
    hit = table.diagonal().double()
    # 2 TP / (2 TP + FP + FN); the clamp leaves classes without any at zero.
    f1 = 2 * hit / (table.sum(0) + table.sum(1)).clamp(min=1)
    present = table.sum(1) > 0
    return {"acc": float(hit.sum() / y.numel()), "f1": float(f1[present].mean())}
