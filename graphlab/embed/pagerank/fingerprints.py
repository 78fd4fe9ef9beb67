"""Stored random walks that answer queries of personalised PageRank without powers of a matrix."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, Literal, overload

import scipy.sparse as sp
import torch
from torch import Tensor

from graphlab._checks import check_choice, check_index, check_int
from graphlab._distributed import all_gather_rows, rank, world_size
from graphlab._estimator import Estimator
from graphlab.embed._adjacency import Adjacency, read_adjacency
from graphlab.embed.pagerank._queries import read_queries, top_rows
from graphlab.embed.pagerank._transition import check_teleport, transition
from graphlab.embed.pagerank._visits import Visits, count_visits
from graphlab.ops import SparseRows, propagate_merge

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["PPRFingerprints"]

_ESTIMATORS = ("time_average", "full_path")


class PPRFingerprints(Estimator):
    r"""Personalised PageRank from one stored random walk per node (PowerWalk).

    The walk of a node returns to it with probability ``teleport``; how often it visits the others
    is an estimate :math:`F_v` of the node's PageRank vector, its fingerprint. A query makes T exact
    steps and leaves the rest to the fingerprints of the nodes that it reached:

    .. math:: p \approx s + F^T f, \quad s = c \sum_{k < T} (1 - c)^k (P^T)^k r, \quad
        f = (1 - c)^T (P^T)^T r

    So the error of a query is smaller than that of its fingerprint, and falls with T.

    Args:
        teleport (float): Probability c of a return, strictly between 0 and 1.
        walk_length (int): Steps L of the walk of each node, at most 65,534.
        expansions (int): Exact steps T of a query.
        estimator (str): ``"time_average"`` divides visits by L + 1 (the result sums to 1);
            ``"full_path"`` multiplies visits per return by c: unbiased, sums to 1 only
            on average (except where nodes have no out-edges).
        seed (int): Seed of the walks, in ``[0, 2**64)``.

    Attributes:
        visits_ (Visits): Nodes of each walk, and how often they are visited.
        num_nodes_ (int): Number of nodes.

    Raises:
        TypeError, ValueError: By ``fit``, if a parameter is malformed or out of range.

    Complexity: ``fit`` takes O(N L log L) time and 6 bytes per distinct node of a walk. A query
    takes O(T E) time and the entries of the fingerprints of the nodes within T steps.
    Determinism: bitwise for given parameters, whatever the number of threads and processes.

    Reference: Liu et al., "PowerWalk: Scalable Personalized PageRank via Random Walks with
        Vertex-Centric Decomposition", CIKM 2016.

    Example:
        >>> ring = torch.tensor([[0, 1, 2, 3, 1, 2, 3, 0], [1, 2, 3, 0, 0, 1, 2, 3]])
        >>> model = PPRFingerprints(walk_length=100).fit(ring)
        >>> float(model.query([0]).sum())
        1.0
    """

    _read_later: ClassVar[frozenset[str]] = frozenset({"expansions", "estimator"})

    def __init__(
        self,
        teleport: float = 0.15,
        walk_length: int = 1_000,
        expansions: int = 2,
        estimator: Literal["time_average", "full_path"] = "time_average",
        seed: int = 0,
    ) -> None:
        self.teleport = teleport
        self.walk_length = walk_length
        self.expansions = expansions
        self.estimator = estimator
        self.seed = seed

    def _check_parameters(self) -> None:
        check_teleport(self.teleport)
        check_int(self.walk_length, "walk_length", minimum=1, maximum=2**16 - 2)
        check_int(self.expansions, "expansions", minimum=0, maximum=10_000)
        check_choice(self.estimator, "estimator", _ESTIMATORS)
        check_int(self.seed, "seed", minimum=0, maximum=2**64 - 1)

    def fit(
        self,
        edge_index: Any,
        num_nodes: int | None = None,
        *,
        distributed: bool = False,
        group: Any = None,
    ) -> Self:
        """Walk from every node.

        Args:
            edge_index (Tensor or graph): ``(2, E)`` edges from row 0 to row 1, or any graph that
                :meth:`FastRP.fit` reads, without weights. A walk returns to its start at a node
                without out-edges.
            num_nodes (int, optional): N; by default that of the graph, else the largest node + 1.
            distributed (bool): Spread the nodes over the processes of ``torch.distributed``; every
                process must pass the same graph and ends with all fingerprints.
            group (ProcessGroup, optional): Processes to spread over; by default the default group.

        Returns:
            Self: This estimator.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed or out of range.
            NotImplementedError: If the edges have weights: walks choose a neighbour uniformly.
        """
        self._check_parameters()
        adjacency = read_adjacency(edge_index, None, num_nodes)
        if adjacency.rows.weight is not None:
            raise NotImplementedError(
                "edge_weight must be missing or all ones, and edges must not repeat: walks choose "
                "a neighbour uniformly; use graphlab.embed.PPR for weighted graphs"
            )
        self.graph_ = transition(adjacency, "source")
        self.visits_ = self._walk(adjacency, distributed, group)
        self.num_nodes_ = adjacency.num_nodes
        return self

    def _walk(self, adjacency: Adjacency, distributed: bool, group: Any) -> Visits:
        count = adjacency.num_nodes
        first, last = 0, count
        if distributed:
            share, number = math.ceil(count / world_size(group)), rank(group)
            first, last = min(number * share, count), min((number + 1) * share, count)
        visits = count_visits(
            adjacency.rows, (first, last), self.walk_length, self.teleport, self.seed
        )
        return visits.map(lambda t: all_gather_rows(t, group)) if distributed else visits

    @overload
    def query(
        self, queries: Any, topk: None = None, *, expansions: int | None = None
    ) -> Tensor: ...

    @overload
    def query(self, queries: Any, topk: int, *, expansions: int | None = None) -> sp.csr_array: ...

    def query(
        self, queries: Any, topk: int | None = None, *, expansions: int | None = None
    ) -> Tensor | sp.csr_array:
        """Personalised PageRank of nodes, or of restart distributions.

        Args:
            queries (Tensor or sequence of int): Nodes ``(B,)``, or restart columns ``(N, B)``.
            topk (int, optional): Keep the largest entries of each query only.
            expansions (int, optional): Exact steps T of these queries; by default the estimator's.

        Returns:
            Tensor or scipy.sparse.csr_array: ``(N, B)``, float32 for nodes; with ``topk``
            ``(B, N)``, one
            row a query.

        Raises:
            NotFittedError: If there was no fit.
            TypeError, ValueError, IndexError: If an argument is malformed or out of range.
        """
        self._check_fitted()
        steps = self.expansions if expansions is None else expansions
        check_int(steps, "expansions", minimum=0, maximum=10_000)
        restart = read_queries(queries, self.num_nodes_, torch.float32, self.visits_.node.device)
        return top_rows(self._answer(restart.detach(), steps), topk)

    def _answer(self, restart: Tensor, steps: int) -> Tensor:
        keep = 1.0 - self.teleport
        rows = self.graph_.rows
        rest = propagate_merge(restart, rows, coefficients=[0.0] * steps + [keep**steps])
        found = self._spread(rest)
        if steps:
            series = [self.teleport * keep**k for k in range(steps)]
            found = found + propagate_merge(restart, rows, coefficients=series)
        if self.estimator == "time_average" or self.graph_.has_dead_ends:
            found = found / found.sum(dim=0)
        return found

    def _spread(self, rest: Tensor) -> Tensor:
        """Fingerprints, added with the masses that the exact steps left at their nodes."""
        node, column = rest.nonzero(as_tuple=True)
        entry, length = self.visits_.rows.entries(node), self.visits_.length[node]
        mass = rest[node, column] * self._scale(node).to(rest.dtype)
        value = torch.repeat_interleave(mass, length) * self.visits_.count[entry].to(rest.dtype)
        flat = self.visits_.node[entry].long() * rest.size(1) + torch.repeat_interleave(
            column, length
        )
        # On one thread in a fixed order, so that the sum has the same bits everywhere.
        return torch.zeros_like(rest).view(-1).index_add_(0, flat, value).view_as(rest)

    def _scale(self, nodes: Tensor) -> Tensor:
        """Factors from visits to the PageRank series of some nodes, float64 ``(n,)``.

        A walk also returns from nodes without out-edges. There the series itself sums to less than
        1, as visits per return do and visits per step do not.
        """
        per_return = self.teleport / self.visits_.returns[nodes].double()
        if self.estimator == "full_path" or self.graph_.has_dead_ends:
            return per_return
        return torch.full_like(per_return, 1.0 / (self.walk_length + 1))

    def expected_error(self, nodes: Any) -> Tensor:
        r"""Expected L1 error of fingerprints, before exact steps make it smaller.

        Visits of a node are about Poisson, so an entry p has the standard error
        :math:`\sqrt{p / L}` and the mean absolute error :math:`\sqrt{2 p / (\pi L)}`.

        Args:
            nodes (Tensor or sequence of int): Nodes ``(B,)``.

        Returns:
            Tensor: ``(B,)`` float32. Entries that the walk never met are not counted, so it is a
            little low for short walks.

        Raises:
            NotFittedError: If there was no fit.
            TypeError, IndexError: If nodes are malformed or out of range.
        """
        self._check_fitted()
        if isinstance(nodes, Tensor):
            nodes = check_index(nodes, self.num_nodes_, "nodes")
        estimate = self.query(nodes, expansions=0)
        return (estimate.sqrt().sum(dim=0) * math.sqrt(2 / math.pi / self.walk_length)).float()

    # --- saved folder -----------------------------------------------------------------------------

    def _arrays(self) -> dict[str, Tensor]:
        self._check_fitted()
        matrix, visits = self.graph_.transposed, self.visits_
        return {
            "rowptr": matrix.rowptr,
            "col": matrix.col,
            "visited_rowptr": visits.rows.rowptr,
            "visited_node": visits.node,
            "visited_count": visits.count.view(torch.int16),
            "returns": visits.returns,
        }

    def _set_arrays(self, arrays: dict[str, Tensor]) -> None:
        rows = SparseRows(arrays["rowptr"], arrays["col"])
        rows.check_values()  # a file of somebody else: kernels trust what they are given
        self.graph_ = transition(Adjacency(rows, rows.rowptr.diff()), "source")
        self.visits_ = Visits(
            arrays["visited_rowptr"].diff(),
            arrays["visited_node"],
            arrays["visited_count"].view(torch.uint16),
            arrays["returns"],
        )
        self.num_nodes_ = self.graph_.num_nodes
        self.visits_.check(self.num_nodes_)
