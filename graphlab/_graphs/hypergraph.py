"""PyG's hypergraph with the numbers of nodes and hyperedges that it states."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data.hypergraph_data import HyperGraphData

from graphlab._checks.graph_kinds import refuse_ids

__all__: list[str] = []

#: Owners of what readers and converters attach: PyG goes by lengths, which may be equal by chance.
_OF_NODES = ("node_id",)
_OF_HYPEREDGES = ("hyperedge_id", "hyperedge_weight", "hyperedge_score", "time", "layer")
_OF_INCIDENCES = ("incidence_weight",)


class SizedHyperGraphData(HyperGraphData):  # type: ignore[misc]
    """A ``HyperGraphData`` whose ``num_nodes`` and ``num_edges`` are those that it states.

    PyG guesses both from the incidences: isolated nodes are lost where there are as many nodes as
    hyperedges, empty hyperedges always, and a hypergraph without incidences has no size at all.
    """

    @property
    def num_nodes(self) -> int:
        """Number of nodes."""
        return stated_sizes(self)[0]

    @num_nodes.setter
    def num_nodes(self, num_nodes: int | None) -> None:
        self._store.num_nodes = num_nodes

    @property
    def num_edges(self) -> int:
        """Number of hyperedges, empty ones included."""
        stated = stated_sizes(self)[1]
        return count_of(self._store.get("edge_index"), 1) if stated is None else stated

    def is_node_attr(self, key: str) -> bool:
        """Whether an attribute has an entry per node."""
        if _is_named(key) or not isinstance(self[key], Tensor):
            return False  # follows below, or by hand
        return bool(super().is_node_attr(key))

    def is_edge_attr(self, key: str) -> bool:
        """Whether an attribute has an entry per hyperedge or incidence, as far as lengths tell."""
        if key == "edge_attr":
            return key in self
        value = self[key]
        if _is_named(key) or not isinstance(value, Tensor) or self.is_node_attr(key):
            return False
        return value.dim() > 0 and bool(super().is_edge_attr(key))

    def subgraph(self, subset: Tensor) -> SizedHyperGraphData:
        """The hypergraph of some nodes, as PyG makes it.

        Args:
            subset (Tensor): Numbers or mask of the nodes to keep.

        Returns:
            SizedHyperGraphData: Hyperedges of fewer than two of them are gone, and what belongs to
            hyperedges with them. Names of nodes, weights of incidences and ``edge_attr`` follow.
        """
        subset = subset.nonzero().view(-1) if subset.dtype == torch.bool else subset
        bare = copy.copy(self)
        for key in ("num_hyperedges", "hif", "edge_attr", *_OF_HYPEREDGES, *_OF_INCIDENCES):
            if key in bare:
                del bare[key]
        out: SizedHyperGraphData = super(SizedHyperGraphData, bare).subgraph(subset)
        node, edge = self["edge_index"]
        inside = torch.isin(node, subset)
        stays = edge[inside].bincount(minlength=self.num_edges) > 1
        rows = {"edge_attr": stays, **dict.fromkeys(_OF_INCIDENCES, inside & stays[edge])}
        for key, kept_rows in rows.items():
            if key in self:
                out[key] = self[key][kept_rows]
        if "node_id" in self:
            names: Any = self["node_id"]
            kept = subset.tolist()
            out["node_id"] = (
                names[subset] if isinstance(names, Tensor) else [names[i] for i in kept]
            )
        return out


def _is_named(key: str) -> bool:
    """Whether the name of an attribute tells what it belongs to."""
    return key in ("edge_attr", *_OF_NODES, *_OF_HYPEREDGES, *_OF_INCIDENCES)


def stated_sizes(data: HyperGraphData) -> tuple[int, int | None]:
    """Numbers of nodes and hyperedges that a hypergraph states; without one of nodes, the least.

    The properties of PyG's own class are avoided, which guess.
    """
    store = data._store
    edges = store.get("num_hyperedges")
    if edges is None and store.get("edge_attr") is not None:
        edges = store["edge_attr"].size(0)
    nodes = store.get("num_nodes")
    for name in ("x", "node_id"):
        if nodes is None and store.get(name) is not None:
            nodes = len(store[name])
    if nodes is None:
        index = store.get("edge_index")
        nodes = count_of(index, 0)
        if index is not None:
            refuse_ids(nodes, index.size(-1), "edge_index[0]")
    return _total(nodes), None if edges is None else _total(edges)


def _total(count: Any) -> int:
    """A number, or the sum of those of the parts of a batch."""
    return int(torch.as_tensor(count, device="cpu").sum())


def count_of(edge_index: Tensor | None, row: int) -> int:
    """One more than the largest number in a row of incidences."""
    if edge_index is None or edge_index.numel() == 0:
        return 0
    return int(edge_index[row].max()) + 1


def names_of(data: Any) -> list[Any] | None:
    """Names of the nodes of a graph or hypergraph of PyG, if it has any."""
    names = data._store.get("node_id")
    if names is None:
        return None
    return names.tolist() if hasattr(names, "tolist") else list(names)


def named_hypergraph(
    nodes: Sequence[Any], members: Sequence[Sequence[int]], edges: Sequence[Any] | None = None
) -> SizedHyperGraphData:
    """A hypergraph with names, from the numbers of the nodes in every hyperedge."""
    columns = [[v for group in members for v in group]]
    columns.append([e for e, group in enumerate(members) for _ in group])
    data = SizedHyperGraphData(
        edge_index=torch.tensor(columns, dtype=torch.int64, device="cpu").view(2, -1),
        num_nodes=len(nodes),
        num_hyperedges=len(members),
        node_id=list(nodes),
    )
    if edges is not None:
        data.hyperedge_id = list(edges)
    return data
