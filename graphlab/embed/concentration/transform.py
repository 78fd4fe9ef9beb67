"""Topological concentration as a transform of PyG graphs."""

from __future__ import annotations

import numbers
from typing import Any, Literal

from torch_geometric.data import Data
from torch_geometric.transforms import BaseTransform

from graphlab._checks import check_choice, check_int
from graphlab.embed._attribute import check_attr_name, store
from graphlab.embed.concentration.exact import topological_concentration

__all__ = ["AddTopologicalConcentration"]


class AddTopologicalConcentration(BaseTransform):
    """Adds every node's topological concentration in its own graph.

    Args:
        num_hops (int): As for :func:`graphlab.embed.topological_concentration`.
        beta (float, optional): As there.
        count (str): As there.
        fill (float): As there.
        max_visits (float, optional): As there.
        attr_name (str, optional): Attribute to write, ``(N,)`` float64, replacing what is there.
            ``None`` appends a column to ``x``.
        direction (str, optional): As there.

    Raises:
        TypeError, ValueError: If ``count`` or ``attr_name`` is malformed.
        TypeError, ValueError, IndexError: When called, as the function does.

    Example:
        >>> import torch
        >>> edge_index = torch.tensor([[0, 1, 1, 2, 2, 0], [1, 0, 2, 1, 0, 2]])
        >>> AddTopologicalConcentration()(Data(edge_index=edge_index, num_nodes=3)).tc
        tensor([1., 1., 1.], dtype=torch.float64)
    """

    def __init__(
        self,
        num_hops: int = 1,
        beta: float | None = None,
        count: Literal["walk", "set"] = "walk",
        fill: float = 0.0,
        max_visits: float | None = None,
        attr_name: str | None = "tc",
        direction: Literal["both"] | None = None,
    ) -> None:
        self.num_hops = check_int(num_hops, "num_hops", minimum=1)
        self.beta = beta
        check_choice(count, "count", ("walk", "set"))
        self.count = count
        given: Any = fill
        if isinstance(given, bool) or not isinstance(given, numbers.Real):
            raise TypeError(f"fill must be a real number, got {type(fill).__name__}")
        self.fill = fill
        self.max_visits = max_visits
        self.attr_name = check_attr_name(attr_name)
        self.direction = direction

    def forward(self, data: Data) -> Data:
        """Return the graph with the attribute added.

        Args:
            data (Data): The graph; PyG has copied it (shallowly) before.

        Returns:
            Data: The same object.
        """
        tc = topological_concentration(
            data,
            num_hops=self.num_hops,
            beta=self.beta,
            count=self.count,
            fill=self.fill,
            max_visits=self.max_visits,
            direction=self.direction,
        )
        return store(data, tc, self.attr_name)
