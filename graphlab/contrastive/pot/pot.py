"""POT as a plug-in: one more loss term in a contrastive training loop."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from graphlab._checks import (
    check_choice,
    check_edge_index,
    check_fraction,
    check_full_precision,
    check_int,
    check_matrix,
    check_same_device,
)
from graphlab._precision import full_precision
from graphlab._random import make_generator
from graphlab.contrastive.hosts import HostStep
from graphlab.contrastive.pot.budget import (
    check_budget,
    check_drop_rate,
    expected_drops,
    quantile_drops,
)
from graphlab.contrastive.pot.drops import DropSet
from graphlab.contrastive.pot.encoder import EncoderReader
from graphlab.contrastive.pot.functional import (
    BOUNDS,
    clean_output,
    lower_bound,
    pairing_target,
)
from graphlab.contrastive.pot.reference import CleanGraph, reference_score
from graphlab.contrastive.pot.steps import Activation, Affine, Hop, Step

__all__ = ["POT"]

Budget = str | Tensor
_BUDGETS = ("expected", "quantile", "all")


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
            modules as a list. ``"reference"`` needs two GCNConv with (leaky) rectifiers.
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
        mode: str = "reference",
        bound: str = "interval",
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
            for k, rate in enumerate(_pair(drop_rate, "drop_rate"))
        )
        pair = (budget, budget) if isinstance(budget, (str, Tensor)) else _pair(budget, "budget")
        for choice in pair:
            if not isinstance(choice, Tensor):
                check_choice(choice, "budget", _BUDGETS)
        self._budget = pair
        self.batch_size = (
            None if batch_size is None else check_int(batch_size, "batch_size", minimum=1)
        )
        if mode == "reference" and self.batch_size is not None and self.batch_size < 2:
            raise ValueError("batch_size must be at least 2 with mode='reference', got 1")
        self.directed = bool(directed)
        self.delta = check_fraction(delta, "delta")
        self._reader = EncoderReader(encoder)
        self._seed = seed
        self._generator: torch.Generator | None = None
        self._order: Tensor | None = None
        self._prepared: dict[int, list[_View]] = {}

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
            views (pair): Edges of both views; needed (and checked to be parts of the graph) by
                ``"reference"``, optional otherwise.

        Returns:
            Tensor: A scalar.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed or a score not finite.
            NotImplementedError: If the encoder is not the chain of its layers.
        """
        if not isinstance(host_loss, Tensor) or host_loss.numel() != 1:
            raise ValueError("host_loss must be a scalar tensor")
        nodes = self._next_nodes(x)
        scores = self.compactness(z1, z2, x, views, nodes=nodes)
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
        """
        (_, edges1), (_, edges2) = step.views
        return self(step.loss, step.z1, step.z2, x, views=(edges1, edges2))

    def compactness(
        self,
        z1: Tensor,
        z2: Tensor,
        x: Tensor,
        views: tuple[Tensor, Tensor] | None = None,
        *,
        nodes: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Compute the compactness of the nodes in both views, ``(N,)`` each.

        Args:
            z1 (Tensor): Encoder output of view 1 ``(N, d)``.
            z2 (Tensor): Of view 2.
            x (Tensor): Features ``(N, F)``, dense or sparse CSR.
            views (pair): Edges of both views, see :meth:`__call__`.
            nodes (Tensor, optional): Distinct nodes ``(n,)`` to compute.

        Returns:
            tuple: Of view 1 (with anchors from view 2) and of view 2.
        """
        self._check_inputs(z1, z2, x)
        with full_precision(x):
            out = self._scores(z1.to(x.dtype), z2.to(x.dtype), x, views, nodes)
        for k, score in enumerate(out):
            if not bool(score.detach().isfinite().all()):
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
                out.append(self._reference(view, x, anchor, edge_index, steps, nodes))
            else:
                target = pairing_target(anchor, nodes)
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

    def _views_of(self, x: Tensor) -> list[_View]:
        """What depends on the graph alone, built once."""
        count = x.size(0)
        if count not in self._prepared:
            # What is kept for later calls must not be inference tensors: autograd refuses these.
            with torch.inference_mode(False), torch.no_grad():
                edges = check_edge_index(self._edges, count)
                degree = torch.bincount(edges[1], minlength=count)
                self._prepared = {count: [self._view(k, edges, degree) for k in (0, 1)]}
        return self._prepared[count]

    def _view(self, k: int, edges: Tensor, degree: Tensor) -> _View:
        rate, choice = self._drop_rate[k], self._budget[k]
        if isinstance(choice, Tensor):
            budget = check_budget(choice, degree)
        elif choice == "all":
            budget = degree
        elif choice == "quantile":
            budget = quantile_drops(rate, edges[1], degree, self.delta)
        else:
            budget = torch.minimum(expected_drops(rate, edges[1], degree), degree)
        return _View(edges, degree.numel(), budget, self.directed, self.mode)

    def _check_views(
        self, views: tuple[Tensor, Tensor] | None, count: int
    ) -> tuple[Tensor | None, Tensor | None]:
        if views is None:
            if self.mode == "reference":
                raise ValueError("views are needed for mode='reference', got None")
            return None, None
        first, second = _pair(views, "views")
        known = (self._edges[0] * count + self._edges[1]).sort().values
        out = []
        for k, view in enumerate((first, second)):
            edges = check_edge_index(view, count, f"views[{k}]", loops=False, duplicates=False)
            key = edges[0] * count + edges[1]
            place = torch.searchsorted(known, key).clamp(max=max(0, known.numel() - 1))
            strange = (known[place] != key).nonzero() if known.numel() else key.nonzero()
            if strange.numel():
                source, target = (int(v) for v in edges[:, int(strange[0])])
                raise ValueError(
                    f"views[{k}] must hold edges of the graph only, but ({source}, {target}) is "
                    "none: POT covers dropped edges, not added ones"
                )
            out.append(edges)
        return out[0], out[1]

    def _steps(self, x: Tensor) -> list[Step]:
        """Steps of the encoder; at first sight they are compared with it."""
        if not self._reader.watched:
            drops = DropSet(
                self._edges,
                x.size(0),
                torch.zeros(x.size(0), dtype=torch.int64, device=x.device),
                True,
                checked=True,
            )
            want = self._reader.watch(x, self._edges)
            with torch.no_grad():
                _compare(want, clean_output(self._reader.steps(), x, drops))
        self._refuse_live_statistics()
        return self._reader.steps()

    def _refuse_live_statistics(self) -> None:
        for name, layer in self._reader.encoder.named_modules():
            if isinstance(layer, nn.BatchNorm1d) and layer.training:
                raise NotImplementedError(
                    f"POT cannot bound layer {name!r}, a BatchNorm1d in training mode: its "
                    "statistics depend on all nodes; call eval() on it"
                )

    # --- reference mode --------------------------------------------------------------------------

    def _reference(
        self,
        view: _View,
        x: Tensor,
        anchor: Tensor,
        edge_index: Tensor | None,
        steps: list[Step],
        nodes: Tensor | None,
    ) -> Tensor:
        if edge_index is None:
            raise ValueError("views are needed for mode='reference', got None")
        layers, slope = _two_convolutions(steps)
        graph = view.clean(nodes)
        return reference_score(x, graph, edge_index, layers, anchor, slope)

    def _next_nodes(self, x: Tensor) -> Tensor | None:
        """The next batch of nodes, from an order that is drawn anew when it is used up."""
        count = x.size(0)
        if self.batch_size is None or self.batch_size >= count:
            return None
        if self._generator is None:
            self._generator = make_generator(self._seed, torch.device("cpu"))
        least = 2 if self.mode == "reference" else 1
        if self._order is None or self._order.numel() < least:
            self._order = torch.randperm(count, generator=self._generator)
        nodes, self._order = self._order[: self.batch_size], self._order[self.batch_size :]
        return nodes.to(x.device)


class _View:
    """A view's budget and what is prepared from it."""

    def __init__(
        self, edges: Tensor, count: int, budget: Tensor, directed: bool, mode: str
    ) -> None:
        self._edges, self._count, self._budget = edges, count, budget
        if mode == "sound":
            self.drops = DropSet(edges, count, budget, directed, checked=True)
        else:
            self._whole = CleanGraph.build(edges, count, budget)

    def clean(self, nodes: Tensor | None) -> CleanGraph:
        """The graph of the reference mode, cropped."""
        return self._whole.crop(nodes)


def _pair(value: Sequence[object], name: str) -> tuple:  # type: ignore[type-arg]
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ValueError(f"{name} must hold one item per view, two in all, got {value!r:.80}")
    return tuple(value)


def _compare(want: Tensor, got: Tensor) -> None:
    scale = float(want.abs().max()) if want.numel() else 0.0
    tolerance = 1e-3 if want.dtype == torch.float32 else 1e-9
    limit = tolerance * max(scale, 1e-6)
    if want.shape == got.shape and float((want - got).abs().max()) <= limit:
        return
    raise NotImplementedError(
        "POT cannot bound this encoder: its layers, one after the other, do not give its output "
        "(a skip connection, a pooled layer, dropout or an operation that is no module?)"
    )


def _two_convolutions(
    steps: list[Step],
) -> tuple[list[tuple[Tensor, Tensor | None]], float]:
    """Weights and slope, if the encoder is what the authors' code can handle."""
    layers: list[tuple[Tensor, Tensor | None]] = []
    slopes: list[float] = []
    rest = list(steps)
    while rest and len(layers) < 2:
        weight, hop = rest[:2] if len(rest) > 1 else (None, None)
        if not (isinstance(weight, Affine) and weight.weight is not None and weight.bias is None):
            break
        if not (isinstance(hop, Hop) and hop.norm == "gcn" and hop.root_state is None):
            break
        rest = rest[2:]
        bias = None
        if rest and isinstance(rest[0], Affine) and rest[0].weight is None:
            bias = rest.pop(0).bias  # type: ignore[union-attr]
        if not (rest and isinstance(rest[0], Activation) and rest[0].name == "leaky_relu"):
            break
        slope = torch.as_tensor(rest.pop(0).slope).detach()  # type: ignore[union-attr]
        if slope.numel() != 1:
            break
        layers.append((weight.weight, bias))
        slopes.append(float(slope))
    if len(layers) != 2 or rest or slopes[0] != slopes[1]:
        raise NotImplementedError(
            "mode='reference' is defined for two GCNConv layers, each followed by the same ReLU, "
            "LeakyReLU or PReLU with one slope; use mode='sound' for this encoder"
        )
    return layers, slopes[0]
