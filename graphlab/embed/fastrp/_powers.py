"""What a fitted FastRP computes from its powers: merges, single columns, changes of the graph."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from torch import Tensor

from graphlab.embed.fastrp._fitted import FittedGraph
from graphlab.embed.fastrp._merge import check_powers, check_weights, merge_powers
from graphlab.embed.fastrp._storable import StorableFastRP

__all__: list[str] = []


class PowersOfFastRP(StorableFastRP):
    """Methods of :class:`graphlab.embed.FastRP` that go on from a fit.

    Attributes:
        graph_ (FittedGraph): The graph that was read.
        num_nodes_ (int): Its number of nodes.
    """

    def merge(
        self, powers: Sequence[Tensor], weights: Sequence[float] | str | None = "own"
    ) -> Tensor:
        """Add (or concatenate) powers with the options of this estimator.

        Equal to :meth:`transform` up to rounding. The order zero term is added if ``self_weight``
        is not 0; it needs the fitted graph.

        Args:
            powers (sequence of Tensor): Matrices ``(N, dim)`` as :meth:`propagate` returns them.
            weights (sequence of float, optional): One number per power; ``None`` concatenates; by
                default the estimator's.

        Returns:
            Tensor: ``(N, dim)``, or ``(N, len(powers) * dim)`` for ``None``.

        Raises:
            ValueError: If the numbers of powers and weights differ, or shapes disagree.
            NotFittedError: If ``self_weight`` is not 0 and no graph was fitted.
        """
        options = self.graph_.options if self.__sklearn_is_fitted__() else self._options()
        numbers = options.weights if isinstance(weights, str) else weights
        matrices = check_powers(powers)
        if numbers is None:
            return merge_powers(matrices, None, options.normalize, False)
        values = check_weights(numbers, len(matrices))
        if options.self_weight != 0:
            self._check_fitted()
            start = self.graph_.problem.start
            matrices = [start.columns(0, start.dim), *matrices]
            values = [options.self_weight, *values]
        return merge_powers(matrices, values, options.normalize, options.standardize)

    def columns(self, lo: int, hi: int) -> Tensor:
        """Columns ``[lo, hi)`` of the embedding of the fitted graph.

        What a worker computes that shares nothing with the others but the graph. With
        ``normalize`` the norms of whole rows are computed on the first call, by going through all
        columns in panels as wide as these.

        Args:
            lo (int): First column.
            hi (int): One past the last, at most ``dim``.

        Returns:
            Tensor: ``(N, hi - lo)``, bitwise the columns of :meth:`transform`.

        Raises:
            NotFittedError: If no graph was fitted.
            ValueError: If the range is empty or exceeds the embedding, or ``weights`` is ``None``.
        """
        self._check_fitted()
        return self.graph_.columns(lo, hi)

    def update(
        self,
        edge_index: Tensor,
        edge_weight: Tensor | None = None,
        *,
        num_nodes: int | None = None,
        node_id: Tensor | None = None,
    ) -> Tensor:
        r"""Add edges and nodes to the fitted graph and embed it anew, computing changed rows only.

        The powers are linear in the matrix, so a row of :math:`H_k` changes only if its own edges
        or a neighbour's row of :math:`H_{k-1}` did. Those rows are computed again, exactly: the
        powers get the bits of a fresh run. (The merge is that of :meth:`merge`.) Where nodes are
        added, it is the fresh run with the ``sparsity`` of the first fit, :math:`\sqrt{N}` of
        then by default.

        Args:
            edge_index (Tensor): ``(2, E)``; give both directions of an undirected one, unless
                ``direction`` is ``"both"``. New nodes have the numbers behind the known ones.
            edge_weight (Tensor, optional): ``(E,)`` weights to add; ones when missing, of which a
                warning tells where the graph has weights. Negative ones take away; what reaches 0
                exactly is removed.
            num_nodes (int, optional): New number of nodes, where there are new ones.
            node_id (Tensor, optional): Names of the new nodes, int64, where the fit had names.

        Returns:
            Tensor: The embedding of the changed graph.

        Raises:
            NotFittedError: If no graph was fitted.
            IndexError: If an edge leads to an unknown node.
            ValueError: If a weight would become negative, if the graph would shrink, or for
                ``degree="count"``: entries of the matrix no longer tell repetitions apart.

        Complexity: O(E) plus the edges of the changed rows times ``dim``, per power. All powers
            are kept in memory. Where a few hops of the change reach much of the graph, a new
            :meth:`fit_transform` is faster.
        """
        self._check_fitted()
        if self.graph_.options.degree == "count":
            raise ValueError("update does not support degree='count'")
        if edge_weight is None:
            _warn_of_ones(self.graph_, edge_index)
        self.graph_ = self.graph_.updated(edge_index, edge_weight, num_nodes, node_id)
        self.num_nodes_ = self.graph_.adjacency.num_nodes
        return self.merge(self.graph_.powers or [])


def _warn_of_ones(graph: FittedGraph, edge_index: Tensor) -> None:
    """Tell that edges without weights join a graph that has some."""
    weight = graph.adjacency.rows.weight
    count = edge_index.size(-1) if isinstance(edge_index, Tensor) and edge_index.dim() else 0
    if not count or weight is None or not graph.weighted:
        return
    warnings.warn(
        f"edge_weight is missing: {count} edges are added with weight 1 to a graph whose weights "
        f"run from {float(weight.min()):.3g} to {float(weight.max()):.3g} (median "
        f"{float(weight.median()):.3g}); give edge_weight, ones if that is meant",
        UserWarning,
        stacklevel=3,
    )
