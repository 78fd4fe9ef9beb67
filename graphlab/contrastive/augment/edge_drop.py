"""What all augmentations that drop edges share: the call, on edges or on a graph."""

from __future__ import annotations

from typing import Any, overload

import torch
from torch import Tensor
from torch_geometric import EdgeIndex
from torch_geometric.data import Data, HeteroData
from torch_geometric.transforms import BaseTransform

from graphlab._checks import check_edge_index, check_tensor, plain
from graphlab._checks.graph_objects import check_data
from graphlab.contrastive.augment._draws import DrawStream

__all__ = ["EdgeDrop"]


class EdgeDrop(BaseTransform):  # type: ignore[misc]
    """An augmentation that drops edges, and with them whatever belongs to the edges.

    A subclass says in :meth:`keep` which edges survive.

    Args:
        seed (int): Seed of the draws of calls without a generator, which go on from call to call.
    """

    def __init__(self, seed: int = 0) -> None:
        self._stream = DrawStream(seed)

    @property
    def seed(self) -> int:
        """Seed of the draws of calls without a generator."""
        return self._stream.seed

    @property
    def rate(self) -> float | Tensor | None:
        """Probability that an edge is dropped, or of every edge ``(E,)``; None if it has none."""
        return None

    def keep(self, edge_index: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Which edges survive.

        Args:
            edge_index (Tensor): Edges ``(2, E)`` int64.
            generator (torch.Generator, optional): Source of the draw; see ``seed``.

        Returns:
            Tensor: bool ``(E,)``.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement keep")

    def forward(self, data: Data) -> Data:
        """The transform of PyG: a graph without the dropped edges and what belonged to them.

        Args:
            data (Data): The graph; it stays as it is.

        Returns:
            Data: A copy.
        """
        return self._on_graph(data, None)

    @overload
    def __call__(self, edge_index: Data, *, generator: torch.Generator | None = None) -> Data: ...

    @overload
    def __call__(
        self,
        edge_index: Tensor,
        *,
        generator: torch.Generator | None = None,
        edge_weight: None = None,
        edge_attr: None = None,
    ) -> Tensor: ...

    @overload
    def __call__(
        self,
        edge_index: Tensor,
        *,
        generator: torch.Generator | None = None,
        edge_weight: Tensor | None = None,
        edge_attr: Tensor | None = None,
    ) -> tuple[Tensor, ...]: ...

    def __call__(
        self,
        edge_index: Any,
        *,
        generator: torch.Generator | None = None,
        edge_weight: Tensor | None = None,
        edge_attr: Tensor | None = None,
    ) -> Any:
        """Surviving edges in their order, with what belongs to them.

        Args:
            edge_index (Tensor or Data): Edges ``(2, E)`` int64. As a transform it takes a ``Data``:
                a copy is returned that holds of every edge attribute what belongs to the surviving
                edges.
            generator (torch.Generator, optional): Source of the draw. Without one, call k draws
                from the k-th generator of ``seed``: calls differ, and a new object repeats them.
            edge_weight (Tensor, optional): Weights ``(E,)``.
            edge_attr (Tensor, optional): Attributes ``(E, ...)``.

        Returns:
            Tensor, tuple or Data: ``(2, E')``; with weights or attributes a tuple
            ``(edge_index, edge_weight, edge_attr)`` of what was given.

        Raises:
            TypeError, ValueError: If an argument is malformed.
        """
        if isinstance(edge_index, (Data, HeteroData)):
            return self._on_graph(edge_index, generator, edge_weight, edge_attr)
        return dropped(self, edge_index, generator, edge_weight, edge_attr)

    def _on_graph(self, data: Any, generator: Any, *given: Tensor | None) -> Data:
        data = check_data(data)
        if any(value is not None for value in given):
            raise TypeError(
                "edge_weight and edge_attr must not be given with a Data: what it holds of its "
                "edges follows them"
            )
        if data.edge_index is None:
            raise ValueError(
                f"data must have edge_index, got {data.keys()} (after ToSparseTensor, give "
                "remove_edge_index=False)"
            )
        before = data.edge_index
        made: Data = data.edge_subgraph(self.keep(before, generator=generator))
        if isinstance(before, EdgeIndex):  # the surviving edges keep its size and order
            made.edge_index = EdgeIndex(
                plain(made.edge_index).contiguous(),
                sparse_size=before.sparse_size(),
                sort_order=before.sort_order,
            )
        return made


def dropped(
    drop: Any,
    edge_index: Tensor,
    generator: torch.Generator | None,
    edge_weight: Tensor | None,
    edge_attr: Tensor | None,
) -> Any:
    """Edges that survive, alone, or in a tuple with the attributes that were given."""
    named = {"edge_weight": edge_weight, "edge_attr": edge_attr}
    given = {name: value for name, value in named.items() if value is not None}
    check_edge_index(edge_index, 0, values=False)
    for name, value in given.items():
        _check_per_edge(value, edge_index.size(1), name)
    kept = drop.keep(edge_index, generator=generator)
    edges = edge_index[:, kept.to(edge_index.device)]
    return (edges, *(value[kept.to(value.device)] for value in given.values())) if given else edges


def _check_per_edge(value: Any, edges: int, name: str) -> None:
    if check_tensor(value, name).dim() == 0 or value.size(0) != edges:
        raise ValueError(f"{name} must have {edges} rows, one per edge, got {tuple(value.shape)}")
