"""Reading hypergraphs: one checked, sorted form behind every function of this room."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data.hypergraph_data import HyperGraphData

from graphlab._checks import check_int, check_range, check_tensor
from graphlab._graphs.hypergraph import names_of, stated_sizes
from graphlab._sorted import distinct
from graphlab.hyper._sets import Ints, NodeSets, SetFamily, pointers, sorted_unique
from graphlab.hyper.incoming import as_hypergraph

if TYPE_CHECKING:
    import pandas as pd


class _Foreign(Protocol):
    """A hypergraph of xgi or hypergraphx, or a bipartite graph of networkx."""

    @property
    def nodes(self) -> Any: ...

    @property
    def edges(self) -> Any: ...


#: What functions on hypergraphs take: incidences, PyG data, sets of names, cliques and candidates,
#: a table of memberships, or a hypergraph of another library.
Hypergraph: TypeAlias = (
    "Tensor | HyperGraphData | SetFamily | Iterable[Iterable[Hashable]] "
    "| Mapping[Hashable, Iterable[Hashable]] | pd.DataFrame | _Foreign"
)


@dataclass(frozen=True, eq=False)
class Incidence:
    """A hypergraph whose hyperedges are sets of nodes."""

    hyperedges: NodeSets
    num_nodes: int

    @property
    def num_hyperedges(self) -> int:
        """Number of hyperedges, empty and repeated ones included."""
        return len(self.hyperedges)

    def distinct(self) -> NodeSets:
        """Hyperedges without repeats and empty ones, in lexicographic order."""
        return self.counted()[0]

    def counted(self) -> tuple[NodeSets, Ints]:
        """Distinct hyperedges that are not empty, and how often each occurs."""
        return sorted_unique(self.hyperedges.take(np.flatnonzero(self.hyperedges.sizes > 0)))

    def masked(self, label_mask: Tensor) -> Incidence:
        """The hypergraph of the hyperedges that a mask ``(H,)`` marks."""
        count = self.num_hyperedges
        if not isinstance(label_mask, Tensor) or label_mask.dtype != torch.bool:
            raise TypeError("label_mask must be a bool tensor")
        if label_mask.shape != (count,):
            raise ValueError(
                f"label_mask must have shape ({count},), got {tuple(label_mask.shape)}"
            )
        numbers = label_mask.nonzero().view(-1).cpu().numpy()
        return Incidence(self.hyperedges.take(numbers), self.num_nodes)


def read_incidence(
    hypergraph: Any,
    num_nodes: int | None = None,
    num_hyperedges: int | None = None,
    name: str = "hyperedge_index",
) -> Incidence:
    """Check a hypergraph in any form of :data:`Hypergraph`; repeated incidences are merged."""
    if not isinstance(hypergraph, (Tensor, HyperGraphData)):
        hypergraph = as_hypergraph(hypergraph, num_nodes, name)
    if isinstance(hypergraph, HyperGraphData):
        index, stored_nodes, stored_edges = read_data(hypergraph, name)
        num_nodes = stored_nodes if num_nodes is None else num_nodes
        num_hyperedges = stored_edges if num_hyperedges is None else num_hyperedges
    else:
        index = hypergraph
    index = _check_index(index, name)
    if num_nodes is None:
        raise ValueError(f"num_nodes must be given for {name}: isolated nodes count")
    num_nodes = check_int(num_nodes, "num_nodes", minimum=0, maximum=2**31 - 1)
    check_range(index[0], num_nodes, f"{name}[0]")
    node, edge = (part.cpu().long().numpy() for part in index)
    count = _number_of_hyperedges(edge, num_hyperedges, name)
    # One number per incidence sorts by hyperedge, then node, and merges repeats.
    key = distinct(edge * max(num_nodes, 1) + node)
    edge, node = np.divmod(key, max(num_nodes, 1))
    return Incidence(NodeSets(pointers(np.bincount(edge, minlength=count)), node), num_nodes)


def read_pair(pred: Any, true: Any, num_nodes: int | None) -> tuple[Incidence, Incidence]:
    """Two hypergraphs on the same nodes; they are aligned by the names of nodes, if both have.

    Sets of numbers beside more nodes without names are numbers of these nodes.
    """
    given = [("pred", pred), ("true", true)]
    data = [
        value if isinstance(value, (Tensor, HyperGraphData)) else as_hypergraph(value, None, name)
        for name, value in given
    ]
    sides = [
        read_incidence(value, num_nodes if isinstance(value, Tensor) else None, name=name)
        for value, (name, _) in zip(data, given, strict=True)
    ]
    names = [names_of(value) if isinstance(value, HyperGraphData) else None for value in data]
    if names[0] is None or names[1] is None:
        for own, other in ((0, 1), (1, 0)):
            count = sides[other].num_nodes
            if names[other] is None and _are_numbers(given[own][1], names[own], count):
                sides[own] = _renumbered(sides[own], names[own] or [], count)
        return sides[0], sides[1]
    if names[0] == names[1]:
        return sides[0], sides[1]
    number = {name: i for i, name in enumerate(dict.fromkeys([*names[0], *names[1]]))}
    first, second = (
        _renumbered(side, [number[name] for name in own], len(number))
        for side, own in zip(sides, (names[0], names[1]), strict=True)
    )
    return first, second


def _are_numbers(value: Any, names: list[Any] | None, num_nodes: int) -> bool:
    """Whether sets hold numbers of nodes; as names of as many nodes they would be put in order."""
    if names is None or not isinstance(value, (Mapping, list, tuple, set, frozenset)):
        return False
    whole = all(type(name) is int and 0 <= name < num_nodes for name in names)
    return whole and len(names) < num_nodes


def _renumbered(hypergraph: Incidence, numbers: list[int], num_nodes: int) -> Incidence:
    sets = hypergraph.hyperedges
    node = np.asarray(numbers, dtype=np.int64)[sets.idx]
    node = node[np.lexsort((node, sets.owner()))]  # ascending within a set
    return Incidence(NodeSets(sets.ptr, node), num_nodes)


def read_data(data: HyperGraphData, name: str) -> tuple[Any, int, int | None]:
    """Incidence and sizes that a data object states."""
    store = data._store
    if store.get("edge_index") is None:
        wrong = "; rename hyperedge_index to edge_index" if "hyperedge_index" in store else ""
        raise ValueError(f"{name} must be a HyperGraphData with edge_index (2, nnz){wrong}")
    return store["edge_index"], *stated_sizes(data)


def _check_index(value: Any, name: str) -> Tensor:
    index: Tensor = check_tensor(value, name)
    if index.dtype not in (torch.int64, torch.int32):
        raise ValueError(
            f"{name} must hold int64 or int32 node and hyperedge ids, got {index.dtype}"
        )
    if index.dim() != 2 or index.size(0) != 2:
        raise ValueError(
            f"{name} must have shape (2, nnz), nodes above hyperedges, got {tuple(index.shape)}"
        )
    return index


def _number_of_hyperedges(edge: Any, given: int | None, name: str) -> int:
    if given is not None:
        count = check_int(given, "num_hyperedges", minimum=0)
        check_range(torch.from_numpy(edge), count, f"{name}[1]")
        return count
    if edge.size == 0:
        return 0
    if edge.min() < 0:
        raise IndexError(f"{name}[1] holds the negative hyperedge id {edge.min()}")
    present = distinct(edge)
    if present.size != present[-1] + 1:
        missing = int(np.flatnonzero(present != np.arange(present.size))[0])
        raise ValueError(
            f"{name}[1] has no entry for hyperedge {missing}; pass num_hyperedges if it is empty"
        )
    return int(present.size)
