"""Losses of a projection, exactly: nesting and uncovered triangles."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from graphlab._checks import check_choice
from graphlab.hyper._containment import containment
from graphlab.hyper._graph import Graph, read_graph
from graphlab.hyper._incidence import Hypergraph, Incidence, read_incidence
from graphlab.hyper._sets import Bools, Ints, NodeSets, find, from_matrix, node_sets, sorted_unique
from graphlab.hyper.cliques import maximal_cliques
from graphlab.hyper.projection import projection

__all__ = [
    "is_conformal",
    "nested_hyperedges",
    "projection_loss",
    "uncovered_triangles",
]

# Entries of a product of matrices that are held at once.
_CHUNK_ROWS = 4096
# Triples of hyperedges that are looked at together.
_CHUNK_TRIPLES = 1 << 17


def nested_hyperedges(hyperedge_index: Hypergraph, num_nodes: int | None = None) -> Tensor:
    """Mark hyperedges that lie strictly inside another one, and so are no maximal clique.

    Args:
        hyperedge_index (Tensor or HyperGraphData): Incidence ``(2, nnz)``.
        num_nodes (int, optional): Number of nodes N; needed with a tensor.

    Returns:
        Tensor: ``(H,)`` bool, one per hyperedge of the input. Empty ones are not nested.

    Raises:
        TypeError, ValueError, IndexError: If the incidence is malformed.

    Complexity: the cost of :func:`rho` with the hyperedges as cliques.
    """
    hypergraph = read_incidence(hyperedge_index, num_nodes)
    sets = hypergraph.hyperedges
    out = np.zeros(len(sets), dtype=bool)
    full = np.flatnonzero(sets.sizes > 0)
    chosen = sets.take(full)
    inner, outer = containment(chosen, chosen, hypergraph.num_nodes)
    out[full[inner[chosen.sizes[outer] > chosen.sizes[inner]]]] = True
    return torch.from_numpy(out)


def uncovered_triangles(
    hyperedge_index: Hypergraph,
    num_nodes: int | None = None,
    kind: Literal["graph", "hyperedge"] = "graph",
) -> Tensor:
    r"""Triangles that look like a hyperedge and are none.

    Args:
        hyperedge_index (Tensor or HyperGraphData): Incidence ``(2, nnz)``.
        num_nodes (int, optional): Number of nodes N; needed with a tensor.
        kind (str): ``"graph"``: triangles of the projection that lie in no hyperedge.
            ``"hyperedge"``: triples of distinct hyperedges a, b, c such that no hyperedge holds
            :math:`(a \cap b) \cup (b \cap c) \cup (c \cap a)`. The two are different counts.

    Returns:
        Tensor: ``(T, 3)`` int64 in lexicographic order: nodes, or numbers of hyperedges (of equal
        hyperedges the first).

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed.

    Complexity: the triangles of the projection; for ``"hyperedge"``, the triples of hyperedges that
    meet in pairs.
    """
    check_choice(kind, "kind", ("graph", "hyperedge"))
    hypergraph = read_incidence(hyperedge_index, num_nodes)
    if kind == "hyperedge":
        return _uncovered_triples(hypergraph)
    edges, _ = projection(hypergraph)
    triangles = _triangles(read_graph(edges, hypergraph.num_nodes))
    inside, _ = containment(from_matrix(triangles), hypergraph.distinct(), hypergraph.num_nodes)
    keep = np.ones(triangles.shape[0], dtype=bool)
    keep[inside] = False
    return torch.from_numpy(triangles[keep])


def _triangles(graph: Graph) -> Ints:
    """All triangles u < v < w, ``(T, 3)``."""
    u, v = graph.entries[:, graph.upper]
    shape = (graph.num_nodes, graph.num_nodes)
    later = sparse.csr_array((np.ones(u.size, dtype=np.int8), (u, v)), shape=shape)
    parts = []
    for start in range(0, u.size, _CHUNK_ROWS):
        part = slice(start, start + _CHUNK_ROWS)
        third = sparse.coo_array(later[u[part]].multiply(later[v[part]]))
        parts.append(np.stack([u[part][third.row], v[part][third.row], third.col], axis=1))
    out = np.concatenate(parts).astype(np.int64) if parts else np.zeros((0, 3), dtype=np.int64)
    return out[np.lexsort(out.T[::-1])]


def _uncovered_triples(hypergraph: Incidence) -> Tensor:
    sets = hypergraph.hyperedges
    full = np.flatnonzero(sets.sizes > 0)
    _, first = np.unique(find(sets.take(full), hypergraph.distinct()), return_index=True)
    numbers = np.sort(full[first])
    chosen = sets.take(numbers)
    shape = (len(chosen), hypergraph.num_nodes)
    member = sparse.csr_array((np.ones(chosen.idx.size), chosen.idx, chosen.ptr), shape)
    meeting = sparse.triu(member @ member.T, 1).tocoo()
    both = np.stack([meeting.row, meeting.col]).astype(np.int64)
    key = np.sort(both[0] * len(chosen) + both[1])
    edges = np.stack(np.divmod(key, max(len(chosen), 1)))
    graph = read_graph(torch.from_numpy(np.concatenate([edges, edges[::-1]], axis=1)), len(chosen))
    triples = _triangles(graph)
    parts = np.array_split(triples, max(1, -(-len(triples) // _CHUNK_TRIPLES)))
    open_ = [part[~_covered(part, member, chosen)] for part in parts]
    return torch.from_numpy(numbers[np.concatenate(open_)].reshape(-1, 3))


def _covered(triples: Ints, member: sparse.csr_array, hyperedges: NodeSets) -> Bools:
    """Mark triples of which a hyperedge holds all nodes that lie in two or three of the sets."""
    count = sparse.csr_array(member[triples[:, 0]] + member[triples[:, 1]] + member[triples[:, 2]])
    # Nodes of two or three of the sets: the union of the pairwise intersections.
    count.data[count.data < 2] = 0
    count.eliminate_zeros()
    count.sort_indices()
    cores = NodeSets(count.indptr.astype(np.int64), count.indices.astype(np.int64))
    distinct, _ = sorted_unique(cores)
    inside, _ = containment(distinct, hyperedges, member.shape[1])
    held = np.zeros(len(distinct), dtype=bool)
    held[inside] = True
    out: Bools = held[find(cores, distinct)]
    return out


def is_conformal(hyperedge_index: Hypergraph, num_nodes: int | None = None) -> bool:
    """Test whether the hyperedges are exactly the maximal cliques of their projection.

    Then, and only then, nothing is lost. Gilmore: it holds if and only if no hyperedge is nested
    and no triangle of hyperedges is uncovered (with every node in some hyperedge).

    Args:
        hyperedge_index (Tensor or HyperGraphData): Incidence ``(2, nnz)``; repeats do not matter.
        num_nodes (int, optional): Number of nodes N; needed with a tensor.

    Returns:
        bool: The answer.

    Raises:
        TypeError, ValueError, IndexError: If the incidence is malformed.
    """
    loss = projection_loss(hyperedge_index, num_nodes)
    return loss["missed"] == 0 and loss["spurious"] == 0


def projection_loss(
    hyperedge_index: Hypergraph, num_nodes: int | None = None
) -> dict[str, int | float]:
    """Compare the hyperedges with the maximal cliques of their projection.

    Args:
        hyperedge_index (Tensor or HyperGraphData): Incidence ``(2, nnz)``.
        num_nodes (int, optional): Number of nodes N; needed with a tensor.

    Returns:
        dict: ``hyperedges`` (distinct), ``maximal_cliques``, ``missed`` (hyperedges that are no
        maximal clique), ``spurious`` (maximal cliques that are no hyperedge), ``nested``,
        ``triangles``, ``uncovered_triangles`` (the graph form) and ``jaccard`` of hyperedges and
        maximal cliques. More are missed than nested where a clique that is no hyperedge swallows
        some.

    Raises:
        TypeError, ValueError, IndexError: If the incidence is malformed.
    """
    hypergraph = read_incidence(hyperedge_index, num_nodes)
    distinct = hypergraph.distinct()
    edges, _ = projection(hypergraph)
    graph = read_graph(edges, hypergraph.num_nodes)
    cliques = node_sets(maximal_cliques(edges, hypergraph.num_nodes))
    common = int((find(cliques, distinct) >= 0).sum())
    index = torch.from_numpy(np.stack([distinct.idx, distinct.owner()]))
    union = len(distinct) + len(cliques) - common
    return {
        "hyperedges": len(distinct),
        "maximal_cliques": len(cliques),
        "missed": len(distinct) - common,
        "spurious": len(cliques) - common,
        "nested": int(nested_hyperedges(index, hypergraph.num_nodes).sum()),
        "triangles": int(graph.triangles().sum()) // 3,
        "uncovered_triangles": int(uncovered_triangles(index, hypergraph.num_nodes).size(0)),
        "jaccard": common / union if union else 1.0,
    }
