"""FastRP: node embeddings by random projection of the powers of the transition matrix."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab._checks import (
    check_choice,
    check_fraction,
    check_int,
    check_matrix,
)
from graphlab.embed.fastrp._adjacency import read_adjacency
from graphlab.embed.fastrp._delta import add_edges, affected_rows
from graphlab.embed.fastrp._fitted import Fitted
from graphlab.embed.fastrp._merge import merge_powers
from graphlab.embed.fastrp._options import (
    BETA,
    DTYPES,
    PROJECTION,
    WEIGHTS,
    fill_preset,
    finite_number,
    node_names,
    power_weights,
    sparsity_option,
)
from graphlab.embed.fastrp._panels import BLOCK, embed, panels, total_squares
from graphlab.ops import propagate

__all__ = ["FastRP", "fastrp"]


class FastRP:
    r"""Embed nodes by iterated averages of a random matrix over their neighbourhoods.

    Minutes of DeepWalk in seconds: no optimisation, one pass over the edges per power, the same
    numbers for a given seed on any number of threads, panels and processes.

    .. math:: U = \sum_{k=1}^{q} w_k \, N(H_k), \qquad H_k = P H_{k-1}, \quad
        H_0 = \operatorname{diag}(d_i^\beta) R, \quad P = D^{-1} A

    R has independent entries of variance ``1 / dim``, d are weighted row sums and N divides rows by
    their norms. Rows of the edges are ``edge_index[0]``: a directed graph averages over out-edges.
    Repeated edges are summed, self-loops allowed. A node with row sum zero has degree factor 1
    and a zero row (before standardisation).

    Differences from the authors' code: the order zero term is available (``self_weight``); the
    adjacency matrix can be combined with ``beta``; concatenation works; standardisation, which
    their code always does and their paper does not describe, is an option; isolated nodes give
    zeros and no warnings. See the documentation for what was found wrong there.

    ``preset="neo4j"`` has the semantics of Neo4j's Graph Data Science: degrees count relationships
    even where they are weighted, entries are :math:`\pm\sqrt{3 / dim}` (Achlioptas), and the
    defaults become ``weights=(0, 1, 1)``, ``beta=0``, ``projection="achlioptas"``; arguments that
    are given keep their value. Its random numbers are not reproduced: inject its start as
    ``projection_matrix``.

    Args:
        dim (int): Columns of the embedding, at least 1.
        weights (Sequence[float], optional): Weights of the powers 1, ..., q. ``None`` concatenates
            ``num_powers`` powers instead of adding them.
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
        input_matrix (str): ``"transition"`` or ``"adjacency"`` (A in place of P).
        seed (int): In ``[0, 2**64)``. Entry (i, j) of R is a function of (seed, node, j).
        dtype (torch.dtype): float32, float64, or bfloat16 (powers are stored in half the memory,
            sums are float32).
        preset (str, optional): ``"neo4j"`` or ``None``.
        num_powers (int, optional): Number of powers where ``weights`` is ``None``.

    Raises:
        TypeError, ValueError: If an argument is malformed, out of range, or contradicts another.

    Complexity: O(q E dim) time; three matrices of the size of the result (less for few powers).
    Determinism: bitwise for a given device, whatever the number of threads, panels and processes.

    Reference: Chen et al., "Fast and Accurate Network Embeddings via Very Sparse Random
        Projection", CIKM 2019. arXiv:1908.11512

    Example:
        >>> ring = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 0]])
        >>> FastRP(dim=8, weights=(1.0, 1.0)).fit_transform(ring).shape
        torch.Size([4, 8])
    """

    def __init__(
        self,
        dim: int = 128,
        weights: Sequence[float] | None = WEIGHTS,
        beta: float | None = BETA,
        projection: str = PROJECTION,
        sparsity: float | None = None,
        normalize: bool = True,
        self_weight: float = 0.0,
        standardize: bool = False,
        input_matrix: str = "transition",
        seed: int = 0,
        dtype: torch.dtype = torch.float32,
        preset: str | None = None,
        *,
        num_powers: int | None = None,
    ) -> None:
        if preset is not None:
            check_choice(preset, "preset", ("neo4j",))
            weights, beta, projection = fill_preset(weights, beta, projection)
        self.preset = preset
        self.dim = check_int(dim, "dim", minimum=1)
        self.projection = check_choice(
            projection, "projection", ("very_sparse", "achlioptas", "gaussian")
        )
        self.sparsity = sparsity_option(sparsity, self.projection)
        self.beta = None if beta is None else finite_number(beta, "beta")
        self.self_weight = finite_number(self_weight, "self_weight")
        self.weights, self.num_powers = power_weights(weights, num_powers, self.self_weight)
        self.normalize = bool(normalize)
        self.standardize = bool(standardize)
        if self.standardize and self.weights is None:
            raise ValueError("standardize=True needs weights: a concatenation is not standardised")
        self.input_matrix = check_choice(input_matrix, "input_matrix", ("transition", "adjacency"))
        self.seed = check_int(seed, "seed", minimum=0, maximum=2**64 - 1)
        if dtype not in DTYPES:
            raise ValueError(f"dtype must be one of {DTYPES}, got {dtype}")
        self.dtype = dtype
        self._fitted: Fitted | None = None

    def __repr__(self) -> str:
        return (
            f"FastRP(dim={self.dim}, weights={self.weights}, beta={self.beta}, "
            f"projection={self.projection!r}, seed={self.seed})"
        )

    # --- the graph --------------------------------------------------------------------------------

    def fit(
        self,
        edge_index: Any,
        num_nodes: int | None = None,
        edge_weight: Tensor | None = None,
        *,
        x: Tensor | None = None,
        property_ratio: float = 0.0,
        node_id: Tensor | None = None,
        projection_matrix: Tensor | None = None,
    ) -> FastRP:
        """Read a graph; :meth:`transform`, :meth:`propagate` and :meth:`columns` then use it.

        Args:
            edge_index: ``(2, E)`` edges (row 0: the node that averages, row 1: its neighbour), or a
                PyG ``Data``, a square torch or scipy sparse matrix, or a networkx graph.
            num_nodes: N; by default that of the graph, else the largest node + 1.
            edge_weight: ``(E,)``, not negative, finite; by default ``Data.edge_weight`` if there,
                the values of a matrix, or the attribute ``"weight"`` of a networkx graph.
            x: Features ``(N, F)``; those of a ``Data`` are used if ``property_ratio`` > 0.
            property_ratio: Share of the columns, the last ones, that start from features: from
                ``x`` times a random ternary matrix, without degree factor. The number of columns is
                rounded down.
            node_id: Names ``(N,)`` int64, distinct, not negative: a node keeps its row of R when
                the graph around it is renumbered, cut or extended. (The default sparsity follows
                N: fix ``sparsity`` to compare graphs of different sizes.)
            projection_matrix: ``(N, dim)``; replaces R and overrides ``dim``, ``projection`` and
                ``seed``. With the preset ``"neo4j"`` it is the start, degree factors included.

        Returns:
            FastRP: This estimator.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed or out of range.
        """
        adjacency = read_adjacency(edge_index, edge_weight, num_nodes)
        ratio = check_fraction(property_ratio, "property_ratio")
        if x is None and ratio > 0 and isinstance(edge_index, Data):
            x = edge_index.x
        count, device = adjacency.num_nodes, adjacency.rows.device
        # Copies: what is made from them is made later, and callers may write to theirs meanwhile.
        if projection_matrix is not None:
            check_matrix(projection_matrix, "projection_matrix", rows=count)
            projection_matrix = projection_matrix.detach().to(device, copy=True)
        features = None
        if ratio > 0:
            if x is None:
                raise ValueError(f"property_ratio = {ratio} needs features x, got None")
            features = check_matrix(x, "x", rows=count).detach()
            features = features.to(device, torch.float64, copy=True)
        if node_id is not None:
            node_id = node_names(node_id, count).to(device, copy=True)
        self._fitted = Fitted(self, adjacency, features, ratio, node_id, projection_matrix)
        return self

    def fit_transform(
        self,
        edge_index: Any,
        num_nodes: int | None = None,
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
            edge_index: See :meth:`fit`, as the next six.
            num_nodes: See there.
            edge_weight: See there.
            x: See there.
            property_ratio: See there.
            node_id: See there.
            projection_matrix: See there.
            panel: See :meth:`transform`, as the next three.
            out: See there.
            distributed: See there.
            group: See there.

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
        *,
        panel: int | None = None,
        out: str | os.PathLike[str] | None = None,
        distributed: bool = False,
        group: Any = None,
    ) -> Tensor:
        """Embed the nodes of the fitted graph.

        Args:
            panel: Columns to compute at a time, a multiple of 16, where all at once do not fit into
                memory: one panel takes ``3 * N * panel`` numbers. With ``normalize`` panels are
                computed twice, the first time for the norms of whole rows.
            out: Path of a .npy file to hold the result, mapped into memory and not read into it.
                It appears when it is complete.
            distributed: Spread the columns over the processes of ``torch.distributed``; every
                process must pass the same graph. With ``out``, all write to one file, which they
                must share; otherwise every process returns the whole embedding.
            group: Process group; ``None`` is the default group.

        Returns:
            Tensor: ``(N, dim)``, of the dtype asked for; the same bits for any ``panel`` and number
            of processes.

        Raises:
            RuntimeError: If no graph was fitted.
            ValueError: If ``panel`` is not a multiple of 16, or an option contradicts another.
        """
        fitted = self._ready()
        if panel is not None and check_int(panel, "panel", minimum=BLOCK) % BLOCK:
            raise ValueError(f"panel must be a multiple of {BLOCK}, got {panel}")
        if self.weights is None:
            if panel is not None or out is not None or distributed:
                raise ValueError("weights=None keeps all powers: no panel, out or distributed")
            return self.merge(fitted.problem.powers(self.num_powers), None)
        return embed(fitted.problem, panel, out, distributed, group, self.dtype)

    # --- powers and columns -----------------------------------------------------------------------

    def propagate(self, *args: Any, **kwargs: Any) -> list[Tensor]:
        """Return the powers H_1, ..., H_q, so that weights are tuned without repeating them.

        The estimator keeps them for :meth:`update`; do not write to them.

        Args:
            *args: Arguments of :meth:`fit`; none to use the fitted graph.
            **kwargs: The same by name.

        Returns:
            list[Tensor]: q matrices ``(N, dim)``, not normalised.

        Raises:
            RuntimeError: If there are no arguments and no graph was fitted.
        """
        if args or kwargs:
            self.fit(*args, **kwargs)
        fitted = self._ready()
        fitted.powers = fitted.problem.powers(self.num_powers)
        return list(fitted.powers)

    def merge(
        self, powers: Sequence[Tensor], weights: Sequence[float] | str | None = "own"
    ) -> Tensor:
        """Add (or concatenate) powers with the options of this estimator.

        Equal to :meth:`transform` up to rounding. The order zero term is added if ``self_weight``
        is not 0; it needs the fitted graph.

        Args:
            powers: Matrices ``(N, dim)`` as :meth:`propagate` returns them.
            weights: One number per power; ``None`` concatenates; by default the estimator's.

        Returns:
            Tensor: ``(N, dim)``, or ``(N, len(powers) * dim)`` for ``None``.

        Raises:
            ValueError: If the numbers of powers and weights differ, or shapes disagree.
            RuntimeError: If ``self_weight`` is not 0 and no graph was fitted.
        """
        numbers = self.weights if isinstance(weights, str) else weights
        matrices = [check_matrix(h, f"powers[{k}]") for k, h in enumerate(powers)]
        if not matrices or any(h.shape != matrices[0].shape for h in matrices):
            shapes = [tuple(h.shape) for h in matrices]
            raise ValueError(f"powers must be matrices of one shape, got {shapes}")
        if numbers is None:
            return merge_powers(matrices, None, self.normalize, False)
        values = [finite_number(w, f"weights[{k}]") for k, w in enumerate(numbers)]
        if len(values) != len(matrices):
            raise ValueError(f"weights must have {len(matrices)} entries, got {len(values)}")
        if self.self_weight != 0:
            start = self._ready().problem.start
            matrices, values = [start.columns(0, start.dim), *matrices], [self.self_weight, *values]
        return merge_powers(matrices, values, self.normalize, self.standardize)

    def columns(self, lo: int, hi: int) -> Tensor:
        """Columns ``[lo, hi)`` of the embedding of the fitted graph.

        What a worker computes that shares nothing with the others but the graph. With
        ``normalize`` the norms of whole rows are computed on the first call, by going through all
        columns in panels as wide as these.

        Args:
            lo: First column.
            hi: One past the last, at most ``dim``.

        Returns:
            Tensor: ``(N, hi - lo)``, bitwise the columns of :meth:`transform`.

        Raises:
            RuntimeError: If no graph was fitted.
            ValueError: If the range is empty or exceeds the embedding, or ``weights`` is ``None``.
        """
        fitted = self._ready()
        problem = fitted.problem
        if self.weights is None:
            raise ValueError("columns needs weights, got weights=None")
        lo = check_int(lo, "lo", minimum=0, maximum=problem.start.dim - 1)
        hi = check_int(hi, "hi", minimum=lo + 1, maximum=problem.start.dim)
        if self.normalize and fitted.squares is None:
            width = -(-(hi - lo) // BLOCK) * BLOCK
            cuts = list(panels(0, problem.start.dim, width))
            fitted.squares = total_squares(problem, cuts, False, None)
        return problem.merged(lo, hi, fitted.squares).to(self.dtype)

    # --- changes ----------------------------------------------------------------------------------

    def update(self, edge_index: Tensor, edge_weight: Tensor | None = None) -> Tensor:
        r"""Add edges to the fitted graph and embed it anew, computing changed rows only.

        The powers are linear in the matrix, so a row of :math:`H_k` changes only if its own edges
        or a neighbour's row of :math:`H_{k-1}` did. Those rows are computed again, exactly: the
        powers get the bits of a fresh run. (The merge is that of :meth:`merge`.)

        Args:
            edge_index: ``(2, E)`` among the known nodes; give both directions of an undirected one.
            edge_weight: ``(E,)`` weights to add; ones when missing. Negative ones take away; what
                reaches 0 exactly is removed.

        Returns:
            Tensor: The embedding of the changed graph.

        Raises:
            RuntimeError: If no graph was fitted.
            ValueError: If a weight would become negative, or for the preset ``"neo4j"``, whose
                degrees count relationships that the matrix no longer tells apart.

        Complexity: O(E) plus the edges of the changed rows times ``dim``, per power. All powers
            are kept in memory. Where a few hops of the change reach much of the graph, a new
            :meth:`fit_transform` is faster.
        """
        fitted = self._ready()
        if self.preset is not None:
            raise ValueError(f"update does not support preset={self.preset!r}")
        old = fitted.powers if fitted.powers is not None else fitted.problem.powers(self.num_powers)
        adjacency, touched = add_edges(fitted.adjacency, edge_index, edge_weight)
        new = fitted.changed(self, adjacency)
        before, after = fitted.problem.start, new.problem.start
        moved = before.factor != after.factor
        state = after.columns(0, after.dim)
        powers = []
        for power in old:
            rows = affected_rows(adjacency, touched, moved)
            power = power.clone()
            power[rows] = propagate(state, new.problem.graph.select(rows))
            moved = torch.zeros_like(moved)
            moved[rows] = True
            powers.append(power)
            state = power
        new.powers = powers
        self._fitted = new
        return self.merge(powers)

    def _ready(self) -> Fitted:
        if self._fitted is None:
            raise RuntimeError("FastRP has no graph yet: call fit or fit_transform first")
        return self._fitted


def fastrp(
    edge_index: Any,
    num_nodes: int | None = None,
    edge_weight: Tensor | None = None,
    *,
    x: Tensor | None = None,
    property_ratio: float = 0.0,
    node_id: Tensor | None = None,
    projection_matrix: Tensor | None = None,
    **options: Any,
) -> Tensor:
    """Embed the nodes of a graph in one call; see :class:`FastRP`.

    Args:
        edge_index: See :meth:`FastRP.fit`, as the next six.
        num_nodes: See there.
        edge_weight: See there.
        x: See there.
        property_ratio: See there.
        node_id: See there.
        projection_matrix: See there.
        **options: Arguments of :class:`FastRP`.

    Returns:
        Tensor: ``(N, dim)``.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range.

    Example:
        >>> fastrp(torch.tensor([[0, 1], [1, 0]]), dim=4, weights=(1.0,)).shape
        torch.Size([2, 4])
    """
    return FastRP(**options).fit_transform(
        edge_index,
        num_nodes,
        edge_weight,
        x=x,
        property_ratio=property_ratio,
        node_id=node_id,
        projection_matrix=projection_matrix,
    )
