"""Share of hyperedges among the subsets of maximal cliques, by size: what the sampler learns."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from graphlab._repr import short_repr
from graphlab.hyper._cells import find_cells
from graphlab.hyper._incidence import Hypergraph, read_incidence
from graphlab.hyper._sets import SetFamily, check_family
from graphlab.hyper.cliques import maximal_cliques
from graphlab.hyper.projection import projection

__all__ = ["RhoTable", "rho"]


@short_repr
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
        out = torch.zeros(top, wide, dtype=torch.float64, device="cpu")
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
        cliques (CliqueSet, optional): Maximal cliques of the projection; listed here when missing.

    Returns:
        RhoTable: The cells with at least one hyperedge.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed.

    Complexity: per hyperedge, the cliques at its rarest node, each looked up at its other nodes.
    """
    hypergraph = read_incidence(hyperedge_index, num_nodes)
    if cliques is None:
        cliques = maximal_cliques(projection(hypergraph)[0], hypergraph.num_nodes)
    family = check_family(cliques, "cliques", hypergraph.num_nodes)
    edges = hypergraph.distinct()
    cells = list(find_cells(edges, family, hypergraph.num_nodes))
    counts = [(cell.n, cell.k, cell.hits.size) for cell in cells]
    n, k, hits = torch.tensor(counts, dtype=torch.int64, device="cpu").view(-1, 3).t().contiguous()
    cost = torch.tensor([cell.price for cell in cells], dtype=torch.float64, device="cpu")
    return RhoTable(n, k, hits, cost)
