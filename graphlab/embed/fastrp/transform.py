"""FastRP as a PyG transform."""

from __future__ import annotations

from typing import Any

from torch_geometric.data import Data
from torch_geometric.transforms import BaseTransform

from graphlab._checks import check_fraction
from graphlab.embed._attribute import check_attr_name, store
from graphlab.embed.fastrp._options import Options
from graphlab.embed.fastrp.estimator import FastRP

__all__ = ["AddFastRP"]


class AddFastRP(BaseTransform):
    """Store the FastRP embedding of a graph on its ``Data``.

    Args:
        attr_name (str, optional): Attribute to write, replacing what is there. ``None`` appends
            the embedding to ``x``.
        property_ratio (float): Share of the columns that start from ``data.x``; see
            :meth:`FastRP.fit`.
        **params (Any): Parameters of :class:`FastRP`.

    Raises:
        TypeError, ValueError: If a parameter is malformed.

    Example:
        >>> import torch
        >>> data = Data(edge_index=torch.tensor([[0, 1], [1, 0]]), num_nodes=2)
        >>> AddFastRP(dim=4, weights=(1.0,))(data).x.shape
        torch.Size([2, 4])
    """

    def __init__(
        self, attr_name: str | None = "x", property_ratio: float = 0.0, **params: Any
    ) -> None:
        self.attr_name = check_attr_name(attr_name)
        self.property_ratio = check_fraction(property_ratio, "property_ratio")
        self.model = FastRP(**params)
        # A transform is often built long before the first graph comes.
        Options.check(self.model.get_params(deep=False))

    def forward(self, data: Data) -> Data:
        """Return the graph with the embedding added.

        Args:
            data (Data): The graph; PyG has copied it (shallowly) before.

        Returns:
            Data: The same object.
        """
        # A fresh estimator: the transform may serve several workers and must hold no graph.
        model = FastRP(**self.model.get_params(deep=False))
        z = model.fit_transform(data, property_ratio=self.property_ratio)
        return store(data, z, self.attr_name)

    def __repr__(self) -> str:
        return f"AddFastRP(attr_name={self.attr_name!r}, {self.model!r})"
