"""Edges, size and weights of a PyG ``Data``."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphlab._checks import check_tensor, warn_caller
from graphlab._checks.graph_kinds import refuse_ids
from graphlab._graphs.edges.matrices import entries, shape_of
from graphlab._graphs.edges.values import ADVICE, AUTO, as_weights, first_bad, warn_unused

__all__: list[str] = []

#: No attributes of edges; where there are as many nodes as edges, the length does not tell.
_OTHERS = {
    "edge_index",
    "x",
    "y",
    "pos",
    "batch",
    "ptr",
    "n_id",
    "node_type",
    "train_mask",
    "val_mask",
}


def edges_of(data: Any) -> tuple[Any, Tensor | None]:
    """``edge_index`` of a ``Data``, or that of its ``adj_t``, whose rows are the targets.

    Returns:
        tuple: Edges, and the values of ``adj_t`` where it states weights.
    """
    edge_index, transposed = data.get("edge_index"), data.get("adj_t")
    if edge_index is not None:
        return edge_index, None
    if transposed is None:
        raise ValueError("Data must have edge_index or adj_t, got neither")
    index, value = entries(transposed)
    # PyG writes ones where it was given no weights.
    if value is not None and bool((value.detach() == 1).all()):
        value = None
    return index.flip(0), value


def size_of(data: Any, edge_index: Any) -> int | None:
    """N, with a warning where nothing but the edges tells."""
    stated = data.get("num_nodes") if "num_nodes" in data else None
    if stated is not None:
        return int(stated)
    with warnings.catch_warnings(record=True) as guessed:
        warnings.simplefilter("always")
        count = data.num_nodes
    if not guessed:
        return None if count is None else int(count)
    if data.get("edge_index") is None:
        return max(shape_of(data["adj_t"]))
    edges = check_tensor(edge_index, "edge_index")
    count = int(edges.max()) + 1 if edges.numel() else 0
    refuse_ids(count, edges.numel())
    warn_caller(
        f"Data states no number of nodes: {count}, the largest number in edge_index + 1, is taken; "
        "nodes without edges may be missing at the end, so set data.num_nodes"
    )
    return count


def weights_of(data: Any, edge_index: Any, weight: str | None) -> Any:
    """Weights of the edges, ``(E,)``, or ``None``.

    Args:
        data (Data): The graph.
        edge_index (Tensor): Its edges.
        weight (str, optional): Name of the attribute; ``"auto"`` is ``"edge_weight"`` if there,
            and ``None`` reads nothing.

    Raises:
        ValueError: If the attribute is missing or does not hold one finite number >= 0 per edge.
    """
    if weight is None or not isinstance(edge_index, Tensor):
        return None
    name = "edge_weight" if weight == AUTO else weight
    value = data.get(name)
    if value is not None:
        return _one_per_edge(value, name, edge_index)
    candidates = _candidates(data, edge_index.size(-1))
    if weight != AUTO:
        known = ", ".join(repr(key) for key in candidates) or "none"
        raise ValueError(
            f"Data has no attribute weight={weight!r}; attributes of one number per edge: {known}"
        )
    warn_unused(candidates)
    return None


def _one_per_edge(value: Any, name: str, edge_index: Tensor) -> Tensor:
    count = edge_index.size(-1)
    shape = tuple(np.shape(value)) if not isinstance(value, Tensor) else tuple(value.shape)
    if shape not in ((count,), (count, 1)):
        hint = ": keep the column of the weights" if len(shape) == 2 else ""
        raise ValueError(
            f"Data.{name} must hold one weight per edge, shape ({count},), got {shape}{hint}"
        )
    if not isinstance(value, Tensor):
        value = np.asarray(value, dtype=object).reshape(-1).tolist()
        found = as_weights(value)
        at = found if isinstance(found, int) else None
        weights = edge_index.new_zeros(0) if isinstance(found, int) else torch.from_numpy(found)
    else:
        weights = value.reshape(-1)
        if weights.is_complex():
            raise TypeError(f"Data.{name} must be real, got dtype {weights.dtype}")
        at = first_bad(weights)
    if at is not None:
        ends = tuple(edge_index[:, at].tolist())
        held = value[at] if isinstance(value, list) else weights[at].item()
        raise ValueError(f"edge {at}, {ends}, has Data.{name} = {held!r}: {ADVICE}")
    return weights.to(edge_index.device)


def _candidates(data: Any, count: int) -> list[str]:
    """Attributes of one number per edge."""
    found = []
    for name, value in data.to_dict().items():
        if not isinstance(value, Tensor) or tuple(value.shape) not in ((count,), (count, 1)):
            continue
        if value.dtype == torch.bool or value.is_complex() or name in _OTHERS or count == 0:
            continue
        # With as many nodes as edges only the name tells.
        if count != _rows(data) or "edge" in name or "weight" in name:
            found.append(name)
    return found


def _rows(data: Any) -> int | None:
    stated = data.get("num_nodes")
    x = data.get("x")
    return stated if stated is not None else x.size(0) if isinstance(x, Tensor) else None
