"""The test part of a split that does not name it."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from graphlab._checks import Array, from_array

__all__: list[str] = []


def with_test_part(split: Mapping[str, Array], num_nodes: int) -> Mapping[str, Array]:
    """Name the nodes outside the other parts as test nodes where the split does not."""
    if not isinstance(split, Mapping) or {"test", "test_mask"} & set(split):
        return split
    free = torch.ones(num_nodes, dtype=torch.bool, device="cpu")
    for key in ("train", "val", "valid", "train_mask", "val_mask"):
        part = from_array(split.get(key), f"split[{key!r}]")
        if not isinstance(part, Tensor):
            continue
        if part.dtype != torch.bool:
            free[part[(part >= 0) & (part < num_nodes)].long().cpu()] = False
        elif part.shape == free.shape:
            free &= ~part.cpu()
    return {**split, "test": free}
