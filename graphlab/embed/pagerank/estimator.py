"""Personalised PageRank of many queries on one graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast, overload

import scipy.sparse as sp
import torch
from torch import Tensor

from graphlab._checks import check_choice
from graphlab._estimator import Estimator
from graphlab.embed._adjacency import read_adjacency
from graphlab.embed.pagerank._queries import read_queries, top_rows
from graphlab.embed.pagerank._transition import (
    Dangling,
    Transition,
    check_steps,
    check_teleport,
    stationary,
    transition,
)
from graphlab.embed.pagerank.fingerprints import PPRFingerprints
from graphlab.ops import SparseRows

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["PPR"]

_METHODS = ("auto", "power", "fingerprints")
_FEW_ENTRIES = 10_000_000
_MANY_QUERIES = 16


class PPR(Estimator):
    """Personalised PageRank of many queries on one graph; see :func:`personalized_pagerank`.

    The transition matrix is prepared once. Queries are computed together, one pass over the edges
    per power for all of them.

    Args:
        teleport (float): Probability of a return, strictly between 0 and 1.
        dangling (str): What a walk does at a node without out-edges: ``"source"``, ``"uniform"`` or
            ``"self"``.
        steps (int, optional): Powers; by default as many as ``tol`` needs.
        tol (float): Mass that may be left over.
        method (str): ``"power"`` is exact up to ``tol``; ``"fingerprints"`` answers from stored
            walks; ``"auto"`` takes them where they are there, edges are many (10 million) and
            queries few (15).
        fingerprints (PPRFingerprints, optional): Estimator of the stored walks, which needs the
            same ``teleport`` and ``dangling="source"``. It is cloned, not fitted itself.
            :meth:`save` leaves the walks out: save ``fingerprints_`` beside, and give the loaded
            one to :meth:`load`.

    Attributes:
        graph_ (Transition): The transition matrix.
        fingerprints_ (PPRFingerprints, optional): The fitted clone; None without ``fingerprints``.
        num_nodes_ (int): Number of nodes.

    Raises:
        TypeError, ValueError: By ``fit``, if a parameter is malformed, out of range, or contradicts
            another.

    Complexity: O(steps (E + N) B) time for B queries.

    Example:
        >>> star = torch.tensor([[0, 0, 0, 1, 2, 3], [1, 2, 3, 0, 0, 0]])
        >>> PPR().fit(star).query([1], topk=2).indices.tolist()
        [0, 1]
    """

    _objects: ClassVar[tuple[str, ...]] = ("fingerprints",)
    _read_later: ClassVar[frozenset[str]] = frozenset({"teleport", "steps", "tol", "method"})

    fingerprints_: PPRFingerprints | None

    def __init__(
        self,
        teleport: float = 0.15,
        dangling: Dangling = "source",
        steps: int | None = None,
        tol: float = 1e-8,
        method: Literal["auto", "power", "fingerprints"] = "auto",
        fingerprints: PPRFingerprints | None = None,
    ) -> None:
        self.teleport = teleport
        self.dangling: Dangling = dangling
        self.steps = steps
        self.tol = tol
        self.method = method
        self.fingerprints = fingerprints

    def _check_parameters(self) -> None:
        self._check(self.fingerprints)

    def _check(self, walks: object) -> None:
        """Check the parameters, and that walks (to be fitted, or fitted) belong to them."""
        check_steps(self.steps, self.tol, check_teleport(self.teleport))
        check_choice(self.method, "method", _METHODS)
        if walks is None:
            if self.method == "fingerprints":
                raise ValueError("fingerprints must be a PPRFingerprints for method='fingerprints'")
            return
        if not isinstance(walks, PPRFingerprints):
            raise TypeError(f"fingerprints must be PPRFingerprints, got {type(walks).__name__}")
        if walks.teleport != self.teleport or self.dangling != "source":
            raise ValueError(
                "fingerprints must have the teleport of this estimator and need dangling='source', "
                f"got teleport {walks.teleport} and {self.teleport}, dangling={self.dangling!r}"
            )

    def fit(
        self, edge_index: Any, num_nodes: int | None = None, edge_weight: Tensor | None = None
    ) -> Self:
        """Read a graph.

        Args:
            edge_index (Tensor or graph): ``(2, E)`` edges from row 0 to row 1, or any graph that
                :meth:`FastRP.fit` reads.
            num_nodes (int, optional): N; by default that of the graph, else the largest node + 1.
            edge_weight (Tensor, optional): ``(E,)``, not negative, finite.

        Returns:
            Self: This estimator.

        Raises:
            TypeError, ValueError, IndexError: If a parameter or argument is malformed or out of
                range.
            NotImplementedError: If there are ``fingerprints`` and the edges have weights.
        """
        self._check_parameters()
        adjacency = read_adjacency(edge_index, edge_weight, num_nodes)
        graph = transition(adjacency, self.dangling)
        walks = None
        if self.fingerprints is not None:
            from sklearn.base import clone

            if edge_weight is not None:
                raise NotImplementedError("fingerprints do not support edge_weight")
            # A clone: what was given may be fitted on another graph, or shared.
            walks = clone(self.fingerprints).fit(edge_index, num_nodes)
        self._assign(graph, walks)
        return self

    def _assign(self, graph: Transition, walks: PPRFingerprints | None) -> None:
        self.graph_ = graph
        self.num_nodes_ = graph.num_nodes
        self.fingerprints_ = walks

    @overload
    def query(self, queries: Any, topk: None = None) -> Tensor: ...

    @overload
    def query(self, queries: Any, topk: int) -> sp.csr_array: ...

    def query(self, queries: Any, topk: int | None = None) -> Tensor | sp.csr_array:
        """Personalised PageRank of nodes, or of restart distributions.

        Args:
            queries (Tensor or sequence of int): Nodes ``(B,)``, or restart columns ``(N, B)``, not
                negative, which are divided by their sums.
            topk (int, optional): Keep the largest entries of each query only; of equal ones those
                of the lowest nodes.

        Returns:
            Tensor or scipy.sparse.csr_array: ``(N, B)``, float32 for nodes, else the dtype of the
            columns; with ``topk`` a
            scipy CSR matrix ``(B, N)``, one row a query.

        Raises:
            NotFittedError: If there was no fit.
            TypeError, ValueError, IndexError: If an argument is malformed or out of range.
        """
        self._check_fitted()
        self._check(self.fingerprints_)
        device = self.graph_.rows.device
        restart = read_queries(queries, self.num_nodes_, torch.float32, device)
        if self.fingerprints_ is not None and self._uses_walks(restart.size(1)):
            return top_rows(self.fingerprints_.query(restart), topk)
        steps = check_steps(self.steps, self.tol, self.teleport)
        return top_rows(stationary(self.graph_, restart, self.teleport, steps), topk)

    def _uses_walks(self, num_queries: int) -> bool:
        if self.method != "auto":
            return self.method == "fingerprints"
        return self.graph_.rows.num_edges >= _FEW_ENTRIES and num_queries < _MANY_QUERIES

    # --- saved folder -----------------------------------------------------------------------------

    def _arrays(self) -> dict[str, Tensor]:
        self._check_fitted()
        matrix = self.graph_.transposed
        weight = cast(torch.Tensor, matrix.weight)  # probabilities, which are always there
        return {"rowptr": matrix.rowptr, "col": matrix.col, "weight": weight}

    def _set_arrays(self, arrays: dict[str, Tensor]) -> None:
        matrix = SparseRows(arrays["rowptr"], arrays["col"], arrays["weight"])
        matrix.check_values()
        graph, walks = Transition(matrix.transpose(), matrix, self.dangling), self.fingerprints
        found = getattr(walks, "num_nodes_", graph.num_nodes)
        if found != graph.num_nodes:
            raise ValueError(
                f"fingerprints must be fitted on the saved graph of {graph.num_nodes} nodes, got "
                f"walks of {found} nodes"
            )
        self._assign(graph, walks)
