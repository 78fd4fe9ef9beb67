"""Features of TAPE's members, checked before a network sees them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import torch
from torch import Tensor

from graphlab._checks import check_int, check_matrix, check_tensor
from graphlab._checks.graph_objects import check_data

__all__: list[str] = []

_LISTED = 10


def find_features(
    features: Collection[str] | Mapping[str, Tensor], data: Any, allow_zero_rows: bool
) -> dict[str, Tensor]:
    """Features by the name of their member: those given, or attributes of the graph.

    Raises:
        ValueError: If one is missing or malformed.
    """
    count = count_nodes(data)
    names = list(features) if isinstance(features, Mapping) else sorted(features)
    checked = {}
    for name in names:
        value = features[name] if isinstance(features, Mapping) else _attribute(data, name)
        checked[name] = check_feature(value, name, count, allow_zero_rows)
    return checked


def count_nodes(data: Any) -> int:
    """Number of nodes; PyG would guess it from the edges where only labels tell it."""
    data = check_data(data)
    # Isolated last nodes are in no edge, and PyG would not count them.
    if data.x is None and "num_nodes" not in data and isinstance(data.y, Tensor):
        return data.y.size(0)
    return int(data.num_nodes)


def _attribute(data: Any, name: str) -> Any:
    if name not in data:
        raise ValueError(
            f"features names {name!r}, but data has only {sorted(data.keys())}; "
            "set it as an attribute, or give features={name: tensor}"
        )
    return data[name]


def check_feature(value: Any, name: str, num_nodes: int, allow_zero_rows: bool) -> Tensor:
    """Check one feature: ranked classes ``(N, k)`` int64, or rows ``(N, d)`` of floats."""
    x: Tensor = check_tensor(value, f"features[{name!r}]")
    label = f"features[{name!r}]"
    if x.dim() != 2 or x.size(0) != num_nodes:
        raise ValueError(
            f"{label} must have {num_nodes} rows, one per node, got shape {tuple(x.shape)}"
        )
    if x.size(1) == 0:
        raise ValueError(f"{label} must have columns, got shape {tuple(x.shape)}")
    if not x.is_floating_point():
        if x.dtype not in (torch.int64, torch.int32):
            raise TypeError(f"{label} must be floating point or ranked int64 ids, got {x.dtype}")
        if int(x.min()) < 0:
            raise ValueError(f"{label} must hold ids from 0 (0 for none), got {int(x.min())}")
        return x.long()
    check_matrix(x, label)
    x = x.float()
    # What an encoder gives that failed in silence: the same vector for every text.
    if num_nodes > 1 and bool((x == x[0]).all()):
        raise ValueError(f"{label} is the same for all nodes: is it broken?")
    zero = (x == 0).all(1).nonzero().view(-1)
    if zero.numel() and not allow_zero_rows:
        raise ValueError(
            f"{label} has {zero.numel()} all-zero rows, nodes {zero[:_LISTED].tolist()}: an "
            "embedding that failed? For bags of words set allow_zero_rows=True"
        )
    return x


def check_labels(y: Any, num_nodes: int, split: Mapping[str, Tensor]) -> Tensor:
    """Labels ``(N,)`` int64, known on the nodes for training and validation."""
    labels: Tensor = check_tensor(y, "data.y")
    if labels.dtype not in (torch.int64, torch.int32) or labels.shape != (num_nodes,):
        raise ValueError(
            f"data.y must be int64 of shape ({num_nodes},), got {labels.dtype} "
            f"{tuple(labels.shape)}"
        )
    for part in ("train", "val"):
        nodes = split[part].to(labels.device)
        unknown = nodes[labels[nodes] < 0]
        if unknown.numel():
            raise ValueError(
                f"data.y must be known on {part} nodes, but {unknown.numel()} are negative: "
                f"{unknown[:_LISTED].tolist()}"
            )
    return labels.long()


def count_classes(given: int | None, data: Any, y: Tensor, features: Mapping[str, Tensor]) -> int:
    """Number of classes: given, or that of the label names, or the largest label plus one.

    Raises:
        ValueError: If a label or a ranked class lies outside.
    """
    named = getattr(data, "label_names", None)
    if given is not None:
        count = check_int(given, "num_classes", minimum=2)
    else:
        count = len(named) if named is not None else int(y.max()) + 1
    if int(y.max()) >= count:
        raise ValueError(f"data.y must be below num_classes={count}, got {int(y.max())}")
    for name, x in features.items():
        if not x.is_floating_point() and int(x.max()) > count:
            raise ValueError(
                f"features[{name!r}] must hold class ids plus one in [0, {count}], "
                f"got {int(x.max())}"
            )
    return count
