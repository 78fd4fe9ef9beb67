"""Arguments of a fit beside the graph: features, names of nodes, a start of the caller's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from graphlab._checks import check_matrix, check_tensor
from graphlab._checks.caller import warn_caller
from graphlab.embed._adjacency import Adjacency

__all__: list[str] = []


@dataclass(frozen=True)
class NodeInputs:
    """Checked arguments of a fit beside the graph; all of them belong to the start.

    Attributes:
        features (Tensor, optional): ``(N, F)`` float64.
        property_ratio (float): Share of the columns that start from features.
        node_id (Tensor, optional): Names of the nodes, ``(N,)`` int64.
        projection_matrix (Tensor, optional): ``(N, dim)`` instead of the random matrix.
    """

    features: Tensor | None = None
    property_ratio: float = 0.0
    node_id: Tensor | None = None
    projection_matrix: Tensor | None = None


def read_inputs(
    adjacency: Adjacency,
    x: Tensor | None,
    property_ratio: float,
    node_id: Tensor | None,
    projection_matrix: Tensor | None,
) -> NodeInputs:
    """Check and copy: the start is drawn later, and callers may write to theirs meanwhile."""
    count, device = adjacency.num_nodes, adjacency.rows.device
    if projection_matrix is not None:
        check_matrix(projection_matrix, "projection_matrix", rows=count)
        projection_matrix = projection_matrix.detach().to(device, copy=True)
    features = None
    if property_ratio > 0:
        if x is None:
            raise ValueError(f"property_ratio = {property_ratio} needs features x, got None")
        features = check_matrix(x, "x", rows=count).detach()
        features = features.to(device, torch.float64, copy=True)
    if node_id is not None:
        check_names(node_id, count)
        node_id = node_id.to(device, copy=True)
    return NodeInputs(features, property_ratio, node_id, projection_matrix)


def warn_of_features(replaced: bool) -> None:
    """Say that features were given and are not read."""
    why = (
        "beside projection_matrix, which is the whole start"
        if replaced
        else "with property_ratio = 0: property_ratio=0.5 starts half of the columns from them"
    )
    warn_caller(f"x is not read {why}")


def check_names(node_id: Tensor, count: int) -> None:
    """Require a distinct name, not negative, for every node."""
    if check_tensor(node_id, "node_id").dtype != torch.int64:
        raise TypeError(f"node_id must be int64, got {node_id.dtype}")
    if node_id.shape != (count,):
        raise ValueError(f"node_id must have shape ({count},), got {tuple(node_id.shape)}")
    if count and int(node_id.min()) < 0:
        raise ValueError(f"node_id must not be negative, got {int(node_id.min())}")
    if torch.unique(node_id).numel() != count:
        raise ValueError("node_id must name every node differently, but repeats a name")


def is_target(value: Any, graph: Any) -> bool:
    """Test whether an argument is no number of nodes, but the labels that a pipeline passes on."""
    if value is None or isinstance(value, (int, np.integer)) or not sp.issparse(graph):
        return False
    matrix: Any = graph
    return tuple(np.shape(value)[:1]) == tuple(matrix.shape[:1])
