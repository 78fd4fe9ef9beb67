"""PyG's classes as type checkers should see them where graphlab makes the objects.

PyG declares every part of ``Data`` optional and an item of a data set to be anything; what
graphlab returns has its edges, and code that uses it is to pass a checker without a cast. At run
time the names here are PyG's own classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = ["Data", "HyperGraphData", "InMemoryDataset"]

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import overload

    import torch_geometric.data as pyg
    from torch import Tensor
    from torch_geometric.data import hypergraph_data
    from typing_extensions import Self

    class Data(pyg.Data):
        """A graph with edges; ``x`` and ``y`` are there where its maker says so."""

        x: Tensor
        edge_index: Tensor
        y: Tensor
        num_nodes: int
        num_edges: int

    class HyperGraphData(hypergraph_data.HyperGraphData):
        """A hypergraph with its incidence."""

        edge_index: Tensor
        num_nodes: int
        num_edges: int

    class InMemoryDataset(pyg.InMemoryDataset):
        """A data set of graphs."""

        @overload
        def __getitem__(self, idx: int) -> Data: ...
        @overload
        def __getitem__(self, idx: Any) -> Self: ...
        def __getitem__(self, idx: Any) -> Any: ...
        def __iter__(self) -> Iterator[Data]: ...

else:
    from torch_geometric.data import Data, InMemoryDataset
    from torch_geometric.data.hypergraph_data import HyperGraphData
