"""GAugLLM: self-supervised training whose second view is written by a language model."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab._checks import (
    check_choice,
    check_edge_index,
    check_fraction,
    check_int,
    check_nonnegative,
    check_positive,
    from_array,
)
from graphlab._checks.graph_objects import check_data
from graphlab._deprecation import row_callback, warn_renamed
from graphlab._estimator import Estimator, packed, unpacked
from graphlab._feature_rows import FeatureRows, check_feature_rows
from graphlab._graphs.edges import read_structure
from graphlab._io import user_path
from graphlab._random import seeded
from graphlab._training import Callback
from graphlab.contrastive.hosts.embedding_model import EmbeddingModel
from graphlab.tag._neighbors import check_neighbors
from graphlab.tag.gaugllm._backbones import Inputs, make_backbone
from graphlab.tag.gaugllm._batches import BatchSteps, Graph, Steps, WholeSteps
from graphlab.tag.gaugllm._encoders import READ_SPARSE, default_encoder
from graphlab.tag.gaugllm._training import Training, data_name
from graphlab.tag.gaugllm.edge_modifier import LLMEdgeModifier

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["GAugLLM"]

Backbone = Literal["bgrl", "gbt", "graphcl", "graphmae", "s2gae"]
BACKBONES: tuple[Backbone, ...] = get_args(Backbone)
View = Literal["first", "second", "mean"]
VIEWS: tuple[View, ...] = get_args(View)
_RATES = ("lr", "warmup", "weight_decay", "epochs")


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
        view_features (tuple, optional): Features of the views, both ``(N, F)``, each a tensor, a
            numpy array or an :class:`EmbeddingStore`; ``data.x`` twice if missing. They are saved,
            but a pair with a store, which is to be given to :meth:`load` again.
        edge_modifier (LLMEdgeModifier, optional): Edits the edges of the second view. Like
            ``encoder``, it is not saved: give it to :meth:`load` again (None to embed only).
        out_channels (int): Width of the encoder.
        epochs (int): Passes over the nodes: steps on the whole graph, or over all batches.
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
        batch_size (int, optional): Nodes of a step, which takes the subgraph of these and their
            sampled neighbours for the graph and reads no other features. Edges are then edited once
            an epoch. Without it, every step sees the whole graph.
        num_neighbors (sequence of int, optional): Neighbours drawn per node with ``batch_size``,
            one number per layer, -1 for all; ten in two layers when missing.

    Attributes:
        history_ (list[dict]): ``epoch``, ``loss`` (the mean over its steps) and ``lr`` of every
            epoch of :meth:`fit`.
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
    _read_later: ClassVar[frozenset[str]] = frozenset({"batch_size", "num_neighbors"})

    def __init__(
        self,
        backbone: Backbone = "bgrl",
        view_features: Sequence[FeatureRows] | None = None,
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
        batch_size: int | None = None,
        num_neighbors: Sequence[int] | None = None,
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
        self.batch_size = batch_size
        self.num_neighbors = num_neighbors

    def fit(
        self,
        data: Data,
        callback: Callback | None = None,
        *,
        directory: str | os.PathLike[str] | None = None,
        resume: bool = True,
        save_every: float = 300.0,
    ) -> Self:
        """Train on one graph; labels are not read.

        Args:
            data (Data): Graph with ``edge_index`` and, without ``view_features``, ``x``. Tensors
                may live on any one device; features are cast to the type of the encoder's weights.
            callback (callable, optional): Called with the row of every epoch; see ``history_``.
            directory (path, optional): Where the checkpoint goes: after an epoch or, with batches,
                a step, when it is time for one, and at the end.
            resume (bool): Go on from a checkpoint found there, on the CPU bit for bit as if never
                interrupted (where the encoder draws nothing itself, as dropout does).
            save_every (float): Seconds between checkpoints: the most work that a kill costs. 0
                writes one every time.

        Returns:
            GAugLLM: This object.

        Raises:
            TypeError, ValueError, IndexError: If a parameter is malformed, or the graph and the
                views do not fit together, or the checkpoint is of other data or settings.
            FloatingPointError: If the loss is not finite (ValueError where an embedding is not).
        """
        self._check_parameters()
        if callback is not None:
            callback = row_callback(
                callback, "callback(step, loss)", lambda row: (row["epoch"], row["loss"])
            )
        check_nonnegative(save_every, "save_every")
        folder = None if directory is None else user_path(directory, "directory")
        graph = self._graph(data)
        columns = int(graph.x1.shape[1])
        model = self._build(columns).to(graph.edge_index.device)
        steps: Steps
        if self.batch_size is None:
            steps = WholeSteps(self._prepared(graph.whole(), model), self.seed)
        else:
            steps = self._batches(graph, model)
        rates = {name: getattr(self, name) for name in _RATES}
        settings = {} if folder is None else self._settings(graph)
        training = Training(model, steps, rates, settings, folder, save_every)
        if resume:
            training.restore()
        training.run(callback)
        self.network_, self.history_ = model.eval(), training.history
        self._in_channels = columns
        return self

    def _settings(self, graph: Graph) -> dict[str, Any]:
        """What a checkpoint must have been made with."""
        config = self._config()
        known = {"encoder", "edge_modifier", "view_features"}
        modifier = graph.modifier
        rates = ("p_add", "p_del", "soft", "undirected")
        edits = None if modifier is None else [getattr(modifier, name) for name in rates]
        return {k: v for k, v in config.items() if k not in known} | {
            "edits": edits,
            "data": data_name(graph),
        }

    def _batches(self, graph: Graph, model: EmbeddingModel) -> BatchSteps:
        neighbors = check_neighbors(self.num_neighbors)
        size = check_int(self.batch_size, "batch_size", minimum=2)
        return BatchSteps(graph, size, neighbors, self.seed, _dtype(model))

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
        if self.batch_size is not None:
            check_int(self.batch_size, "batch_size", minimum=2)
        elif self.num_neighbors is not None:
            raise ValueError("num_neighbors needs a batch_size: without one, all are taken")
        check_neighbors(self.num_neighbors)

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
            TypeError, ValueError, IndexError: If an argument is malformed, or the features have
                another width than in :meth:`fit`.
        """
        check_choice(view, "view", VIEWS)
        self._check_fitted()
        graph = self._graph(data, self._in_channels)
        views = {"first": (graph.x1,), "second": (graph.x2,)}.get(view, (graph.x1, graph.x2))
        if views[0] is views[-1]:
            views = views[:1]
        if self.batch_size is not None:
            return self._embedded_in_batches(graph, views)
        inputs = self._prepared(graph.whole(), self.network_)
        chosen = {id(graph.x2): inputs.x2, id(graph.x1): inputs.x1}
        embeddings = [self.network_.embed(chosen[id(x)], inputs.edge_index) for x in views]
        return torch.stack(embeddings).mean(0)

    def _embedded_in_batches(self, graph: Graph, views: Sequence[FeatureRows]) -> Tensor:
        """Embeddings of every node in its sampled neighbourhood."""
        device, dtype = graph.edge_index.device, _dtype(self.network_)
        parts = []
        # Nothing is edited here: the votes need not be about this graph.
        plain = dataclasses.replace(graph, modifier=None)
        hoods = self._batches(plain, self.network_).neighbourhoods()
        for node, count, edges in hoods:
            rows = [
                self.network_.embed(x[node].to(device, dtype), edges.to(device))[:count]
                for x in views
            ]
            parts.append(torch.stack(rows).mean(0))
        return torch.cat(parts)

    def fit_transform(self, data: Data, view: View = "mean") -> Tensor:
        """Train and embed; see :meth:`fit` and :meth:`transform`.

        Args:
            data (Data): See :meth:`fit`.
            view (str): See :meth:`transform`.

        Returns:
            Tensor: See :meth:`transform`.
        """
        return self.fit(data).transform(data, view)

    def _graph(self, data: Data, fitted: int | None = None) -> Graph:
        """Graph and views, checked; the views as wide as they were in the training."""
        data = check_data(data)
        if self.view_features is not None:
            views = _check_views(self.view_features)
        else:
            if data.x is None:
                raise ValueError("data must have x where view_features are not given")
            x = check_feature_rows(from_array(data.x, "data.x"), "data.x")
            views = (x, x)
        if fitted is not None and views[0].shape[1] != fitted:
            name = "data.x" if self.view_features is None else "view_features[0]"
            raise ValueError(
                f"{name} must have {fitted} columns, as in fit, got shape {tuple(views[0].shape)}"
            )
        count = int(views[0].shape[0])
        if data.num_nodes != count:
            raise ValueError(
                f"data must have {count} nodes, as the views have, got {data.num_nodes}"
            )
        edges = check_edge_index(read_structure(data, count)[0], count)
        return Graph(*views, edges, self.edge_modifier)

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
        if self.num_neighbors is not None:
            config["num_neighbors"] = list(self.num_neighbors)
        for name in ("drop_edge", "mask_features"):
            config[name] = list(config[name])
        return config | ({} if self.options is None else {"options": dict(self.options)})

    def _arrays(self) -> dict[str, Tensor]:
        self._check_fitted()
        arrays = packed("network/", self.network_.state_dict())
        given = self.view_features or ()
        if len(given) == 2 and given[0] is given[1]:
            given = given[:1]  # methods that restore every view train once on equal ones
        views = [from_array(x, f"view_features[{i}]") for i, x in enumerate(given)]
        # Stores are files already: a pair with one is given to ``load`` again, whole.
        tensors = [x for x in views if isinstance(x, Tensor)]
        if len(tensors) == len(views):
            arrays |= {f"view/{i}": x for i, x in enumerate(tensors)}
        return arrays | {"in_channels": torch.tensor(self._in_channels, device="cpu")}

    def _set_arrays(self, arrays: dict[str, Tensor]) -> None:
        self._in_channels = int(arrays["in_channels"])
        if "view/0" in arrays:
            views = (arrays["view/0"], arrays.get("view/1", arrays["view/0"]))
            self.view_features = _check_views(views)
        self.network_ = self._build(self._in_channels).eval()
        self.network_.load_state_dict(unpacked("network/", arrays))


def _dtype(model: nn.Module) -> torch.dtype:
    """That of the first weights, those of the encoder."""
    return next((p.dtype for p in model.parameters()), torch.get_default_dtype())


def _check_views(views: Sequence[FeatureRows]) -> tuple[FeatureRows, FeatureRows]:
    if isinstance(views, (Tensor, np.ndarray)) or len(views) != 2:
        raise ValueError("view_features must be a pair of features, one per view")
    first, second = (from_array(x, f"view_features[{i}]") for i, x in enumerate(views))
    first = check_feature_rows(first, "view_features[0]")
    rows, cols = first.shape
    if views[1] is views[0]:
        return first, first
    return first, check_feature_rows(second, "view_features[1]", rows=rows, cols=cols)
