"""Edges of the user and their weights, as tensors."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphlab._checks.graph_kinds import MAP_IDS, refuse_no_edges
from graphlab._checks.numbers import check_int
from graphlab._checks.tensors import (
    check_finite,
    check_no_negative,
    check_range,
    check_real_dtype,
    check_tensor,
)
from graphlab._checks.visibility import values_visible
from graphlab._sorted import sort_values

__all__: list[str] = []


def check_num_nodes(value: Any, name: str = "num_nodes", *, minimum: int = 0) -> int:
    """Require a number of nodes that 32-bit indices can name."""
    number = check_int(value, name, minimum=minimum)
    if number > 2**31 - 1:
        raise ValueError(f"{name} must be at most {2**31 - 1}, got {number}: {MAP_IDS}")
    return number


def check_edge_index(
    value: Any,
    num_nodes: int,
    name: str = "edge_index",
    *,
    loops: bool = True,
    duplicates: bool = True,
    symmetric: bool = False,
    unless: str = "",
    values: bool = True,
) -> Tensor:
    """Require a ``(2, E)`` integer tensor with values in ``[0, num_nodes)``; returned as int64.

    Args:
        value (Tensor): What the caller gave.
        num_nodes (int): Number of nodes N.
        name (str): Name of the argument.
        loops (bool): Whether self-loops are allowed.
        duplicates (bool): Whether an edge may be given several times.
        symmetric (bool): Whether every edge must be there in both directions.
        unless (str): Option of the caller that lifts the last demand, for the error.
        values (bool): False where the values are checked by what reads them next.
    """
    if not isinstance(value, Tensor) or value.layout != torch.strided:
        refuse_no_edges(value, name)
    edge_index: Tensor = check_tensor(value, name)
    if edge_index.dtype not in (torch.int64, torch.int32):
        square = edge_index.dim() == 2 and edge_index.size(0) == edge_index.size(1) != 2
        hint = ": torch_geometric.utils.dense_to_sparse reads adjacency matrices" if square else ""
        raise TypeError(f"{name} must be int64 or int32, got dtype {edge_index.dtype}{hint}")
    if edge_index.dim() != 2 or edge_index.size(0) != 2:
        hint = " (transpose it?)" if edge_index.dim() == 2 and edge_index.size(1) == 2 else ""
        raise ValueError(f"{name} must have shape (2, E), got {tuple(edge_index.shape)}{hint}")
    if values:
        check_range(edge_index, num_nodes, name, MAP_IDS)
    edge_index = edge_index.long()
    if values and values_visible(edge_index):
        if not loops:
            _check_no_loops(edge_index, name)
        if symmetric or not duplicates:
            _check_keys(edge_index, num_nodes, name, duplicates, symmetric, unless)
    return edge_index


def check_message_edges(value: Any, num_nodes: int, name: str = "edge_index") -> None:
    """Require edges of known nodes, or a sparse matrix, which an encoder of PyG reads itself."""
    if isinstance(value, Tensor) and value.layout == torch.strided:
        check_edge_index(value, num_nodes, name)
    elif not isinstance(value, Tensor) and not hasattr(value, "sparse_sizes"):
        refuse_no_edges(value, name)


def _check_no_loops(edge_index: Tensor, name: str) -> None:
    loops = (edge_index[0] == edge_index[1]).nonzero()
    if loops.numel():
        position = int(loops[0])
        raise ValueError(
            f"{name} must have no self-loops, but {name}[:, {position}] joins node "
            f"{int(edge_index[0, position])} with itself: use "
            "torch_geometric.utils.remove_self_loops"
        )


def _check_keys(
    edge_index: Tensor, num_nodes: int, name: str, duplicates: bool, symmetric: bool, unless: str
) -> None:
    """Compare the edges, as one number each, with one another and with their reverses."""
    key = _ascending(edge_index[0] * num_nodes + edge_index[1])
    again = key[1:] == key[:-1]
    if not duplicates and bool(again.any()):
        source, target = divmod(int(key[:-1][again][0]), num_nodes)
        raise ValueError(
            f"{name} must have no duplicates, but has ({source}, {target}) more than once: use "
            "torch_geometric.utils.coalesce first"
        )
    if not symmetric:
        return
    back = _ascending(edge_index[1] * num_nodes + edge_index[0])
    if torch.equal(key, back) or torch.equal(*(torch.unique_consecutive(k) for k in (key, back))):
        return
    source, target = divmod(int(key[~torch.isin(key, back)][0]), num_nodes)
    hint = f" or {unless}" if unless else ""
    raise ValueError(
        f"{name} must hold every edge in both directions, but has ({source}, {target}) without "
        f"({target}, {source}): use torch_geometric.utils.to_undirected{hint}"
    )


def _ascending(key: Tensor) -> Tensor:
    """Sorted; itself if it is sorted already."""
    if key.numel() > 1 and bool((key[1:] < key[:-1]).any()):
        return sort_values(key)
    return key


def check_edge_weight(
    value: Any, num_edges: int, name: str = "edge_weight", *, nonnegative: bool = True
) -> Tensor:
    """Require an ``(E,)`` real tensor, finite and (by default) non-negative.

    Whole numbers and truth values, which is what counts of edges and matrices of other libraries
    hold, are returned in the default floating-point dtype.
    """
    weight: Tensor = check_tensor(value, name)
    check_real_dtype(weight, name)
    if not weight.is_floating_point():
        weight = weight.to(torch.get_default_dtype())
    if weight.dim() != 1 or weight.numel() != num_edges:
        raise ValueError(
            f"{name} must have shape ({num_edges},), one weight per edge, got {tuple(weight.shape)}"
        )
    if values_visible(weight):
        check_finite(weight, name)
        if nonnegative:
            check_no_negative(weight, name)
    return weight
