"""Share of hyperedges among the subsets of maximal cliques, by size: what the sampler learns."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from graphlab._checks import check_tensor
from graphlab._sorted import distinct
from graphlab.hyper._incidence import Hypergraph, read_incidence
from graphlab.hyper._sets import Ints, NodeSets, SetFamily, node_sets, pointers

__all__ = ["RhoTable", "rho"]

# Pairs of a hyperedge and a clique that are looked at together.
_CHUNK = 1 << 22


@dataclass(frozen=True, eq=False)
class RhoTable:
    r"""Non-empty cells (n, k), sorted by n, then k.

    Attributes:
        n (Tensor): Size of maximal cliques, int64 ``(P,)``.
        k (Tensor): Size of hyperedges, int64 ``(P,)``.
        hits (Tensor): Distinct hyperedges of size k inside a maximal clique of size n, int64.
        cost (Tensor): Subsets of size k of all these cliques, :math:`c_n \binom{n}{k}`, float64.
    """

    n: Tensor
    k: Tensor
    hits: Tensor
    cost: Tensor

    def dense(self) -> Tensor:
        """Matrix of :math:`hits / cost`, ``(max n + 1, max k + 1)`` float64, zero where empty."""
        top = int(self.n.max()) + 1 if self.n.numel() else 1
        wide = int(self.k.max()) + 1 if self.k.numel() else 1
        out = torch.zeros(top, wide, dtype=torch.float64)
        out[self.n, self.k] = self.hits / self.cost
        return out


def rho(
    hyperedge_index: Hypergraph, num_nodes: int | None = None, cliques: SetFamily | None = None
) -> RhoTable:
    r"""Share of the k-subsets of n-cliques that are hyperedges.

    .. math:: \rho_{n,k} = \frac{|E_{n,k}|}{c_n \binom{n}{k}}

    :math:`E_{n,k}` are the distinct hyperedges of size k inside at least one of the :math:`c_n`
    maximal cliques of size n. Subsets shared by cliques count once per clique, as in the authors'
    code.

    Args:
        hyperedge_index (Tensor or HyperGraphData): Incidence ``(2, nnz)``.
        num_nodes (int, optional): Number of nodes N; needed with a tensor.
        cliques (CliqueSet): Maximal cliques of the projection.

    Returns:
        RhoTable: The cells with at least one hyperedge.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed.

    Complexity: per hyperedge, the cliques at its rarest node, each looked up at its other nodes.
    """
    hypergraph = read_incidence(hyperedge_index, num_nodes)
    family = check_family(cliques, "cliques", hypergraph.num_nodes)
    edges = hypergraph.distinct()
    inside = containment(edges, family, hypergraph.num_nodes)
    n, k, hits = cells(edges, family, inside)
    counts = np.bincount(family.sizes, minlength=1)
    cost = [as_float(int(counts[a]) * math.comb(int(a), int(b))) for a, b in zip(n, k, strict=True)]
    sizes = torch.from_numpy(n), torch.from_numpy(k), torch.from_numpy(hits)
    return RhoTable(*sizes, torch.tensor(cost, dtype=torch.float64))


def as_float(count: int) -> float:
    """A number of subsets as a float, which large cliques exceed: infinite then."""
    try:
        return float(count)
    except OverflowError:
        return math.inf


def check_family(family: object, name: str, num_nodes: int) -> NodeSets:
    """Require cliques or candidates whose nodes lie in range."""
    if not isinstance(family, SetFamily):
        raise TypeError(f"{name} must be a CliqueSet or CandidateSet, got {type(family).__name__}")
    check_tensor(family.idx, name)
    sets = node_sets(family)
    if sets.idx.size and not (sets.idx.min() >= 0 and sets.idx.max() < num_nodes):
        raise IndexError(f"{name} must hold nodes in [0, {num_nodes}), got {sets.idx.max()}")
    return sets


def containment(sets: NodeSets, cliques: NodeSets, num_nodes: int) -> tuple[Ints, Ints]:
    """All pairs of a set and a clique that holds it, by an inverted index; sets are not empty."""
    order = np.argsort(cliques.idx, kind="stable")
    at_node = cliques.owner()[order]
    borders = pointers(np.bincount(cliques.idx, minlength=num_nodes))
    members = np.sort(cliques.owner() * num_nodes + cliques.idx)
    # The rarest node of every set comes first.
    count = np.diff(borders)[sets.idx]
    owner = sets.owner()
    sets = NodeSets(sets.ptr, sets.idx[np.lexsort((sets.idx, count, owner))])
    first = sets.idx[sets.ptr[:-1]]
    total = np.cumsum(np.diff(borders)[first])
    parts: list[tuple[Ints, Ints]] = []
    start = 0
    while start < len(sets):
        limit = _CHUNK + (total[start - 1] if start else 0)
        stop = max(start + 1, int(np.searchsorted(total, limit)))
        part = np.arange(start, stop)
        length = np.diff(borders)[first[part]]
        which = np.repeat(part, length)
        entry = np.arange(which.size) + np.repeat(
            borders[first[part]] - pointers(length)[:-1], length
        )
        parts.append(_holding(sets, which, at_node[entry], members, num_nodes))
        start = stop
    empty = np.zeros(0, dtype=np.int64)
    return (
        np.concatenate([pair[0] for pair in parts]) if parts else empty,
        np.concatenate([pair[1] for pair in parts]) if parts else empty,
    )


def _holding(
    sets: NodeSets, which: Ints, clique: Ints, members: Ints, num_nodes: int
) -> tuple[Ints, Ints]:
    """Keep the pairs whose clique also holds the second, third, ... node of the set."""
    done: list[tuple[Ints, Ints]] = []
    column = 1
    while which.size:
        ended = sets.sizes[which] <= column
        done.append((which[ended], clique[ended]))
        which, clique = which[~ended], clique[~ended]
        key = clique * num_nodes + sets.idx[sets.ptr[:-1][which] + column]
        nearest = np.minimum(np.searchsorted(members, key), max(members.size - 1, 0))
        hit = members[nearest] == key if members.size else np.zeros(key.size, dtype=bool)
        which, clique = which[hit], clique[hit]
        column += 1
    if not done:
        return which, clique
    return np.concatenate([a for a, _ in done]), np.concatenate([b for _, b in done])


def cells(edges: NodeSets, cliques: NodeSets, inside: tuple[Ints, Ints]) -> tuple[Ints, Ints, Ints]:
    """Sizes (n, k) and the number of distinct hyperedges in each cell."""
    edge, clique = inside
    top = int(cliques.sizes.max()) + 1 if len(cliques) else 1
    pair = distinct(edge * top + cliques.sizes[clique])
    edge, n = np.divmod(pair, top)
    cell, hits = np.unique(n * top + edges.sizes[edge], return_counts=True)
    n, k = np.divmod(cell, top)
    return n, k, hits
