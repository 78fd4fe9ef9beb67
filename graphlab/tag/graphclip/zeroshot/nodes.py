"""From a graph with texts to classes of its nodes, in one object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, get_args

import numpy as np
import torch
from torch import Tensor

from graphlab._checks import (
    check_choice,
    check_index,
    check_list,
    check_matrix,
    check_positive,
    check_text,
    warn_caller,
)
from graphlab._estimator import Estimator
from graphlab._feature_rows import FeatureRows, check_feature_rows
from graphlab.tag._text_encoder import AnyEncoder
from graphlab.tag.graphclip._parts import (
    check_same_encoder,
    check_text_graph,
    embed,
    find_encoder,
    find_sampler,
    find_tower,
    identity_of,
    warn_of_hashed_words,
)
from graphlab.tag.graphclip.model import GraphCLIP
from graphlab.tag.graphclip.sampler import SubgraphSampler
from graphlab.tag.graphclip.store import SubgraphStore
from graphlab.tag.graphclip.zeroshot.class_sentences import (
    LABEL_TEMPLATES,
    check_class_names,
    check_sentences,
    class_probabilities,
    embed_classes,
)
from graphlab.tag.graphclip.zeroshot.embeddings import (
    Embeddings,
    Mix,
    check_mix,
    embed_subgraphs,
)
from graphlab.tag.graphclip.zeroshot.scores import Scores, compare
from graphlab.tag.text_graph import TextGraph

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["ZeroShotNodes"]

Names = Sequence[str] | Mapping[str, str]


class ZeroShotNodes(Estimator):
    """Classify the nodes of a text graph by the names of the classes alone.

    A fit embeds the texts, draws a subgraph per node and embeds it with a pretrained tower; no
    label is read. Then any classes may be asked for: a class is a few sentences around its name,
    and the nearest wins. Every part can be replaced.

    Args:
        model (str or GraphCLIP): Pretrained tower: a name (``"graphlab/tiny"`` lies in the package
            graphlab-models), a folder, or the object. An object is not saved.
        encoder (str, object or function, optional): Text encoder of the pretraining, by its name
            (see :class:`TextEncoder`), or anything with ``encode(list[str]) -> (N, D)``, or such a
            function, which is not saved; by default the one that the tower names.
        sampler (SubgraphSampler, optional): Draws the subgraphs; walks with restart as in the
            pretraining when missing. It is not saved.
        templates (Sequence[str]): Sentences with ``{c}`` for the class; embeddings of several are
            averaged.
        join (str): Between sentence and description of a class.
        mix (str): Addition to the tower's unit embeddings before comparing: ``"none"``, ``"own"``
            (the text of the node), ``"mean"`` (the mean over its subgraph), ``"own+mean"``.

    Attributes:
        embeddings_ (Tensor): Unit embeddings of the nodes of :meth:`fit` by the tower, ``(P, D)``.
        label_names_ (list[str]): Names of classes that the graph brought, asked for by default;
            empty where it brought none.
        text_model_ (str): Name of the text encoder, as far as it is known.
        encoder_identity_ (str, optional): What the encoder calls itself; a loaded object refuses
            another one.
        scale_ (float): Scale of the pretraining, which probabilities take.

    Complexity: a fit embeds every text that lies in a subgraph once, and costs a pass of the tower;
    what follows costs O(P C D).

    Example:
        >>> from graphlab.tag.graphclip import GraphCLIPEncoder
        >>> texts = ["cats and dogs", "dogs bark", "trains and planes", "planes fly"]
        >>> graph = TextGraph(edge_index=torch.tensor([[0, 2], [1, 3]]), text=texts)
        >>> tower = GraphCLIPEncoder(384, 16, num_layers=1, heads=2, residual="root+mean")
        >>> model = ZeroShotNodes(GraphCLIP(tower), encoder="hashing", templates=["{c}"])
        >>> model.fit(graph).predict(["dogs", "planes"])
        tensor([0, 0, 1, 1])
    """

    _objects: ClassVar[tuple[str, ...]] = ("model", "encoder", "sampler")
    _read_later: ClassVar[frozenset[str]] = frozenset({"templates", "join", "mix"})

    def __init__(
        self,
        model: str | GraphCLIP = "graphlab/tiny",
        *,
        encoder: str | AnyEncoder | None = None,
        sampler: SubgraphSampler | None = None,
        templates: Sequence[str] = LABEL_TEMPLATES,
        join: str = ". ",
        mix: Mix = "none",
    ) -> None:
        self.model = model
        self.encoder = encoder
        self.sampler = sampler
        self.templates = templates
        self.join = join
        self.mix = mix

    def fit(
        self,
        graph: TextGraph,
        y: Any = None,
        *,
        nodes: Tensor | None = None,
        x: FeatureRows | None = None,
    ) -> Self:
        """Embed the nodes of a graph.

        Args:
            graph (TextGraph): The graph; its ``x`` and ``y`` are not read.
            y (object, optional): Not read.
            nodes (Tensor, optional): Nodes to classify, integers ``(P,)``; all when missing.
            x (Tensor or EmbeddingStore, optional): Embeddings of all texts by ``encoder``, ``(N,
                D)``, where they are at hand; else the texts that lie in a subgraph are embedded.

        Returns:
            ZeroShotNodes: This object.

        Raises:
            TypeError, ValueError, IndexError: If a parameter or the graph is malformed, or the
                encoder's width is not the tower's.
            ImportError: If the model or the encoder needs a package that is missing; the message
                says which to install.
            OSError: If the model or the encoder cannot be found.

        Warns:
            UserWarning: If the encoder hashes words, and the model was aligned with another one.
        """
        check_text_graph(graph)
        self._check_parameters()
        sampler = find_sampler(self.sampler)
        count = len(graph.text)
        if nodes is not None:
            nodes = check_index(nodes, count, "nodes")
        tower = find_tower(self.model)
        check_mix(self.mix, tower)
        encoder = find_encoder(self.encoder, tower.text_model)
        warn_of_hashed_words(encoder, tower.text_model)
        store = sampler.sample(graph.edge_index, count, nodes)
        width = tower.graph_model.in_channels
        if x is None:
            x = _features(graph, store, encoder, width)
        found = embed_subgraphs(tower, check_feature_rows(x, "x", rows=count, cols=width), store)
        self.embeddings_ = found.tower
        self.label_names_ = list(graph.label_names) if "label_names" in graph else []
        self.text_model_ = tower.text_model
        self.scale_ = float(tower.criterion.logit_scale.detach().exp())
        self._untrained = (found.own, found.mean)
        # Kept for the class sentences: loading it takes seconds, and it is asked again and again.
        self._encoder: AnyEncoder | None = encoder
        self.encoder_identity_ = identity_of(encoder)
        return self

    def predict(self, class_names: Names | None = None) -> Tensor:
        """Nearest class of every node.

        Args:
            class_names (Sequence[str] or Mapping[str, str], optional): At least two names, all
                different; a mapping adds a description to each. ``label_names_`` when missing.

        Returns:
            Tensor: Positions in ``class_names``, int64 ``(P,)``.

        Raises:
            sklearn.exceptions.NotFittedError: If there was no fit.
            TypeError, ValueError: If an argument is malformed, or no names are known.

        Warns:
            UserWarning: If the names of the graph, asked for by default, are numbers.
        """
        classes = self._classes(class_names)
        return (self._embeddings().mixed(self.mix) @ classes.t()).argmax(1)

    def predict_proba(self, class_names: Names | None = None) -> Tensor:
        """Softmax of the cosines with the classes, at the scale of the pretraining.

        Args:
            class_names (Sequence[str] or Mapping[str, str], optional): See :meth:`predict`.

        Returns:
            Tensor: Probabilities ``(P, C)``. They say which class is nearer, not how often that is
            right: nothing was calibrated.

        Raises:
            sklearn.exceptions.NotFittedError: If there was no fit.
            TypeError, ValueError: If an argument is malformed, or no names are known.
        """
        classes = self._classes(class_names)
        return class_probabilities(self._embeddings().mixed(self.mix), classes, self.scale_)

    def evaluate(
        self, y: Tensor, class_names: Names | None = None, *, mask: Tensor | None = None
    ) -> dict[str, Scores]:
        """Score the tower and, beside it, chance, the majority class and the frozen text encoder.

        Args:
            y (Tensor): Classes, integers ``(P,)``, positions in ``class_names``; anything where the
                mask is false, -1 where no class is known.
            class_names (Sequence[str] or Mapping[str, str], optional): See :meth:`predict`.
            mask (Tensor, optional): Nodes to score, bool ``(P,)``; all that have a class when
                missing.

        Returns:
            dict[str, dict[str, float]]: ``acc`` and ``f1`` (macro) by row; see
            :meth:`ZeroShotClassifier.evaluate`.

        Raises:
            sklearn.exceptions.NotFittedError: If there was no fit.
            TypeError, ValueError, IndexError: If an argument is malformed, or no names are known.

        Warns:
            UserWarning: If ``class_names`` are ``label_names_`` in another order: the numbers in
                ``y`` are most likely those of the graph.
        """
        classes = self._classes(class_names)
        known = self.label_names_
        given = list(known if class_names is None else class_names)
        if given != known and sorted(given) == sorted(known):
            warn_caller(
                f"class_names are the label_names_ of the graph in another order, {known!r:.200}: "
                "y must count as class_names do"
            )
        return compare(self._embeddings(), self.mix, classes, y, mask)

    # --- inside -----------------------------------------------------------------------------------

    def _check_parameters(self) -> None:
        check_choice(self.mix, "mix", get_args(Mix))
        check_sentences(self.templates, self.join)

    def _classes(self, given: Names | None) -> Tensor:
        self._check_fitted()
        self._check_parameters()
        if self.mix != "none" and None in self._untrained:
            width = self.embeddings_.size(1)
            raise ValueError(
                f"mix={self.mix!r} needs features of {width} columns, as the embeddings have, and "
                "those of the fit were not"
            )
        if given is None and not self.label_names_:
            raise ValueError("class_names must be given: the graph of fit brought no label_names")
        if given is None and all(name.isdecimal() for name in self.label_names_):
            warn_caller(
                "label_names_ are numbers, which say nothing about the classes: give class_names"
            )
        described = dict(given) if isinstance(given, Mapping) else None
        chosen: Any = self.label_names_ if given is None else given
        names = check_class_names(list(described) if described is not None else chosen)
        if self._encoder is None:  # a loaded object loads its encoder when it is asked first
            encoder = find_encoder(self.encoder, self.text_model_)
            check_same_encoder(encoder, self.encoder_identity_)
            self._encoder = encoder
        width = self.embeddings_.size(1)
        return embed_classes(self._encoder, names, self.templates, described, self.join, width)

    def _embeddings(self) -> Embeddings:
        return Embeddings(self.embeddings_, *self._untrained)

    # --- files ------------------------------------------------------------------------------------

    def _config(self) -> dict[str, Any]:
        config = super()._config() | {"templates": list(self.templates)}
        names = {k: v for k in ("model", "encoder") if isinstance(v := getattr(self, k), str)}
        return config | names

    def _arrays(self) -> dict[str, Tensor]:
        self._check_fitted()
        own, mean = self._untrained
        features = {} if own is None or mean is None else {"own": own, "mean": mean}
        return {"tower": self.embeddings_, **features}

    def _facts(self) -> dict[str, Any]:
        names = ("label_names_", "text_model_", "scale_", "encoder_identity_")
        return {name: getattr(self, name) for name in names}

    def _set_facts(self, facts: Mapping[str, Any]) -> None:
        super()._set_facts({"encoder_identity_": None, **facts})  # unknown to earlier versions
        for name in check_list(self.label_names_, "label_names_", "names"):
            check_text(name, "label_names_")
        check_text(self.text_model_, "text_model_")
        check_positive(self.scale_, "scale_")

    def _set_arrays(self, arrays: dict[str, Tensor]) -> None:
        self.embeddings_ = tower = check_matrix(arrays["tower"], "tower").float()
        rows, columns = tower.shape
        others = {k: v for k, v in arrays.items() if k != "tower"}
        found = {k: check_matrix(v, k, rows=rows, cols=columns).float() for k, v in others.items()}
        self._untrained = (found.get("own"), found.get("mean"))
        self._encoder = None


def _features(graph: TextGraph, store: SubgraphStore, encoder: AnyEncoder, width: int) -> Tensor:
    """Embeddings of all texts that lie in a subgraph, ``(N, D)``; zero rows elsewhere."""
    used = torch.from_numpy(np.unique(store.node).astype(np.int64))
    rows = embed(encoder, [graph.text[i] for i in used.tolist()], width)
    if used.numel() == len(graph.text):
        return rows
    return torch.zeros(len(graph.text), width, device="cpu").index_copy(0, used, rows)
