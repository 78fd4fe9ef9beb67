"""FastRP in one call."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from graphlab.embed.fastrp.estimator import FastRP

__all__ = ["fastrp"]


def fastrp(
    edge_index: Any,
    num_nodes: int | None = None,
    edge_weight: Tensor | None = None,
    *,
    x: Tensor | None = None,
    property_ratio: float = 0.0,
    node_id: Tensor | None = None,
    projection_matrix: Tensor | None = None,
    **params: Any,
) -> Tensor:
    """Embed the nodes of a graph in one call; see :class:`FastRP`.

    Args:
        edge_index (Tensor or graph): See :meth:`FastRP.fit`, as the next six.
        num_nodes (int, optional): See there.
        edge_weight (Tensor, optional): See there.
        x (Tensor, optional): See there.
        property_ratio (float): See there.
        node_id (Tensor, optional): See there.
        projection_matrix (Tensor, optional): See there.
        **params (Any): Parameters of :class:`FastRP`.

    Returns:
        Tensor: ``(N, dim)``.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range.

    Example:
        >>> import torch
        >>> fastrp(torch.tensor([[0, 1], [1, 0]]), dim=4, weights=(1.0,)).shape
        torch.Size([2, 4])
    """
    return FastRP(**params).fit_transform(
        edge_index,
        num_nodes,
        edge_weight,
        x=x,
        property_ratio=property_ratio,
        node_id=node_id,
        projection_matrix=projection_matrix,
    )
