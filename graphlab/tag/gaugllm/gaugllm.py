"""GAugLLM: self-supervised training whose second view is written by a language model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab._checks import (
    check_choice,
    check_edge_index,
    check_fraction,
    check_int,
    check_matrix,
    check_nonnegative,
    check_positive,
)
from graphlab._checks.graph_objects import check_data
from graphlab._deprecation import row_callback, warn_renamed
from graphlab._estimator import Estimator, packed, unpacked
from graphlab._graphs.edges import read_structure
from graphlab._progress import track
from graphlab._random import make_generator, seeded
from graphlab._training import Callback, finite_loss, warmup_cosine
from graphlab.contrastive.hosts.embedding_model import EmbeddingModel
from graphlab.tag.gaugllm._backbones import Inputs, make_backbone, step_loss
from graphlab.tag.gaugllm._encoders import READ_SPARSE, default_encoder
from graphlab.tag.gaugllm.edge_modifier import LLMEdgeModifier

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["GAugLLM"]

Backbone = Literal["bgrl", "gbt", "graphcl", "graphmae", "s2gae"]
BACKBONES: tuple[Backbone, ...] = get_args(Backbone)
View = Literal["first", "second", "mean"]
VIEWS: tuple[View, ...] = get_args(View)


class GAugLLM(Estimator):
    r"""Node embeddings from views that a language model helped to make.

    The first view has the features of the raw texts and the edges of the graph, the second the
    features of the mixed texts (see :class:`ContextAwareSelector`) and a new draw of edited edges
    at every step (see :class:`LLMEdgeModifier`). Either part can be left out, which is how an
    ablation is made. The methods that contrast views (``"bgrl"``, ``"gbt"``, ``"graphcl"``) also
    drop edges and mask columns at random in both; the masked autoencoders (``"graphmae"``,
    ``"s2gae"``) learn to restore both views, S2GAE also every edge that the votes vouch for.

    Nothing is chosen by a label. (The released code evaluates during the training and reports the
    evaluation that is best on test nodes.)

    Args:
        backbone (str): One of the five.
        view_features (tuple, optional): Features of the views, both ``(N, F)``; ``data.x`` twice if
            missing.
        edge_modifier (LLMEdgeModifier, optional): Edits the edges of the second view. Like
            ``encoder``, it is not saved: give it to :meth:`load` again (None to embed only).
        out_channels (int): Width of the encoder.
        epochs (int): Steps; each sees the whole graph.
        lr (float): Peak learning rate of AdamW: a linear rise, then half a cosine to zero.
        warmup (float): Share of the steps with a rising rate.
        weight_decay (float): Of AdamW.
        drop_edge (sequence): Two rates, for the methods that contrast views.
        mask_features (sequence): Two rates likewise.
        encoder (callable, optional): ``encoder(in_channels, out_channels)`` returns a module called
            as ``module(x, edge_index)``; that of the backbone's authors when missing.
        options (mapping, optional): More arguments of the backbone's class, such as ``{"mask_rate":
            0.7}``.
        seed (int): Seed of weights, masks and draws.

    Attributes:
        history_ (list[dict]): ``epoch``, ``loss`` and ``lr`` of every step of :meth:`fit`.
        network_ (nn.Module): The trained backbone.

    Complexity: per step two to four passes of the encoder, plus O(E + M log M) for M votes. Views
        that are mostly zeros, such as bags of words, are kept sparse on the CPU where the encoder
        is the backbone's own and begins with a graph convolution.

    Reference: Fang et al., "GAugLLM: improving graph contrastive learning for text-attributed
        graphs with large language models", KDD 2024, arXiv:2406.11945.

    Example:
        >>> ring = torch.tensor([[0, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 0]])
        >>> data = Data(x=torch.eye(6), edge_index=torch.cat([ring, ring.flip(0)], dim=1))
        >>> GAugLLM("gbt", out_channels=4, epochs=2).fit(data).transform(data).shape
        torch.Size([6, 4])
    """

    _objects: ClassVar[tuple[str, ...]] = ("view_features", "edge_modifier", "encoder")

    def __init__(
        self,
        backbone: Backbone = "bgrl",
        view_features: Sequence[Tensor] | None = None,
        edge_modifier: LLMEdgeModifier | None = None,
        *,
        out_channels: int = 256,
        epochs: int = 200,
        lr: float = 5e-4,
        warmup: float = 0.1,
        weight_decay: float = 1e-5,
        drop_edge: Sequence[float] = (0.3, 0.3),
        mask_features: Sequence[float] = (0.0, 0.0),
        encoder: Callable[[int, int], nn.Module] | None = None,
        options: Mapping[str, Any] | None = None,
        seed: int = 0,
    ) -> None:
        self.backbone = backbone
        self.view_features = view_features
        self.edge_modifier = edge_modifier
        self.out_channels = out_channels
        self.epochs = epochs
        self.lr = lr
        self.warmup = warmup
        self.weight_decay = weight_decay
        self.drop_edge = drop_edge
        self.mask_features = mask_features
        self.encoder = encoder
        self.options = options
        self.seed = seed

    def fit(self, data: Data, callback: Callback | None = None) -> Self:
        """Train on one graph; labels are not read.

        Args:
            data (Data): Graph with ``edge_index`` and, without ``view_features``, ``x``. Tensors
                may live on any one device; features are cast to the type of the encoder's weights.
            callback (callable, optional): Called with the row of every step; see ``history_``.

        Returns:
            GAugLLM: This object.

        Raises:
            TypeError, ValueError, IndexError: If a parameter is malformed, or the graph and the
                views do not fit together.
            FloatingPointError: If the loss is not finite (ValueError where an embedding is not).
        """
        self._check_parameters()
        if callback is not None:
            callback = row_callback(
                callback, "callback(step, loss)", lambda row: (row["epoch"], row["loss"])
            )
        inputs = self._inputs(data)
        model = self._build(inputs.x1.size(1)).to(inputs.x1.device)
        inputs = self._prepared(inputs, model)
        optimizer = torch.optim.AdamW(
            model.parameters(), lr=self.lr, weight_decay=self.weight_decay
        )
        generator = make_generator(self.seed)
        rise = round(self.warmup * self.epochs)
        model.train()
        history: list[dict[str, Any]] = []
        for step in track(range(self.epochs), "GAugLLM", unit="epochs"):
            # From one on: a first step at rate zero would be wasted.
            rate = warmup_cosine(step + 1, self.lr, rise, self.epochs + 1)
            for group in optimizer.param_groups:
                group["lr"] = rate
            loss = step_loss(model, inputs, generator, step)
            row = {"epoch": step, "loss": finite_loss(loss, f"step {step}"), "lr": rate}
            history.append(row)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            model.after_step(step, self.epochs)
            if callback is not None:
                callback(row)
        self.network_, self.history_ = model.eval(), history
        self._in_channels = inputs.x1.size(1)
        return self

    def _check_parameters(self) -> None:
        check_choice(self.backbone, "backbone", BACKBONES)
        modifier = self.edge_modifier
        if modifier is not None and not isinstance(modifier, LLMEdgeModifier):
            raise TypeError(
                f"edge_modifier must be an LLMEdgeModifier, got {type(modifier).__name__}"
            )
        check_int(self.out_channels, "out_channels", minimum=1)
        check_int(self.epochs, "epochs", minimum=1)
        check_positive(self.lr, "lr")
        check_fraction(self.warmup, "warmup")
        check_nonnegative(self.weight_decay, "weight_decay")
        check_int(self.seed, "seed", minimum=0)

    @property
    def losses(self) -> list[float]:
        """Loss of every step; the column of ``history_`` under its earlier name."""
        warn_renamed("GAugLLM.losses", "GAugLLM.history_")
        return [row["loss"] for row in getattr(self, "history_", [])]

    @property
    def rates(self) -> dict[str, tuple[Any, ...]]:
        """Rates of the views by parameter; the two parameters under their earlier name."""
        warn_renamed("GAugLLM.rates", "GAugLLM.drop_edge and GAugLLM.mask_features")
        return {name: tuple(getattr(self, name)) for name in ("drop_edge", "mask_features")}

    def transform(self, data: Data, view: View = "mean") -> Tensor:
        """Embed the nodes on the edges of the graph, nothing dropped or edited.

        Args:
            data (Data): See :meth:`fit`.
            view (str): Features to embed: those of the ``"first"`` view, the ``"second"``, or the
                ``"mean"`` of both embeddings.

        Returns:
            Tensor: ``(N, D)`` with D = ``out_channels`` (twice that for S2GAE, whose layers stand
            side by side).

        Raises:
            NotFittedError: If nothing was fitted.
            TypeError, ValueError, IndexError: If an argument is malformed.
        """
        check_choice(view, "view", VIEWS)
        self._check_fitted()
        inputs = self._prepared(self._inputs(data), self.network_)
        views = {"first": (inputs.x1,), "second": (inputs.x2,)}.get(view, (inputs.x1, inputs.x2))
        if views[0] is views[-1]:
            views = views[:1]
        embeddings = [self.network_.embed(x, inputs.edge_index) for x in views]
        return torch.stack(embeddings).mean(0)

    def fit_transform(self, data: Data, view: View = "mean") -> Tensor:
        """Train and embed; see :meth:`fit` and :meth:`transform`.

        Args:
            data (Data): See :meth:`fit`.
            view (str): See :meth:`transform`.

        Returns:
            Tensor: See :meth:`transform`.
        """
        return self.fit(data).transform(data, view)

    def _inputs(self, data: Data) -> Inputs:
        data = check_data(data)
        if self.view_features is not None:
            views = _check_views(self.view_features)
        else:
            if data.x is None:
                raise ValueError("data must have x where view_features are not given")
            x = check_matrix(data.x, "data.x")
            views = (x, x)
        count = views[0].size(0)
        if data.num_nodes != count:
            raise ValueError(
                f"data must have {count} nodes, as the views have, got {data.num_nodes}"
            )
        edges = check_edge_index(read_structure(data, count)[0], count)
        return Inputs(*views, edges, self.edge_modifier)

    def _prepared(self, inputs: Inputs, model: EmbeddingModel) -> Inputs:
        """Features as the encoder reads them: in its type, bags of words in sparse layout."""
        inputs = inputs.to(_dtype(model))
        known = self.encoder is None and self.backbone in READ_SPARSE
        return inputs.thin() if known else inputs

    def _build(self, in_channels: int) -> EmbeddingModel:
        # The constructors of layers draw from the global generator, which is put back afterwards.
        with seeded(self.seed, torch.device("cpu")):
            make = self.encoder
            if make is None:
                encoder = default_encoder(self.backbone, in_channels, self.out_channels)
            else:
                encoder = make(in_channels, self.out_channels)
            channels = (in_channels, self.out_channels)
            rates = {
                "drop_edge": tuple(self.drop_edge),
                "mask_features": tuple(self.mask_features),
            }
            return make_backbone(self.backbone, encoder, channels, rates, dict(self.options or {}))

    # --- files ------------------------------------------------------------------------------------

    def _config(self) -> dict[str, Any]:
        config = super()._config() | {"view_features": None}  # which are arrays
        for name in ("drop_edge", "mask_features"):
            config[name] = list(config[name])
        return config | ({} if self.options is None else {"options": dict(self.options)})

    def _arrays(self) -> dict[str, Tensor]:
        self._check_fitted()
        arrays = packed("network/", self.network_.state_dict())
        views = self.view_features or ()
        if len(views) and views[0] is views[1]:
            views = views[:1]  # methods that restore every view train once on equal ones
        arrays |= {f"view/{i}": x for i, x in enumerate(views)}
        return arrays | {"in_channels": torch.tensor(self._in_channels, device="cpu")}

    def _set_arrays(self, arrays: dict[str, Tensor]) -> None:
        self._in_channels = int(arrays["in_channels"])
        if "view/0" in arrays:
            self.view_features = (arrays["view/0"], arrays.get("view/1", arrays["view/0"]))
        self.network_ = self._build(self._in_channels).eval()
        self.network_.load_state_dict(unpacked("network/", arrays))


def _dtype(model: nn.Module) -> torch.dtype:
    """That of the first weights, those of the encoder."""
    return next((p.dtype for p in model.parameters()), torch.get_default_dtype())


def _check_views(views: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    if isinstance(views, Tensor) or len(views) != 2:
        raise ValueError("view_features must be a pair of features, one per view")
    first = check_matrix(views[0], "view_features[0]")
    second = check_matrix(views[1], "view_features[1]", rows=first.size(0), cols=first.size(1))
    return first, second
