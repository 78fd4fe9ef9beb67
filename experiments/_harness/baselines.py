"""Baselines that several scripts stand beside."""

from __future__ import annotations

import torch
from torch import Tensor


def most_frequent_class(y: Tensor, split: dict[str, Tensor]) -> dict[str, float]:
    """Test accuracy of the most frequent class of the training nodes."""
    common = int(torch.bincount(y[split["train"]]).argmax())
    return {"accuracy": float((y[split["test"]] == common).double().mean())}
