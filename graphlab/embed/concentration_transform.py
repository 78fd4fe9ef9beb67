"""Topological concentration as a transform of PyG graphs."""

from __future__ import annotations

import torch
from torch_geometric.data import Data
from torch_geometric.transforms import BaseTransform

from graphlab._checks import check_choice
from graphlab.embed.concentration import topological_concentration

__all__ = ["AddTopologicalConcentration"]


class AddTopologicalConcentration(BaseTransform):
    """Adds every node's topological concentration in its own graph.

    Args:
        num_hops (int): As for :func:`graphlab.embed.topological_concentration`.
        beta (float, optional): As there.
        count (str): As there.
        fill (float): As there.
        max_visits (float, optional): As there.
        attr (str): Name of the attribute, ``(N,)`` float64; ``"x"`` appends a column to the
            features instead.

    Raises:
        TypeError, ValueError, IndexError: When called, as the function does.

    Example:
        >>> edge_index = torch.tensor([[0, 1, 1, 2, 2, 0], [1, 0, 2, 1, 0, 2]])
        >>> AddTopologicalConcentration()(Data(edge_index=edge_index, num_nodes=3)).tc
        tensor([1., 1., 1.], dtype=torch.float64)
    """

    def __init__(
        self,
        num_hops: int = 1,
        beta: float | None = None,
        count: str = "walk",
        fill: float = 0.0,
        max_visits: float | None = None,
        attr: str = "tc",
    ) -> None:
        self.num_hops = num_hops
        self.beta = beta
        self.count = check_choice(count, "count", ("walk", "set"))
        self.fill = fill
        self.max_visits = max_visits
        self.attr = attr

    def forward(self, data: Data) -> Data:
        """Return the graph with the attribute added."""
        tc = topological_concentration(
            data.edge_index,
            data.num_nodes,
            num_hops=self.num_hops,
            beta=self.beta,
            count=self.count,
            fill=self.fill,
            max_visits=self.max_visits,
        )
        if self.attr != "x":
            data[self.attr] = tc
            return data
        column = tc.unsqueeze(1)
        if data.x is not None:
            column = torch.cat([data.x, column.to(data.x.dtype)], dim=1)
        data.x = column
        return data
