"""FastRP: node embeddings by random projection of the powers of the transition matrix."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab._checks import check_fraction
from graphlab._graphs.edges import AUTO
from graphlab.embed._adjacency import read_adjacency
from graphlab.embed.fastrp._direction import warn_of_zero_rows
from graphlab.embed.fastrp._fitted import FittedGraph
from graphlab.embed.fastrp._inputs import NodeInputs, is_target, read_inputs, warn_of_features
from graphlab.embed.fastrp._powers import PowersOfFastRP
from graphlab.embed.fastrp._preset import NEO4J, with_preset

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["FastRP"]


class FastRP(PowersOfFastRP):
    r"""Embed nodes by iterated averages of a random matrix over their neighbourhoods.

    Minutes of DeepWalk in seconds: no optimisation, one pass over the edges per power, the same
    numbers for a given seed on any number of threads, panels and processes.

    .. math:: U = \sum_{k=1}^{q} w_k \, N(H_k), \qquad H_k = P H_{k-1}, \quad
        H_0 = \operatorname{diag}(d_i^\beta) R, \quad P = D^{-1} A

    R has independent entries of variance ``1 / dim``, d are weighted row sums and N divides rows by
    their norms. Rows of the edges are ``edge_index[0]``: a directed graph averages over out-edges
    unless ``direction`` says otherwise.
    Repeated edges are summed, self-loops allowed. A node with row sum zero has degree factor 1
    and a zero row (before standardisation).

    Differences from the authors' code: the order zero term is available (``self_weight``); the
    adjacency matrix can be combined with ``beta``; concatenation works; standardisation, which
    their code always does and their paper does not describe, is an option; isolated nodes give
    zeros and no warnings. The documentation lists the errors of their code. :meth:`neo4j`
    makes an estimator with the semantics of Neo4j's Graph Data Science.

    In a scikit-learn pipeline the graph is a scipy sparse matrix: labels that ``fit`` is given
    beside it are ignored. The method is transductive, so nodes cannot be left out of the matrix.
    For ``GridSearchCV`` over nodes wrap the estimator in :class:`graphlab.embed.NodeEmbedding`,
    whose samples are node numbers; or cross-validate with :mod:`graphlab.evaluate`.

    Args:
        dim (int): Columns of the embedding, at least 1.
        weights (sequence of float, optional): Weights of the powers 1, ..., q. ``None``
            concatenates ``num_powers`` powers instead of adding them.
        beta (float, optional): Exponent of the degrees; 0 and ``None`` mean no factor.
        projection (str): ``"very_sparse"`` (sparsity :math:`\sqrt{N}`), ``"achlioptas"``
            (sparsity 3) or ``"gaussian"``.
        sparsity (float, optional): Another sparsity s >= 1 for ``"very_sparse"``: an entry is
            not zero with probability 1 / s.
        normalize (bool): Whether rows of the powers are divided by their norms before they are
            added. What is propagated never is.
        self_weight (float): Weight of the start itself, the order zero.
        standardize (bool): Give every column mean 0 and population deviation 1 at the end, as the
            authors' code does; constant columns become 0.
        input_matrix (str): ``"transition"`` or ``"adjacency"`` (A instead of P).
        seed (int): In ``[0, 2**64)``. Entry (i, j) of R is a function of (seed, node, j).
        dtype (torch.dtype): float32, float64, or bfloat16 (powers are stored in half the memory,
            sums are float32).
        preset (str, optional): ``"neo4j"`` is an earlier way to write :meth:`neo4j`.
        num_powers (int, optional): Number of powers where ``weights`` is ``None``.
        degree (str): ``"weight"``: d is the sum of a row. ``"count"``: d counts its entries, each
            repetition too, even where they are weighted; a ``projection_matrix`` then is the start
            with its degree factors included.
        direction (str, optional): ``"out"``: a node averages over the ends of its edges, as they
            are given; ``"in"``: over their origins; ``"both"``: over both, entries (i, j) and (j,
            i) becoming the larger of the two, which leaves a graph with both directions as it is.
            ``None`` is ``"out"`` with a warning if it leaves nodes with edges a row of zeros.
        weight (str, optional): Attribute of the edges of a ``Data`` or networkx graph that holds
            their weights, one finite number >= 0 each. ``"auto"``: ``Data.edge_weight``, and
            ``"weight"`` of networkx; ``None``: every edge weighs one, also those of a matrix.

    Attributes:
        graph_ (FittedGraph): The graph that was read.
        num_nodes_ (int): Its number of nodes.

    Raises:
        TypeError, ValueError: By ``fit``, if a parameter is malformed, out of range, or
            contradicts another.

    Warns:
        UserWarning: By ``fit``, if nodes with edges get a row of zeros and ``direction`` is
            ``None``; if edges have one numeric attribute that is not read; if a ``Data`` does not
            state its number of nodes or is a batch of a loader of neighbours.

    Complexity: O(q E dim) time; three matrices of the size of the result (less for few powers).
    Determinism: bitwise for a given device, whatever the number of threads, panels and processes.

    Reference: Chen et al., "Fast and Accurate Network Embeddings via Very Sparse Random
        Projection", CIKM 2019. arXiv:1908.11512

    Example:
        >>> ring = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 0]])
        >>> FastRP(dim=8, weights=(1.0, 1.0), direction="both").fit_transform(ring).shape
        torch.Size([4, 8])
    """

    @with_preset
    def __init__(
        self,
        dim: int = 128,
        weights: Sequence[float] | None = (0.0, 0.0, 1.0, 6.67),
        beta: float | None = -0.64,
        projection: Literal["very_sparse", "achlioptas", "gaussian"] = "very_sparse",
        sparsity: float | None = None,
        normalize: bool = True,
        self_weight: float = 0.0,
        standardize: bool = False,
        input_matrix: Literal["transition", "adjacency"] = "transition",
        seed: int = 0,
        dtype: torch.dtype = torch.float32,
        preset: str | None = None,
        *,
        num_powers: int | None = None,
        degree: Literal["weight", "count"] = "weight",
        direction: Literal["both", "out", "in"] | None = None,
        weight: str | None = "auto",
    ) -> None:
        self.dim = dim
        self.weights = weights
        self.beta = beta
        self.projection = projection
        self.sparsity = sparsity
        self.normalize = normalize
        self.self_weight = self_weight
        self.standardize = standardize
        self.input_matrix = input_matrix
        self.seed = seed
        self.dtype = dtype
        self.preset = preset
        self.num_powers = num_powers
        self.degree = degree
        self.direction = direction
        self.weight = weight

    @classmethod
    def neo4j(cls, dim: int = 128, **params: Any) -> Self:
        r"""Make an estimator with the semantics of Neo4j's Graph Data Science.

        Degrees count relationships even where they are weighted (``degree="count"``), entries are
        :math:`\pm\sqrt{3 / dim}` (``projection="achlioptas"``), ``weights=(0, 1, 1)`` and
        ``beta=0``. Its random numbers are not reproduced: inject its start as
        ``projection_matrix``.

        Args:
            dim (int): Columns of the embedding.
            **params (Any): Other parameters of :class:`FastRP`; they replace those above.

        Returns:
            FastRP: The estimator.

        Example:
            >>> FastRP.neo4j(dim=8).degree
            'count'
        """
        return cls(**{**NEO4J, "dim": dim, **params})

    # --- the graph --------------------------------------------------------------------------------

    def fit(
        self,
        edge_index: Any,
        num_nodes: Any = None,
        edge_weight: Tensor | None = None,
        *,
        x: Tensor | None = None,
        property_ratio: float = 0.0,
        node_id: Tensor | None = None,
        projection_matrix: Tensor | None = None,
    ) -> Self:
        """Read a graph; :meth:`transform`, :meth:`propagate` and :meth:`columns` then use it.

        Args:
            edge_index (Tensor or graph): ``(2, E)`` edges (row 0: the node that averages, row 1:
                its neighbour), or a PyG ``Data``, a square torch, torch_sparse or scipy sparse
                matrix, in which a stored zero is no edge, or a networkx graph.
            num_nodes (int, optional): N; by default that of the graph, else the largest node + 1:
                nodes without edges at the end are then missing, and numbers that look like ids
                are refused.
                Labels ``(N, ...)`` beside a scipy matrix, which is how a scikit-learn pipeline
                passes them, are ignored.
            edge_weight (Tensor, optional): ``(E,)``, not negative, finite; by default
                what the parameter ``weight`` names: ``Data.edge_weight`` if there, the values of a
                matrix, or the attribute ``"weight"`` of a networkx graph.
            x (Tensor, optional): Features ``(N, F)``; those of a ``Data`` are used if
                ``property_ratio`` > 0.
            property_ratio (float): Share of the columns, the last ones, that start from features:
                from ``x`` times a random ternary matrix, without degree factor. The number of
                columns is rounded down.
            node_id (Tensor, optional): Names ``(N,)`` int64, distinct, not negative: a node keeps
                its row of R when the graph around it is renumbered, cut or extended. (The default
                sparsity follows N: fix ``sparsity`` to compare graphs of different sizes.)
            projection_matrix (Tensor, optional): ``(N, dim)``; replaces R and overrides ``dim``,
                ``projection`` and ``seed``. With ``degree="count"`` it is the start, degree
                factors included.

        Returns:
            Self: This estimator.

        Raises:
            TypeError, ValueError, IndexError: If a parameter or argument is malformed or out of
                range.

        Warns:
            UserWarning: If ``x`` is given and not read: with ``property_ratio`` 0, or beside
                ``projection_matrix``.
        """
        options = self._options()
        num_nodes = None if is_target(num_nodes, edge_index) else num_nodes
        name = options.weight if edge_weight is None else AUTO
        adjacency = read_adjacency(edge_index, edge_weight, num_nodes, name)
        warn_of_zero_rows(adjacency, options)
        ratio = check_fraction(property_ratio, "property_ratio")
        if x is not None and (ratio == 0 or projection_matrix is not None):
            warn_of_features(projection_matrix is not None)
        features = edge_index.x if x is None and isinstance(edge_index, Data) else x
        inputs = read_inputs(adjacency, features, ratio, node_id, projection_matrix)
        self.graph_ = FittedGraph(adjacency, options, inputs)
        self.num_nodes_ = adjacency.num_nodes
        return self

    def fit_transform(
        self,
        edge_index: Any,
        num_nodes: Any = None,
        edge_weight: Tensor | None = None,
        *,
        x: Tensor | None = None,
        property_ratio: float = 0.0,
        node_id: Tensor | None = None,
        projection_matrix: Tensor | None = None,
        panel: int | None = None,
        out: str | os.PathLike[str] | None = None,
        distributed: bool = False,
        group: Any = None,
    ) -> Tensor:
        """Embed the nodes of a graph: :meth:`fit`, then :meth:`transform`.

        Args:
            edge_index (Tensor or graph): See :meth:`fit`, as the next six.
            num_nodes (int, optional): See there.
            edge_weight (Tensor, optional): See there.
            x (Tensor, optional): See there.
            property_ratio (float): See there.
            node_id (Tensor, optional): See there.
            projection_matrix (Tensor, optional): See there.
            panel (int, optional): See :meth:`transform`, as the next three.
            out (path, optional): See there.
            distributed (bool): See there.
            group (ProcessGroup, optional): See there.

        Returns:
            Tensor: ``(N, dim)``; ``(N, num_powers * dim)`` for ``weights=None``.

        Raises:
            TypeError, ValueError, IndexError: As both.
        """
        self.fit(
            edge_index,
            num_nodes,
            edge_weight,
            x=x,
            property_ratio=property_ratio,
            node_id=node_id,
            projection_matrix=projection_matrix,
        )
        return self.transform(panel=panel, out=out, distributed=distributed, group=group)

    def transform(
        self,
        edge_index: Any = None,
        *,
        panel: int | None = None,
        out: str | os.PathLike[str] | None = None,
        distributed: bool = False,
        group: Any = None,
    ) -> Tensor:
        """Embed the nodes of the fitted graph, or of another one with the same parameters.

        Args:
            edge_index (Tensor or graph, optional): Another graph, as for :meth:`fit`; it is
                embedded by itself, and the fitted one stays.
            panel (int, optional): Columns to compute at a time, a multiple of 16, where all at once
                do not fit into memory: one panel takes ``3 * N * panel`` numbers. With
                ``normalize`` panels are computed twice, the first time for the norms of whole rows.
            out (path, optional): Path of a .npy file to hold the result, mapped into memory and not
                read into it. It appears when it is complete.
            distributed (bool): Spread the columns over the processes of ``torch.distributed``;
                every process must pass the same graph. With ``out``, all write to one file, which
                they must share; otherwise every process returns the whole embedding.
            group (ProcessGroup, optional): Processes to spread over; by default the default group.

        Returns:
            Tensor: ``(N, dim)``, of the dtype asked for; the same bits for any ``panel`` and number
            of processes.

        Raises:
            NotFittedError: If no graph was fitted.
            ValueError: If ``panel`` is not a multiple of 16, or an option contradicts another.
            TypeError, IndexError: If another graph is malformed.
        """
        self._check_fitted()
        graph = self.graph_
        if edge_index is not None:
            adjacency = read_adjacency(edge_index, weight=graph.options.weight)
            warn_of_zero_rows(adjacency, graph.options)
            graph = FittedGraph(adjacency, graph.options, NodeInputs())
        return graph.embedding(panel, out, distributed, group)

    def propagate(self, *args: Any, **kwargs: Any) -> list[Tensor]:
        """Return the powers H_1, ..., H_q, so that weights are tuned without repeating them.

        The estimator keeps them for :meth:`update`; do not write to them.

        Args:
            *args (Any): Arguments of :meth:`fit`; none to use the fitted graph.
            **kwargs (Any): The same by name.

        Returns:
            list[Tensor]: q matrices ``(N, dim)``, not normalised.

        Raises:
            NotFittedError: If there are no arguments and no graph was fitted.
        """
        if args or kwargs:
            self.fit(*args, **kwargs)
        self._check_fitted()
        graph = self.graph_
        graph.powers = graph.problem.powers(graph.options.num_powers)
        return list(graph.powers)
