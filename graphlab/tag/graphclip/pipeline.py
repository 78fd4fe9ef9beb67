"""From text graphs to a pretrained tower, and from there to classes, in one object."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import torch
from torch import Tensor

from graphlab._checks import check_device, check_int
from graphlab._estimator import Estimator, packed, unpacked
from graphlab._feature_rows import FeatureRows, check_feature_rows
from graphlab._random import random_order, seeded
from graphlab._training import Callback
from graphlab.ops import CSRGraph
from graphlab.tag._text_encoder import AnyEncoder
from graphlab.tag.graphclip._parts import (
    check_same_encoder,
    check_text_graph,
    embed,
    find_encoder,
    find_sampler,
    find_tower,
    identity_of,
)
from graphlab.tag.graphclip.encoder import GraphCLIPEncoder
from graphlab.tag.graphclip.model import GraphCLIP, model_of
from graphlab.tag.graphclip.pairs import GraphTextPairs
from graphlab.tag.graphclip.pretraining import PretrainConfig, pretrain
from graphlab.tag.graphclip.sampler import SubgraphSampler
from graphlab.tag.graphclip.store import SubgraphStore
from graphlab.tag.graphclip.template_summary import TemplateSummarizer
from graphlab.tag.graphclip.zeroshot import ZeroShotNodes
from graphlab.tag.graphclip.zeroshot.nodes import Names
from graphlab.tag.text_graph import TextGraph

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["GraphCLIPPipeline"]


class Summarizer(Protocol):
    """Anything that writes a text about every subgraph."""

    def summarize(self, texts: Sequence[str], store: SubgraphStore) -> list[str]:
        """One summary per subgraph of a graph with these texts."""


class GraphCLIPPipeline(Estimator):
    """Pretrain a tower on text graphs without labels: subgraphs, summaries, embeddings, training.

    Each step has a default that works offline, and each can be replaced. The settings are those of
    the small models of the documentation, not the published ones.

    Args:
        model (str or GraphCLIP, optional): Pretrained tower to go on from, by its name or folder,
            or as an object, which is copied and not saved; a new one when missing.
        encoder (str, object or function, optional): Text encoder by its name (see
            :class:`TextEncoder`), or anything with ``encode(list[str]) -> (N, D)``, or such a
            function, which is not saved; that of ``model``, or ``"all-MiniLM-L6-v2"``, when
            missing.
        sampler (SubgraphSampler, optional): Draws the subgraphs; walks with restart when missing.
            It is not saved.
        summarizer (Summarizer, optional): Writes the summaries, such as :class:`LLMSummarizer`;
            :class:`TemplateSummarizer` when missing. It is not saved.
        config (PretrainConfig, optional): Settings of the training, but for its seed.
        pairs (int, optional): Most roots per graph; all nodes that have a neighbour when missing.
        hidden_channels (int): Width of a new tower.
        num_layers (int): Layers of a new tower.
        heads (int): Heads of attention of a new tower.
        seed (int): Of roots, subgraphs, weights and training.
        device (str or torch.device): Where the tower is trained; the result lies on the CPU.

    Attributes:
        model_ (GraphCLIP): The pretrained tower.
        history_ (list[dict]): A row per epoch; see :class:`PretrainResult`.
        best_epoch_ (int): Epoch whose weights the tower has.
        encoder_identity_ (str, optional): What the encoder calls itself; a loaded object refuses
            another one.

    Example:
        >>> text = ["cats and dogs", "dogs bark", "trains and planes", "planes fly"] * 3
        >>> graph = TextGraph(edge_index=torch.arange(12).view(2, 6), text=text)
        >>> config = PretrainConfig(epochs=1, batch_size=8)
        >>> sizes = {"hidden_channels": 16, "num_layers": 1, "heads": 2}
        >>> pipeline = GraphCLIPPipeline(encoder="hashing", config=config, **sizes).fit(graph)
        >>> pipeline.predict(graph, ["animals", "vehicles"]).shape
        torch.Size([12])
    """

    _objects: ClassVar[tuple[str, ...]] = ("model", "encoder", "sampler", "summarizer")

    def __init__(
        self,
        model: str | GraphCLIP | None = None,
        *,
        encoder: str | AnyEncoder | None = None,
        sampler: SubgraphSampler | None = None,
        summarizer: Summarizer | None = None,
        config: PretrainConfig | None = None,
        pairs: int | None = None,
        hidden_channels: int = 128,
        num_layers: int = 3,
        heads: int = 8,
        seed: int = 0,
        device: str | torch.device = "cpu",
    ) -> None:
        self.model = model
        self.encoder = encoder
        self.sampler = sampler
        self.summarizer = summarizer
        self.config = config
        self.pairs = pairs
        self.hidden_channels = hidden_channels
        self.num_layers = num_layers
        self.heads = heads
        self.seed = seed
        self.device = device

    def fit(
        self,
        graphs: TextGraph | Sequence[TextGraph],
        y: Any = None,
        *,
        x: FeatureRows | Sequence[FeatureRows] | None = None,
        directory: str | os.PathLike[str] | None = None,
        callback: Callback | None = None,
    ) -> Self:
        """Pretrain on one graph or on several.

        Args:
            graphs (TextGraph or Sequence[TextGraph]): Graphs; their ``x`` and ``y`` are not read.
            y (object, optional): Not read.
            x (Tensor or EmbeddingStore, or a sequence, optional): Embeddings of all texts by
                ``encoder``, ``(N, D)``, one matrix per graph, where they are at hand; those of a
                store stay on disk.
            directory (path, optional): Where the checkpoint of every epoch goes; a fit with the
                same data and settings goes on there.
            callback (callable, optional): Called with the row of every epoch; may raise to
                interrupt, and nothing is changed then.

        Returns:
            GraphCLIPPipeline: This object.

        Raises:
            TypeError, ValueError: If a parameter or a graph is malformed, or there are too few
                pairs; see :func:`pretrain`.
            ImportError, OSError: If the model or the encoder named cannot be loaded; the message
                says what to install.
            FloatingPointError: If the loss stops being finite.
        """
        sources = [graphs] if isinstance(graphs, TextGraph) else graphs
        if not isinstance(sources, (list, tuple)) or not sources:
            raise TypeError(f"graphs must be a TextGraph or a list of them, got {graphs!r:.80}")
        for i, graph in enumerate(sources):
            check_text_graph(graph, f"graphs[{i}]")
        config = self._checked()
        tower = None if self.model is None else copy.deepcopy(find_tower(self.model))
        named = "all-MiniLM-L6-v2" if tower is None else tower.text_model
        encoder = find_encoder(self.encoder, named)
        pairs = self._pairs(sources, _given(x, sources), encoder, config.seed)
        if tower is None:
            tower = self._new(pairs.x.shape[1], named if self.encoder is None else self.encoder)
        result = pretrain(
            tower.to(self.device), pairs, config, directory=directory, callback=callback
        )
        self.model_, self.history_ = tower.cpu(), result.history
        self.best_epoch_ = result.best_epoch
        self._encoder: AnyEncoder | None = encoder
        self.encoder_identity_ = identity_of(encoder)
        return self

    def zero_shot(self, **options: Any) -> ZeroShotNodes:
        """A classifier of nodes with the tower, encoder and sampler of this object, not yet fitted.

        Args:
            **options: Further arguments of :class:`ZeroShotNodes`.

        Raises:
            sklearn.exceptions.NotFittedError: If there was no fit.
            ValueError: If the object was loaded with another encoder than that of the fit.
        """
        self._check_fitted()
        encoder = self.encoder if self._encoder is None else self._encoder
        if encoder is not None and not isinstance(encoder, str):
            check_same_encoder(encoder, self.encoder_identity_)
        parts = {"encoder": encoder, "sampler": self.sampler}
        return ZeroShotNodes(self.model_, **(parts | options))

    def predict(self, graph: TextGraph, class_names: Names | None = None) -> Tensor:
        """Classify the nodes of a graph; to ask several times, fit :meth:`zero_shot` once.

        Args:
            graph (TextGraph): Any graph; its ``x`` and ``y`` are not read.
            class_names (Sequence[str] or Mapping[str, str], optional): See
                :meth:`ZeroShotNodes.predict`.

        Returns:
            Tensor: Positions in ``class_names``, int64 ``(N,)``.

        Raises:
            sklearn.exceptions.NotFittedError: If there was no fit.
            TypeError, ValueError: If an argument is malformed.
        """
        return self.zero_shot().fit(graph).predict(class_names)

    def predict_proba(self, graph: TextGraph, class_names: Names | None = None) -> Tensor:
        """Probabilities of the classes of the nodes; see :meth:`ZeroShotNodes.predict_proba`.

        Args:
            graph (TextGraph): Any graph; its ``x`` and ``y`` are not read.
            class_names (Sequence[str] or Mapping[str, str], optional): See
                :meth:`ZeroShotNodes.predict`.

        Returns:
            Tensor: ``(N, C)``.

        Raises:
            sklearn.exceptions.NotFittedError: If there was no fit.
            TypeError, ValueError: If an argument is malformed.
        """
        return self.zero_shot().fit(graph).predict_proba(class_names)

    # --- inside -----------------------------------------------------------------------------------

    def _check_parameters(self) -> None:
        self._checked()

    def _checked(self) -> PretrainConfig:
        """Check the parameters; the settings of the training."""
        check_device(self.device)
        seed = check_int(self.seed, "seed", minimum=0, maximum=2**63 - 1)
        for name in ("hidden_channels", "num_layers", "heads"):
            check_int(getattr(self, name), name, minimum=1)
        if self.pairs is not None:
            check_int(self.pairs, "pairs", minimum=2)
        find_sampler(self.sampler)
        if self.summarizer is not None and not hasattr(self.summarizer, "summarize"):
            raise TypeError(
                "summarizer must have a method summarize(texts, store), as TemplateSummarizer has, "
                f"got {self.summarizer!r:.80}"
            )
        if self.config is not None and not isinstance(self.config, PretrainConfig):
            raise TypeError(f"config must be a PretrainConfig, got {type(self.config).__name__}")
        return replace(self.config or PretrainConfig(), seed=seed)

    def _pairs(
        self,
        graphs: Sequence[TextGraph],
        features: Sequence[FeatureRows | None],
        encoder: AnyEncoder,
        seed: int,
    ) -> GraphTextPairs:
        sampler = find_sampler(self.sampler, seed)
        summarizer: Summarizer = self.summarizer or TemplateSummarizer()
        parts = []
        for graph, given in zip(graphs, features, strict=True):
            prepared = sampler.prepare(graph.edge_index, len(graph.text))
            store = sampler.sample(prepared, nodes=self._roots(prepared, seed))
            summaries = summarizer.summarize(graph.text, store)
            x = embed(encoder, graph.text) if given is None else given
            parts.append(GraphTextPairs(x, store, embed(encoder, summaries, int(x.shape[1]))))
        return GraphTextPairs.join(parts)

    def _roots(self, graph: CSRGraph, seed: int) -> Tensor:
        """Nodes that have a neighbour, at most ``pairs`` of them, ascending."""
        nodes = graph.rowptr.diff().nonzero().squeeze(1)
        if not nodes.numel():
            raise ValueError("graphs must have edges between different nodes, got one without")
        generator = torch.Generator().manual_seed(seed)
        order = random_order(nodes.numel(), generator, "cpu")
        return nodes[order[: self.pairs]].sort().values

    def _new(self, width: int, encoder: Any) -> GraphCLIP:
        with seeded(self.seed, torch.device("cpu")):
            tower = GraphCLIPEncoder(
                width, self.hidden_channels, num_layers=self.num_layers, heads=self.heads,
                out_channels=width, residual="root+mean",
            )  # fmt: skip
        return GraphCLIP(tower, text_model=encoder if isinstance(encoder, str) else "")

    # --- files ------------------------------------------------------------------------------------

    def _config(self) -> dict[str, Any]:
        config = super()._config() | {"device": "cpu"}
        config["config"] = None if self.config is None else asdict(self.config)
        names = {k: v for k in ("model", "encoder") if isinstance(v := getattr(self, k), str)}
        return config | names

    @classmethod
    def _restore(cls, config: dict[str, Any], arrays: dict[str, Tensor]) -> Self:
        settings = config["config"]
        made = None if settings is None else PretrainConfig(**settings)
        return super()._restore(config | {"config": made}, arrays)

    def _arrays(self) -> dict[str, Tensor]:
        self._check_fitted()
        sizes = json.dumps(self.model_.config, sort_keys=True).encode()
        weights = packed("model/", self.model_.state_dict())
        return {"config": torch.tensor(list(sizes), dtype=torch.uint8, device="cpu"), **weights}

    def _facts(self) -> dict[str, Any]:
        own = {"best_epoch_": self.best_epoch_, "encoder_identity_": self.encoder_identity_}
        return super()._facts() | own

    def _set_arrays(self, arrays: dict[str, Tensor]) -> None:
        sizes = json.loads(bytes(arrays["config"].tolist()))
        self.model_ = model_of(sizes, unpacked("model/", arrays))
        self._encoder = None
        self.encoder_identity_ = None  # as in folders of earlier versions


def _given(
    x: FeatureRows | Sequence[FeatureRows] | None, graphs: Sequence[TextGraph]
) -> Sequence[FeatureRows | None]:
    """The matrix of every graph, as the caller gave it; one of a single graph may stand alone."""
    if x is None:
        return [None] * len(graphs)
    parts = list(x) if isinstance(x, (list, tuple)) else [x]
    if len(parts) != len(graphs):
        raise ValueError(f"x must be one matrix per graph, {len(graphs)} in all, got {len(parts)}")
    return [
        check_feature_rows(part, f"x[{i}]", rows=len(graph.text))
        for i, (part, graph) in enumerate(zip(parts, graphs, strict=True))
    ]
