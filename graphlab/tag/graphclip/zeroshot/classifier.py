"""Classification of nodes by comparing their subgraphs with sentences about the classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, get_args

import torch
from torch import Tensor

from graphlab._checks import check_choice, check_matrix
from graphlab._estimator import Estimator
from graphlab._feature_rows import FeatureRows
from graphlab.tag._text_encoder import AnyEncoder
from graphlab.tag.graphclip.model import GraphCLIP, check_tower
from graphlab.tag.graphclip.store import SubgraphStore
from graphlab.tag.graphclip.zeroshot.class_sentences import (
    check_class_names,
    check_sentences,
    embed_classes,
)
from graphlab.tag.graphclip.zeroshot.embeddings import Mix, check_mix, embed_subgraphs
from graphlab.tag.graphclip.zeroshot.scores import Scores, compare

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["ZeroShotClassifier"]


class ZeroShotClassifier(Estimator):
    """Classifier by the nearest class sentence, beside what simpler ways would have said.

    There is nothing to train: the class sentences are embedded on first use, or by :meth:`fit`.

    Args:
        model (GraphCLIP): The pretrained tower. Like ``encoder``, it is not saved: give it to
            :meth:`load` again.
        encoder (TextEncoder, object or function): The text encoder of its pretraining: anything
            with ``encode(list[str]) -> (N, D)``, or such a function. A loaded classifier has its
            class sentences embedded, and needs none.
        class_names (Sequence[str]): At least two, all different.
        templates (Sequence[str]): Sentences with ``{c}`` for the class; embeddings of several are
            averaged.
        descriptions (Mapping[str, str], optional): Text about each class after the sentence.
        join (str): Between sentence and description.
        mix (str): Addition to the tower's unit embeddings before comparing: ``"none"``; ``"own"``
            (the node's own features), ``"mean"`` (the mean over its subgraph) or ``"own+mean"``.

    Attributes:
        class_embeddings_ (Tensor): Unit embeddings of the classes, ``(C, D)``.
    """

    _objects: ClassVar[tuple[str, ...]] = ("model", "encoder")

    def __init__(
        self,
        model: GraphCLIP,
        encoder: AnyEncoder | None,
        class_names: Sequence[str],
        templates: Sequence[str] = ("{c}",),
        descriptions: Mapping[str, str] | None = None,
        *,
        join: str = ". ",
        mix: Mix = "none",
    ) -> None:
        self.model = model
        self.encoder = encoder
        self.class_names = class_names
        self.templates = templates
        self.descriptions = descriptions
        self.join = join
        self.mix = mix

    def set_params(self, **params: Any) -> Self:
        """Replace parameters; the class sentences are embedded again on next use.

        Args:
            **params: New values by name.

        Returns:
            ZeroShotClassifier: This object.
        """
        super().set_params(**params)
        self.__dict__.pop("class_embeddings_", None)
        return self

    def fit(self, x: Any = None, store: Any = None, y: Any = None) -> Self:
        """Check the parameters and embed the class sentences.

        Args:
            x (object, optional): Not read.
            store (object, optional): Not read.
            y (object, optional): Not read.

        Returns:
            ZeroShotClassifier: This object.

        Raises:
            TypeError, ValueError: If a parameter is malformed, or the encoder's width is not the
                tower's.
        """
        self._check_parameters()
        if self.encoder is None:
            raise ValueError("encoder must be given to embed the class sentences")
        names, width = check_class_names(self.class_names), self.model.graph_model.out_channels
        self.class_embeddings_ = embed_classes(
            self.encoder, names, self.templates, self.descriptions, self.join, width
        )
        return self

    def _check_parameters(self) -> None:
        check_choice(self.mix, "mix", get_args(Mix))
        check_tower(self.model)
        check_class_names(self.class_names)
        check_mix(self.mix, self.model)
        check_sentences(self.templates, self.join)

    @property
    def class_embeddings(self) -> Tensor:
        """Unit embeddings of the classes, ``(C, D)``, made on first use; see :meth:`fit`."""
        if not hasattr(self, "class_embeddings_"):
            self.fit()
        return self.class_embeddings_

    @torch.no_grad()
    def scores(self, x: FeatureRows, store: SubgraphStore) -> Tensor:
        """Cosines of every subgraph with every class, ``(P, C)``.

        Args:
            x (Tensor or EmbeddingStore): Node features of the whole graph, ``(N, D)``.
            store (SubgraphStore): Subgraphs of the nodes in question.

        Returns:
            Tensor: Cosines ``(P, C)``.

        Raises:
            TypeError, ValueError: If a parameter or an argument is malformed.
        """
        self._check_parameters()
        classes = self.class_embeddings
        return embed_subgraphs(self.model, x, store).mixed(self.mix) @ classes.t()

    def predict(self, x: FeatureRows, store: SubgraphStore) -> Tensor:
        """Nearest class of every subgraph, int64 ``(P,)``; see :meth:`scores`.

        Args:
            x (Tensor or EmbeddingStore): Node features of the whole graph, ``(N, D)``.
            store (SubgraphStore): Subgraphs of the nodes in question.
        """
        return self.scores(x, store).argmax(1)

    def predict_proba(self, x: FeatureRows, store: SubgraphStore) -> Tensor:
        """Softmax of the cosines with the classes at the scale of the pretraining, ``(P, C)``.

        Args:
            x (Tensor or EmbeddingStore): Node features of the whole graph, ``(N, D)``.
            store (SubgraphStore): Subgraphs of the nodes in question.
        """
        scale = float(self.model.criterion.logit_scale.detach().exp())
        return (scale * self.scores(x, store)).softmax(1)

    def evaluate(
        self, x: FeatureRows, store: SubgraphStore, y: Tensor, mask: Tensor | None = None
    ) -> dict[str, Scores]:
        """Score the tower and, beside it, chance, the majority class and the frozen text encoder.

        Args:
            x (Tensor or EmbeddingStore): Node features of the whole graph, embeddings by the same
                text encoder.
            store (SubgraphStore): One subgraph for every entry of ``y``.
            y (Tensor): Classes, integers ``(P,)``, in the order of ``class_names``; anything where
                the mask is false, -1 where no class is known.
            mask (Tensor, optional): Which subgraphs to score, bool ``(P,)``; all that have a class
                when missing.

        Returns:
            dict[str, dict[str, float]]: ``acc`` and ``f1`` (macro) of the rows ``graphclip``,
            ``chance``, ``majority``, ``own text``, ``subgraph mean`` and ``own + mean``. Where the
            tower is mixed with features its row is named ``graphclip + ...``. Rows of the features
            alone are left out where these have another width than the class sentences.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed.
        """
        self._check_parameters()
        classes = self.class_embeddings
        return compare(embed_subgraphs(self.model, x, store), self.mix, classes, y, mask)

    # --- files ------------------------------------------------------------------------------------

    def _config(self) -> dict[str, Any]:
        config = super()._config() | {"encoder": None}
        for name in ("class_names", "templates"):
            config[name] = list(config[name])
        if self.descriptions is not None:
            config["descriptions"] = dict(self.descriptions)
        return config

    def _arrays(self) -> dict[str, Tensor]:
        return {"class_embeddings": self.class_embeddings}

    def _set_arrays(self, arrays: dict[str, Tensor]) -> None:
        count, width = len(self.class_names), self.model.graph_model.out_channels
        self.class_embeddings_ = check_matrix(
            arrays["class_embeddings"], "class_embeddings", rows=count, cols=width
        ).float()
