"""POT: one more loss term in a contrastive training loop."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from graphlab._checks import (
    check_choice,
    check_distinct,
    check_edge_index,
    check_fraction,
    check_full_precision,
    check_int,
    check_matrix,
    check_same_device,
    values_visible,
)
from graphlab._precision import full_precision
from graphlab._sorted import sort_values
from graphlab.contrastive.hosts import HostStep
from graphlab.contrastive.pot.budget import check_drop_rate, rates_agree, short_rate
from graphlab.contrastive.pot.drops import DropSet
from graphlab.contrastive.pot.encoder import EncoderReader
from graphlab.contrastive.pot.functional import (
    BOUNDS,
    Bound,
    clean_output,
    lower_bound,
    unchecked_pairing,
)
from graphlab.contrastive.pot.node_batches import NodeBatches
from graphlab.contrastive.pot.reference import reference_score
from graphlab.contrastive.pot.steps import Step
from graphlab.contrastive.pot.two_convolutions import two_convolutions
from graphlab.contrastive.pot.views import (
    BUDGETS,
    Budget,
    PreparedView,
    check_view,
    node_budget,
    per_view,
)

__all__ = ["POT"]


class POT:
    r"""Train every node to stay like itself and unlike the others under edge drops.

    .. math:: L = (1 - \kappa) L_{\text{host}} + \frac{\kappa}{2} \sum_{v=1}^{2}
        \frac1n \sum_i \log(1 + e^{-c_i^{(v)}})

    c is the *compactness* of node i in view v, with anchors from the other view. Two modes, never
    mixed:

    ``"reference"`` is the published score, computed as the authors' code does. It is called a
    lower bound there and is none. ``"sound"`` certifies: c is at most
    :math:`\langle t_i, z_i \rangle` for *every* graph within ``budget`` drops per node. A loose
    certificate can be a worse training signal than the score.

    The term is not free of side effects on the host: its learning rate is multiplied by
    :math:`1 - \kappa`.

    Args:
        encoder (nn.Module or sequence): Called as ``encoder(x, edge_index)``; GCNConv, SAGEConv
            (mean), GINConv (sum), SGConv, APPNP, Linear, BatchNorm in eval mode, and ReLU,
            LeakyReLU, PReLU, ELU, Tanh, as modules or functions, one after the other. Or these
            modules as a list. ``"reference"`` needs two GCNConv with (leaky) rectifiers. Making a
            ``torch_geometric.nn.Sequential`` imports the calling script again, which then needs a
            ``__main__`` guard.
        edge_index (Tensor): The graph ``(2, E)``, without self-loops and duplicates.
        drop_rate (pair): Probability in [0, 1) that a view drops an edge, or one per edge
            ``(E,)``, for both views.
        kappa (float): Weight of the term in [0, 1].
        mode (str): ``"reference"`` or ``"sound"``.
        bound (str): Of ``"sound"``: ``"interval"``, ``"budget"`` (tighter) or ``"budget_crown"``
            (tightest; costs all two-edge paths).
        budget (str, Tensor or pair): Drops per node. ``"expected"``: the rounded expectation,
            which real draws exceed; ``"quantile"``: exceeded with probability at most ``delta``
            per node; ``"all"``: every edge; or whole numbers ``(N,)``. A pair holds one per view.
        batch_size (int, optional): Nodes per call, taken in turn from random orders. Exact in
            ``"sound"``; in ``"reference"`` the graph is cropped, as by the authors.
        directed (bool): Of ``"sound"``: the certificate covers independent drops of both
            directions of an edge, as PyG's dropouts do; else only drops of whole edges.
        delta (float): See ``budget="quantile"``.
        seed (int or torch.Generator): Source of the batches.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range.
        NotImplementedError: For encoders that have no bound; the message names the layer.

    Complexity: O(E d + N d²) time and O(E + N d) memory per view.

    Reference: POT, "Provable Training for Graph Contrastive Learning", NeurIPS 2023,
    arXiv:2309.13944.

    Example:
        >>> from torch_geometric.nn import GCN
        >>> edge_index = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
        >>> x, encoder = torch.eye(3), GCN(3, 4, num_layers=2)
        >>> pot = POT(encoder, edge_index, drop_rate=(0.4, 0.3), kappa=0.4, mode="sound")
        >>> z1, z2 = encoder(x, edge_index), encoder(x, edge_index[:, :2])
        >>> host_loss = (z1 - z2).square().sum()
        >>> loss = pot(host_loss, z1, z2, x, views=(edge_index, edge_index[:, :2]))
        >>> loss.backward()
    """

    def __init__(
        self,
        encoder: nn.Module | Sequence[nn.Module],
        edge_index: Tensor,
        drop_rate: Sequence[float | Tensor],
        kappa: float = 0.5,
        mode: Literal["reference", "sound"] = "reference",
        bound: Bound = "interval",
        budget: Budget | Sequence[Budget] = "expected",
        batch_size: int | None = None,
        *,
        directed: bool = True,
        delta: float = 0.05,
        seed: int | torch.Generator = 0,
    ) -> None:
        self.kappa = check_fraction(kappa, "kappa")
        self.mode = check_choice(mode, "mode", ("reference", "sound"))
        self.bound = check_choice(bound, "bound", BOUNDS)
        edge_index = check_edge_index(edge_index, 2**31 - 1)
        largest = int(edge_index.max()) + 1 if edge_index.numel() else 0
        self._edges = check_edge_index(
            edge_index,
            largest,
            loops=False,
            duplicates=False,
            symmetric=mode == "sound" and not directed,
            unless="directed=True",
        )
        self._drop_rate = tuple(
            check_drop_rate(rate, edge_index.size(1), f"drop_rate[{k}]")
            for k, rate in enumerate(per_view(drop_rate, "drop_rate"))
        )
        pair = (budget, budget) if isinstance(budget, (str, Tensor)) else per_view(budget, "budget")
        for choice in pair:
            if not isinstance(choice, Tensor):
                check_choice(choice, "budget", BUDGETS)
        self._budget = pair
        self.batch_size = (
            None if batch_size is None else check_int(batch_size, "batch_size", minimum=1)
        )
        if mode == "reference" and self.batch_size is not None and self.batch_size < 2:
            raise ValueError("batch_size must be at least 2 with mode='reference', got 1")
        self.directed = bool(directed)
        self.delta = check_fraction(delta, "delta")
        self._reader = EncoderReader(encoder)
        self._batches = NodeBatches(self.batch_size, 2 if mode == "reference" else 1, seed)
        self._prepared: dict[int, list[PreparedView]] = {}
        self._compared = False

    def __call__(
        self,
        host_loss: Tensor,
        z1: Tensor,
        z2: Tensor,
        x: Tensor,
        views: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        """Add the term to the loss of the host.

        Args:
            host_loss (Tensor): A scalar.
            z1 (Tensor): Encoder output of view 1, ``(N, d)``, before any projection head. Under
                autocast it may be in half precision: bounds are computed in the dtype of ``x``.
            z2 (Tensor): Of view 2.
            x (Tensor): Features ``(N, F)``, dense or sparse CSR.
            views (pair, optional): Edges of both views, which must be edges of the graph; needed
                by ``"reference"``.

        Returns:
            Tensor: A scalar.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed or a score not finite.
            NotImplementedError: If the encoder is not the chain of its layers.
        """
        if not isinstance(host_loss, Tensor) or host_loss.numel() != 1:
            raise ValueError("host_loss must be a scalar tensor")
        self._check_inputs(z1, z2, x)
        nodes = self._batches.next(x.size(0))
        nodes = None if nodes is None else nodes.to(x.device)
        scores = self._compactness(z1, z2, x, views, nodes)
        # softplus(-c) is log(1 + exp(-c)), which would overflow for very negative scores.
        term = sum(softplus(-score).mean() for score in scores) / 2
        return (1 - self.kappa) * host_loss + self.kappa * term

    def regularise(self, step: HostStep, x: Tensor) -> Tensor:
        """Add the term to one step of a two-view method.

        Args:
            step (HostStep): From :meth:`TwoViewModel.host_step`, whose augmentations may drop
                edges only.
            x (Tensor): Features ``(N, F)`` of the graph, dense or sparse CSR.

        Returns:
            Tensor: A scalar.

        Raises:
            TypeError, ValueError, IndexError, NotImplementedError: As when called.

        Warns:
            UserWarning: Once, with ``budget="quantile"``, if the host drops edges with other
                probabilities than ``drop_rate``: ``delta`` then says nothing of its views.
        """
        if not isinstance(step, HostStep):
            raise TypeError(f"step must be a HostStep, got {type(step).__name__}: see host_step")
        if any(len(view) > 2 for view in step.views):
            raise ValueError(
                "step must come from views without edge_weight and edge_attr: POT bounds the "
                "propagation over plain edges"
            )
        self._compare_rates(step.drop_rate)
        (_, edges1), (_, edges2) = step.views
        return self(step.loss, step.z1, step.z2, x, views=(edges1, edges2))

    def _compare_rates(self, host: tuple[float | Tensor | None, ...]) -> None:
        """Warn, once, of a host whose views are not those that are bounded."""
        if self._compared:
            return
        self._compared = True
        for number, (own, other) in enumerate(zip(self._drop_rate, host, strict=True)):
            # The others promise nothing of draws, or hold whatever the rate.
            promised = isinstance(self._budget[number], str) and self._budget[number] == "quantile"
            if other is None or not promised or rates_agree(own, other):
                continue
            warnings.warn(
                f"drop_rate[{number}] is {short_rate(own)}, but view {number + 1} of the host "
                f"drops edges with probability {short_rate(other)}, so that its draws may "
                "exceed the budgets that POT bounds: give both the same",
                UserWarning,
                stacklevel=3,
            )

    def compactness(
        self,
        z1: Tensor,
        z2: Tensor,
        x: Tensor,
        views: tuple[Tensor, Tensor] | None = None,
        *,
        nodes: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Compactness of the nodes in both views.

        Args:
            z1 (Tensor): Encoder output of view 1 ``(N, d)``.
            z2 (Tensor): Of view 2.
            x (Tensor): Features ``(N, F)``, dense or sparse CSR.
            views (pair, optional): Edges of both views, see :meth:`__call__`.
            nodes (Tensor, optional): Distinct nodes ``(n,)`` to compute, at least two in
                ``"reference"``.

        Returns:
            tuple: ``(N,)`` or ``(n,)``, of view 1 (with anchors from view 2) and of view 2.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed or a score not finite.
            NotImplementedError: If the encoder is not the chain of its layers.
        """
        self._check_inputs(z1, z2, x)
        if nodes is not None:
            nodes = check_distinct(nodes, x.size(0), "nodes")
            if self.mode == "reference" and nodes.numel() < 2:
                raise ValueError(f"nodes must be at least 2 to compare, got {nodes.numel()}")
        return self._compactness(z1, z2, x, views, nodes)

    def _compactness(
        self,
        z1: Tensor,
        z2: Tensor,
        x: Tensor,
        views: tuple[Tensor, Tensor] | None,
        nodes: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        with full_precision(x):
            out = self._scores(z1.to(x.dtype), z2.to(x.dtype), x, views, nodes)
        for k, score in enumerate(out):
            if values_visible(score) and not bool(score.detach().isfinite().all()):
                raise ValueError(f"the compactness of view {k + 1} is not finite")
        return out[0], out[1]

    def _scores(
        self,
        z1: Tensor,
        z2: Tensor,
        x: Tensor,
        views: tuple[Tensor, Tensor] | None,
        nodes: Tensor | None,
    ) -> list[Tensor]:
        prepared = self._views_of(x)
        edges = self._check_views(views, x.size(0))
        steps = self._steps(x)
        out = []
        for view, anchor, edge_index in zip(prepared, (z2, z1), edges, strict=True):
            if self.mode == "reference":
                out.append(_reference(view, x, anchor, edge_index, steps, nodes))
            else:
                target = unchecked_pairing(anchor, nodes)
                out.append(lower_bound(steps, x, view.drops, target, self.bound, nodes))
        return out

    def __repr__(self) -> str:
        return f"POT(kappa={self.kappa}, mode={self.mode!r}, bound={self.bound!r})"

    # --- preparation -----------------------------------------------------------------------------

    def _check_inputs(self, z1: Tensor, z2: Tensor, x: Tensor) -> None:
        check_full_precision(check_matrix(x, "x", csr=True), "x")
        rows = x.size(0)
        if rows < 2:
            raise ValueError(f"x must have at least 2 rows, got shape {tuple(x.shape)}")
        check_matrix(z1, "z1", rows=rows)
        check_matrix(z2, "z2", rows=rows, cols=z1.size(1))
        check_same_device(x=x, z1=z1, z2=z2, edge_index=self._edges)

    def _views_of(self, x: Tensor) -> list[PreparedView]:
        """Views as far as they depend on the graph alone, built once."""
        count = x.size(0)
        if count not in self._prepared:
            # What is kept for later calls must not be inference tensors: autograd refuses these.
            with torch.inference_mode(False), torch.no_grad():
                edges = check_edge_index(self._edges, count)
                degree = torch.bincount(edges[1], minlength=count)
                self._prepared = {count: [self._view(k, edges, degree) for k in (0, 1)]}
        return self._prepared[count]

    def _view(self, k: int, edges: Tensor, degree: Tensor) -> PreparedView:
        rate, choice = self._drop_rate[k], self._budget[k]
        budget = node_budget(choice, rate, edges[1], degree, self.delta)
        return PreparedView(edges, degree.numel(), budget, self.directed, self.mode)

    def _check_views(
        self, views: tuple[Tensor, Tensor] | None, count: int
    ) -> tuple[Tensor | None, Tensor | None]:
        if views is None:
            return None, None
        first, second = per_view(views, "views")
        known = sort_values(self._edges[0] * count + self._edges[1])
        return (
            check_view(first, known, count, "views[0]"),
            check_view(second, known, count, "views[1]"),
        )

    def _steps(self, x: Tensor) -> list[Step]:
        """Steps of the encoder; at first sight they are compared with it."""
        if not self._reader.watched:
            none = torch.zeros(x.size(0), dtype=torch.int64, device=x.device)
            graph = DropSet(self._edges, x.size(0), none, True, checked=True)
            output = self._reader.watch(x, self._edges)
            with torch.no_grad():
                self._reader.check_replay(output, clean_output(self._reader.steps(), x, graph))
        self._reader.refuse_live_statistics()
        return self._reader.steps()


def _reference(
    view: PreparedView,
    x: Tensor,
    anchor: Tensor,
    edge_index: Tensor | None,
    steps: list[Step],
    nodes: Tensor | None,
) -> Tensor:
    """The published score of the nodes in a sampled view."""
    if edge_index is None:
        raise ValueError("views are needed for mode='reference', got None")
    layers, slope = two_convolutions(steps)
    return reference_score(x, view.clean(nodes), edge_index, layers, anchor, slope)
