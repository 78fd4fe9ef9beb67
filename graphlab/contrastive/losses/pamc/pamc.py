"""PamC: contrastive loss with graph positives and cluster pairs as negatives."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from graphlab._checks import (
    check_choice,
    check_finite,
    check_int,
    check_matrix,
    check_positive,
    check_tensor,
    values_visible,
)
from graphlab._precision import widened
from graphlab._random import check_generator
from graphlab._tensor_memo import TensorMemo
from graphlab.contrastive.losses._reduction import Reduction, check_reduction, reduced
from graphlab.contrastive.losses.pamc.diagnosis import PamCDiagnosis, diagnose
from graphlab.contrastive.losses.pamc.negatives import (
    KINDS,
    ORDER,
    Negatives,
    NegativeTerm,
    exact_logsum,
    meta_term,
    moment_logsum,
)
from graphlab.contrastive.losses.pamc.prepared_graph import prepared_graph
from graphlab.contrastive.losses.pamc.statistics import ClusterStatistics, check_cluster
from graphlab.ops import CSRGraph, edge_cosine_sum

__all__ = ["PamCLoss"]


class PamCLoss(nn.Module):
    r"""Contrast linked nodes against clusters, in time and memory linear in nodes and edges.

    .. math::
        L = -\frac1N \sum_i \log(P_i + \epsilon) + \text{negative term}, \qquad
        P_i = \sum_{j \in \mathcal{N}(i)} w_{ij} \, e^{\tau s_{ij}}, \quad
        s_{ij} = \cos(z_i, z_j), \; s_{ii} := 0

    ==============  ================================================================  ============
    ``negatives``   negative term                                                     cost
    ==============  ================================================================  ============
    ``"meta"``      :math:`\frac1K \sum_a \log(\sum_b e^{\tau S_{ab}} + \epsilon)`    O(N D + K²D)
    ``"meta1"``     :math:`\frac1N \sum_i \log T_i`, T from sizes and means           O(N K D)
    ``"meta2"``     the same, with the covariances of the clusters                    O(N K D²)
    ``"sampled"``   the same, T from rows drawn at random                             O(N S D)
    ``"exact"``     inside the first term: :math:`\log(P_i / T_i + \epsilon)`         O(N² D)
    ==============  ================================================================  ============

    ``"meta"`` is the published method, computed as the authors' code does: S is the cosine of
    summed embeddings, :math:`S_{aa} := 0`, and empty clusters are left out (there they make the
    loss NaN). ``"exact"`` is its host SCGC*, :math:`T_i = \sum_j e^{\tau s_{ij}}`. ``"meta1"``
    and ``"meta2"`` are linear-time estimates of the exact term: they count cluster sizes and the
    own cluster, which ``"meta"`` does not; :meth:`diagnose` measures the difference.

    Args:
        tau (float): Inverse temperature; multiplies the cosine. At most 80 in float32.
        negatives (str): See the table.
        eps (float, optional): :math:`\epsilon`; by default 1e-10, and 1e-8 for ``"exact"``.
        num_samples (int): Rows that ``"sampled"`` draws per call.
        generator (torch.Generator, optional): Source of randomness of ``"sampled"``.
        zero_norm (str): ``"ignore"`` zero rows (cosine 0, gradient 0) or ``"raise"``.
        isolated (str): Nodes without positives: ``"keep"`` their constant
            :math:`-\log\epsilon`, ``"mask"`` them out of the mean, or ``"raise"``.
        reduction (str): ``"mean"``, ``"sum"``, or ``"none"`` for the terms of the nodes; the
            negative term of ``"meta"``, which belongs to no node, is part of each.

    Raises:
        TypeError, ValueError, IndexError: Arguments are validated on every call; the error names
            the argument and the first offending index.

    Shapes:
        - z: ``(N, D)`` floating point; half precision is computed in float32.
        - edge_index: ``(2, E)``, row 0 the anchor i, row 1 the positive j; or a
          :class:`graphlab.ops.CSRGraph` (:func:`influence_graph`), prepared once for a training.
        - cluster: ``(N,)`` integers or soft ``(N, K)``; a constant in all derivatives.
        - edge_weight: ``(E,)`` non-negative; the gradient flows to it if it requires one.
        - output: a scalar; ``(N,)`` with ``reduction="none"``.

    Determinism: bitwise for a given device.

    Reference: Kulatilleke et al., "Efficient Block Contrastive Learning via Parameter-Free
    Meta-Node Approximation", arXiv:2209.14067; SCGC: arXiv:2204.12656.

    Example:
        >>> z = torch.randn(6, 4, generator=torch.Generator().manual_seed(0), requires_grad=True)
        >>> edge_index = torch.tensor([[0, 1, 2, 3, 4, 5], [1, 0, 3, 2, 5, 4]])
        >>> cluster = torch.tensor([0, 0, 1, 1, 2, 2])
        >>> PamCLoss(tau=0.5)(z, edge_index, cluster).backward()
        >>> bool(z.grad.isfinite().all())
        True
    """

    def __init__(
        self,
        tau: float = 1.0,
        negatives: Negatives = "meta",
        eps: float | None = None,
        *,
        num_samples: int = 512,
        generator: torch.Generator | None = None,
        zero_norm: Literal["ignore", "raise"] = "ignore",
        isolated: Literal["keep", "mask", "raise"] = "keep",
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__()
        self.tau = check_positive(tau, "tau")
        self.negatives = check_choice(negatives, "negatives", KINDS)
        default = 1e-8 if negatives == "exact" else 1e-10
        self.eps = check_positive(default if eps is None else eps, "eps")
        self.num_samples = check_int(num_samples, "num_samples", minimum=1)
        self.generator = None if generator is None else check_generator(generator)
        self.zero_norm = check_choice(zero_norm, "zero_norm", ("ignore", "raise"))
        self.isolated = check_choice(isolated, "isolated", ("keep", "mask", "raise"))
        self.reduction: Reduction = check_reduction(reduction)
        if isolated == "mask" and reduction != "mean":
            raise ValueError(
                "reduction must be 'mean' with isolated='mask', whose mean leaves nodes out, got "
                f"{reduction!r}"
            )
        self._memo: TensorMemo[CSRGraph] = TensorMemo()

    def forward(
        self,
        z: Tensor,
        edge_index: Tensor | CSRGraph,
        cluster: Tensor,
        edge_weight: Tensor | None = None,
        num_clusters: int | None = None,
    ) -> Tensor:
        """Loss of a whole graph.

        Args:
            z (Tensor): Embeddings ``(N, D)``.
            edge_index (Tensor or CSRGraph): Positives ``(2, E)``, or prepared.
            cluster (Tensor): Hard or soft assignment.
            edge_weight (Tensor, optional): ``(E,)``.
            num_clusters (int, optional): K; read off the assignment when missing.

        Returns:
            Tensor: A scalar; ``(N,)`` with ``reduction="none"``.
        """
        z = self._check_rows(z)
        if self.negatives == "exact":
            check_cluster(cluster, z.size(0), num_clusters)
        needed = self._needed_cluster(cluster, z.size(0), num_clusters)
        positives = self._positives(z, edge_index, edge_weight)
        if self.negatives == "exact":
            # A quotient and not a difference of logarithms: eps is added to P / T, not to P.
            ratio = positives * torch.exp(-exact_logsum(z, self.tau).to(positives.dtype))
            if self.reduction == "mean":
                return -self._mean_log(ratio, positives)
            return reduced(-torch.log(ratio + self.eps), self.reduction)
        if self.reduction == "mean":
            attraction = -self._mean_log(positives, positives)
            return attraction + self._term().value(z, *needed)
        term = self._term()
        of = term.value if self.negatives == "meta" else term.log_denominators
        return reduced(of(z, *needed) - torch.log(positives + self.eps), self.reduction)

    def positive(
        self,
        z: Tensor,
        edge_index: Tensor | CSRGraph,
        edge_weight: Tensor | None = None,
    ) -> Tensor:
        r"""Attraction :math:`-\frac1N \sum_i \log(P_i + \epsilon)`, whatever ``reduction`` is.

        Args:
            z (Tensor): Embeddings ``(N, D)``.
            edge_index (Tensor or CSRGraph): Positives ``(2, E)``, or prepared.
            edge_weight (Tensor, optional): ``(E,)``.

        Returns:
            Tensor: A scalar.
        """
        positives = self._positives(self._check_rows(z), edge_index, edge_weight)
        return -self._mean_log(positives, positives)

    def negative(
        self, z: Tensor, cluster: Tensor | None = None, num_clusters: int | None = None
    ) -> Tensor:
        """Repulsion of the chosen kind, a mean whatever ``reduction`` is.

        Args:
            z (Tensor): Embeddings ``(N, D)``.
            cluster (Tensor, optional): Assignment; ``"exact"`` and ``"sampled"`` do not read it.
            num_clusters (int, optional): K; read off the assignment when missing.

        Returns:
            Tensor: A scalar.
        """
        z = self._check_rows(z)
        return self._term().value(z, *self._needed_cluster(cluster, z.size(0), num_clusters))

    def log_denominators(
        self, z: Tensor, cluster: Tensor | None = None, num_clusters: int | None = None
    ) -> Tensor:
        r""":math:`\log T_i` of every node; ``"meta"`` has none.

        Args:
            z (Tensor): Embeddings ``(N, D)``.
            cluster (Tensor, optional): Assignment; ``"exact"`` and ``"sampled"`` do not read it.
            num_clusters (int, optional): K; read off the assignment when missing.

        Returns:
            Tensor: ``(N,)``.
        """
        if self.negatives == "meta":
            raise ValueError("negatives='meta' compares clusters: it has no denominator per node")
        z = self._check_rows(z)
        needed = self._needed_cluster(cluster, z.size(0), num_clusters)
        return self._term().log_denominators(z, *needed)

    def collect(
        self, z: Tensor, cluster: Tensor, num_clusters: int | None = None
    ) -> ClusterStatistics:
        """Statistics of some rows, for :meth:`share`.

        Args:
            z (Tensor): Embeddings ``(n, D)``.
            cluster (Tensor): Their assignment.
            num_clusters (int, optional): K; read off the assignment when missing.

        Returns:
            ClusterStatistics: Of the order that the negatives need.
        """
        return ClusterStatistics.collect(z, cluster, num_clusters, order=self._order())

    def share(
        self,
        z: Tensor,
        edge_index: Tensor | CSRGraph,
        cluster: Tensor,
        statistics: ClusterStatistics,
        edge_weight: Tensor | None = None,
    ) -> Tensor:
        """One part's share of the loss of a graph that is processed in parts.

        Shares, and their gradients, sum over the parts to the loss of the whole graph.

        *Batches* (``negatives="meta"``): add up ``collect`` of all parts without gradient, then
        call this part by part with gradient. *Processes* (any linear-time kind): every rank calls
        ``collect(...).all_reduce()``, which keeps the gradient, and then this on its own rows;
        gradients of shared parameters are to be summed (not averaged) over ranks.

        Args:
            z (Tensor): Embeddings of the part's n anchors, then of any further nodes that its
                edges touch (the order of PyG's loaders), ``(n + halo, D)``.
            edge_index (Tensor or CSRGraph): All positives of the anchors, in local numbering;
                :func:`seed_positives` gives those of a batch of PyG's loaders.
            cluster (Tensor): Assignment of the anchors, ``(n,)`` or ``(n, K)``.
            statistics (ClusterStatistics): Of the anchors of all parts together.
            edge_weight (Tensor, optional): ``(E,)``.

        Returns:
            Tensor: A scalar.

        Raises:
            ValueError: If ``statistics`` are of the wrong order, or constants where ``"meta1"``
                and ``"meta2"`` need their gradient; or with ``isolated="mask"``, whose mean runs
                over nodes that no part can count.
        """
        z = self._check_rows(z)
        if self.reduction != "mean" or self.isolated == "mask":
            raise ValueError(
                "isolated must be 'keep' or 'raise', and reduction 'mean', to share a loss, whose "
                "shares sum to the mean over all nodes ('mask' leaves some out that no part can "
                f"count), got {self.isolated!r} and {self.reduction!r}"
            )
        if not isinstance(statistics, ClusterStatistics):
            raise TypeError(
                f"statistics must be ClusterStatistics, got {type(statistics).__name__}: add up "
                "collect(...) of all parts"
            )
        if statistics.order != self._order():
            raise ValueError(f"statistics must be of order {self._order()}, got {statistics.order}")
        if values_visible(statistics.total):
            check_finite(statistics.total, "statistics.total")
        if check_tensor(cluster, "cluster").dim() == 0:
            raise ValueError("cluster must have one entry per anchor, got a scalar")
        anchors, whole = cluster.size(0), statistics.count.sum()
        needed = check_cluster(cluster, min(anchors, z.size(0)), statistics.count.numel())
        positives = self._positives(z, edge_index, edge_weight, anchors)
        attraction = -torch.log(positives + self.eps).sum() / whole
        shared = statistics.total.requires_grad
        if self.negatives != "meta":
            if not shared and torch.is_grad_enabled() and z.requires_grad:
                raise ValueError(
                    "statistics must carry a gradient (collect(...).all_reduce() on every rank) "
                    f"for negatives={self.negatives!r}, got constants"
                )
            return attraction + moment_logsum(z[:anchors], statistics, self.tau).sum() / whole
        if shared:
            return attraction + meta_term(statistics, self.tau, self.eps) * (anchors / whole)
        own = self._term().collect(z[:anchors], *needed)
        repulsion = meta_term(statistics.carry(own), self.tau, self.eps)
        # Each part brings its fraction of the value, and the full gradient of its own rows.
        value = repulsion.detach() * (anchors / whole)
        return attraction + value + (repulsion - repulsion.detach())

    def diagnose(
        self,
        z: Tensor,
        cluster: Tensor,
        num_clusters: int | None = None,
        anchors: int = 256,
        generator: torch.Generator | None = None,
    ) -> PamCDiagnosis:
        """Compare this loss's negative term with the exact one on random anchors.

        Args:
            z (Tensor): Embeddings ``(N, D)``.
            cluster (Tensor): Hard or soft assignment.
            num_clusters (int, optional): K.
            anchors (int): Rows on which the exact term is evaluated, at least 1.
            generator (torch.Generator, optional): Draws the anchors.

        Returns:
            PamCDiagnosis: Value gap, gradient cosine and error, rigorous bound, cluster sizes.

        Warns:
            UserWarning: If clusters are empty, or the largest exceeds ten times the mean size.

        Complexity: O(anchors N D) time and memory O(anchors N), beside one evaluation of the loss.
        """
        z = self._check_rows(z).detach()
        needed = check_cluster(cluster, z.size(0), num_clusters)
        anchors = check_int(anchors, "anchors", minimum=1)
        if generator is not None:
            check_generator(generator)
        return diagnose(self._term(), z, *needed, anchors, generator)

    def extra_repr(self) -> str:
        """Settings for ``repr``."""
        return f"tau={self.tau}, negatives={self.negatives!r}, eps={self.eps}"

    def _term(self) -> NegativeTerm:
        # Made anew at every call: settings are attributes that may be changed.
        return NegativeTerm(self.negatives, self.tau, self.eps, self.num_samples, self.generator)

    def _order(self) -> int:
        if self.negatives not in ORDER:
            raise ValueError(
                f"negatives must be one of {tuple(ORDER)} to be shared, got {self.negatives!r}"
            )
        return ORDER[self.negatives]

    def _needed_cluster(
        self, cluster: Tensor | None, num_nodes: int, num_clusters: int | None
    ) -> tuple[Tensor, int]:
        """Checked clusters and their number, where the negatives read them."""
        if self.negatives not in ORDER:
            return torch.empty(0, device="cpu"), 0
        if cluster is None:
            raise ValueError(f"cluster is needed for negatives={self.negatives!r}, got None")
        return check_cluster(cluster, num_nodes, num_clusters)

    def _positives(
        self,
        z: Tensor,
        edge_index: Tensor | CSRGraph,
        edge_weight: Tensor | None,
        anchors: int | None = None,
    ) -> Tensor:
        """P of every node, or of the first ``anchors``: the others are their neighbours only."""
        graph = prepared_graph(self._memo, edge_index, z.size(0), edge_weight)
        positives = edge_cosine_sum(z, graph, self.tau)[:anchors]
        if self.isolated == "raise" and values_visible(positives):
            empty = (positives.detach() == 0).nonzero()
            if empty.numel():
                raise ValueError(f"edge_index gives node {int(empty[0])} no positive")
        return positives

    def _mean_log(self, value: Tensor, positives: Tensor) -> Tensor:
        """Mean over the anchors of ``log(value + eps)``."""
        # eps keeps the logarithm of a node without positives finite.
        logs = torch.log(value + self.eps)
        if self.isolated != "mask":
            return logs.mean()
        counted = (positives.detach() > 0).to(logs.dtype)
        return (logs * counted).sum() / counted.sum().clamp(min=1)

    def _check_rows(self, z: Tensor) -> Tensor:
        z = check_matrix(z, "z")
        if z.size(0) == 0:
            raise ValueError(f"z must have at least one row, got shape {tuple(z.shape)}")
        if self.zero_norm == "raise" and values_visible(z):
            empty = (z.detach() == 0).all(1).nonzero()
            if empty.numel():
                raise ValueError(f"z must have no zero rows, but row {int(empty[0])} is zero")
        return widened(z)
