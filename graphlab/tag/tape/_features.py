"""Features of TAPE's members, checked before a network sees them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphlab._checks import check_int, check_matrix, check_tensor, from_array
from graphlab._checks.graph_objects import check_data
from graphlab._feature_rows import (
    FeatureRows,
    check_feature_rows,
    in_memory,
    require_finite,
    row_batches,
)
from graphlab.tag.tape.ranked import first_gap

__all__: list[str] = []

_LISTED = 10


def check_feature_names(features: Any) -> None:
    """Require names of features, at least one: on their own, or with a tensor each.

    Raises:
        TypeError: If it is something else, such as the tensor of one feature, or one name.
        ValueError: If there is none.
    """
    named = isinstance(features, Collection) and not isinstance(
        features, (str, bytes, Tensor, np.ndarray)
    )
    if not named or not all(isinstance(name, str) for name in features):
        found = repr(features) if isinstance(features, str) else type(features).__name__
        raise TypeError(
            f"features must be names or a mapping of names to tensors, got {found}: "
            'give ["x"] for the attribute data.x, {"x": tensor} for a tensor'
        )
    if not len(features):
        raise ValueError(f"features must name at least one, got {features!r}")


def find_features(
    features: Collection[str] | Mapping[str, FeatureRows], data: Any, allow_zero_rows: bool
) -> dict[str, FeatureRows]:
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
    if data.x is None and "num_nodes" not in data and isinstance(data.y, (Tensor, np.ndarray)):
        return int(data.y.shape[0])
    return int(data.num_nodes)


def _attribute(data: Any, name: str) -> Any:
    if name not in data:
        raise ValueError(
            f"features names {name!r}, but data has only {sorted(data.keys())}; "
            "set it as an attribute, or give features={name: tensor}"
        )
    return data[name]


def is_ranked(x: FeatureRows) -> bool:
    """Whether a feature holds ids of ranked classes instead of numbers."""
    return not x.dtype.is_floating_point


def check_feature(value: Any, name: str, num_nodes: int, allow_zero_rows: bool) -> FeatureRows:
    """Check one feature: ranked classes ``(N, k)`` int64, or rows ``(N, d)`` of floats.

    Rows of a tensor or array come back as float32; those of a store as they are, after one pass
    over them.

    Raises:
        TypeError, ValueError: If it is neither, or integers are no ranked classes.
    """
    label = f"features[{name!r}]"
    value = from_array(value, label)
    if not isinstance(value, Tensor):
        rows = check_feature_rows(value, label, rows=num_nodes)
        _check_rows(rows, label, allow_zero_rows)
        return rows
    x: Tensor = check_tensor(value, label)
    if x.dim() != 2 or x.size(0) != num_nodes:
        raise ValueError(
            f"{label} must have {num_nodes} rows, one per node, got shape {tuple(x.shape)}"
        )
    if x.size(1) == 0:
        raise ValueError(f"{label} must have columns, got shape {tuple(x.shape)}")
    if not x.is_floating_point():
        _check_ranked(x, label)
        return x.long()
    check_matrix(x, label, finite=False)
    _check_rows(x, label, allow_zero_rows)
    return x.float()


def _check_ranked(x: Tensor, label: str) -> None:
    """Require ids of ranked classes: what a bag of words of integers is not."""
    if x.dtype not in (torch.int64, torch.int32):
        raise TypeError(
            f"{label} must be floating point or ranked int64 ids, got {x.dtype}; "
            "a bag of words is to be floats"
        )
    if x.numel() and int(x.min()) < 0:
        raise ValueError(f"{label} must hold ids from 0 (0 for none), got {int(x.min())}")
    node = first_gap(x)
    if node is not None:
        raise ValueError(
            f"{label} holds integers, which are ranked classes: ids plus one, then 0 for none, but "
            f"row {node} has an id behind a 0: {x[node].tolist()!r:.80}; give a bag of words as "
            "floats"
        )


def _check_rows(x: FeatureRows, label: str, allow_zero_rows: bool) -> None:
    """One pass over the rows, by batches."""
    first = x[0:1]
    equal, zero = True, []
    for start, part in row_batches(x):
        require_finite(part, label, start)
        equal = equal and bool((part == first).all())
        zero.append((part == 0).all(1).nonzero().view(-1) + start)
    # What an encoder gives that failed in silence: the same vector for every text.
    if equal and x.shape[0] > 1:
        raise ValueError(f"{label} is the same for all nodes: is it broken?")
    empty = torch.cat(zero)
    if empty.numel() and not allow_zero_rows:
        raise ValueError(
            f"{label} has {empty.numel()} all-zero rows, nodes {empty[:_LISTED].tolist()}: an "
            "embedding that failed? For bags of words set allow_zero_rows=True"
        )


def check_labels(y: Any, num_nodes: int, split: Mapping[str, Tensor]) -> Tensor:
    """Labels ``(N,)`` int64, known on the nodes for training and validation."""
    labels: Tensor = check_tensor(from_array(y, "data.y"), "data.y")
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


def count_classes(
    given: int | None, data: Any, y: Tensor, features: Mapping[str, FeatureRows]
) -> int:
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
        _check_largest(x, name, count)
    return count


def _check_largest(x: FeatureRows, name: str, count: int) -> None:
    whole = in_memory(x) if is_ranked(x) else None
    most = 0 if whole is None or not whole.numel() else int(whole.max())
    if most > count:
        raise ValueError(
            f"features[{name!r}] must hold class ids plus one in [0, {count}], got {most}"
        )


def check_as_fitted(
    features: Mapping[str, FeatureRows], inputs: Mapping[str, tuple[int, bool]], num_classes: int
) -> None:
    """Require features of the kind and width that their members were trained on.

    Args:
        features (Mapping[str, FeatureRows]): Features by member.
        inputs (Mapping[str, tuple[int, bool]]): Columns, and whether they are ranked classes.
        num_classes (int): C.

    Raises:
        ValueError: If one has another width, is ranked where it was not or the other way round, or
            ranks a class that there is not.
    """
    kinds = {True: "ranked classes (integers)", False: "rows of floats"}
    for name, x in features.items():
        columns, ranked = inputs[name]
        if is_ranked(x) != ranked:
            raise ValueError(
                f"features[{name!r}] must be {kinds[ranked]}, as in fit, got {kinds[not ranked]}"
            )
        if x.shape[1] != columns:
            raise ValueError(
                f"features[{name!r}] must have {columns} columns, as in fit, got shape "
                f"{tuple(x.shape)}"
            )
        _check_largest(x, name, num_classes)
