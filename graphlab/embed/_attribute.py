"""Storage of the values that a transform computes, as in PyG's own transforms."""

from __future__ import annotations

import torch
from torch import Tensor
from torch_geometric.data import Data

__all__: list[str] = []


def check_attr_name(attr_name: str | None) -> str | None:
    """Require a name, or ``None`` for new columns of ``x``."""
    if attr_name is not None and not isinstance(attr_name, str):
        raise TypeError(f"attr_name must be a str or None, got {type(attr_name).__name__}")
    return attr_name


def store(data: Data, values: Tensor, attr_name: str | None) -> Data:
    """Write values ``(N,)`` or ``(N, D)`` under a name, or append them to ``x``.

    Features of whole numbers or truth values take the type of the values.
    """
    if attr_name is not None:
        data[attr_name] = values
        return data
    columns = values.view(-1, 1) if values.dim() == 1 else values
    x = data.x
    if x is not None:
        x = x.view(-1, 1) if x.dim() == 1 else x
        x = x if x.is_floating_point() else x.to(values.dtype)
        columns = torch.cat([x, columns.to(device=x.device, dtype=x.dtype)], dim=-1)
    data.x = columns
    return data
