"""Classification of nodes by comparing their subgraphs with sentences about the classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

import torch
from torch import Tensor
from torch.nn.functional import normalize

from graphlab._checks import (
    check_choice,
    check_index,
    check_matrix,
    check_positive,
    check_tensor,
)
from graphlab._estimator import Estimator
from graphlab.tag._texts import check_texts
from graphlab.tag.graphclip._protocols import Encoder, embed
from graphlab.tag.graphclip.model import GraphCLIP
from graphlab.tag.graphclip.store import SubgraphStore

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["ZeroShotClassifier", "class_probabilities"]

Scores = dict[str, float]
Mix = Literal["none", "own", "mean", "own+mean"]


def class_probabilities(graph_emb: Tensor, class_emb: Tensor, scale: float = 100.0) -> Tensor:
    """Softmax of scaled cosines between subgraphs and classes.

    Args:
        graph_emb (Tensor): Embeddings of subgraphs, ``(P, D)``.
        class_emb (Tensor): Embeddings of class sentences, ``(C, D)``.
        scale (float): Factor of the cosines, above 0.

    Returns:
        Tensor: Probabilities ``(P, C)``.

    Raises:
        TypeError, ValueError: If an argument is malformed.
    """
    check_matrix(graph_emb, "graph_emb")
    check_matrix(class_emb, "class_emb", cols=graph_emb.size(1))
    scale = check_positive(scale, "scale")
    return (scale * normalize(graph_emb) @ normalize(class_emb).t()).softmax(1)


class ZeroShotClassifier(Estimator):
    """Classifier by the nearest class sentence, beside what simpler ways would have said.

    There is nothing to train: the class sentences are embedded on first use, or by :meth:`fit`.

    Args:
        model (GraphCLIP): The pretrained tower. Like ``encoder``, it is not saved: give it to
            :meth:`load` again.
        encoder (Encoder): The text encoder of its pretraining; has ``encode(list[str]) -> Tensor``.
            A loaded classifier has its class sentences embedded, and needs none.
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
        encoder: Encoder | None,
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
        check_choice(self.mix, "mix", get_args(Mix))
        names = check_texts(self.class_names, name="class_names")
        if len(names) < 2:
            raise ValueError(f"class_names must have at least two entries, got {names}")
        if len(set(names)) < len(names):
            raise ValueError(f"class_names must be different, got {names}")
        tower = self.model.graph_model
        if self.mix != "none" and tower.in_channels != tower.out_channels:
            raise ValueError(
                f"mix={self.mix!r} needs features of {tower.out_channels} columns, as the "
                f"embeddings have, got a tower with in_channels={tower.in_channels}"
            )
        if self.encoder is None:
            raise ValueError("encoder must be given to embed the class sentences")
        self.class_embeddings_ = _class_embeddings(
            self.encoder, names, self.templates, self.descriptions, self.join, tower.out_channels
        )
        return self

    @property
    def class_embeddings(self) -> Tensor:
        """Unit embeddings of the classes, ``(C, D)``, made on first use; see :meth:`fit`."""
        if not hasattr(self, "class_embeddings_"):
            self.fit()
        return self.class_embeddings_

    @torch.no_grad()
    def scores(self, x: Tensor, store: SubgraphStore) -> Tensor:
        """Cosines of every subgraph with every class, ``(P, C)``.

        Args:
            x (Tensor): Node features of the whole graph, ``(N, D)``.
            store (SubgraphStore): Subgraphs of the nodes in question.

        Returns:
            Tensor: Cosines ``(P, C)``.

        Raises:
            TypeError, ValueError: If a parameter or an argument is malformed.
        """
        classes = self.class_embeddings
        embedding = normalize(self.model.encode(x, store))
        if self.mix != "none":
            own, mean = _baselines(x, store)
            embedding = embedding + (own if "own" in self.mix else 0)
            embedding = embedding + (mean if "mean" in self.mix else 0)
        return normalize(embedding) @ classes.t()

    def predict(self, x: Tensor, store: SubgraphStore) -> Tensor:
        """Nearest class of every subgraph, int64 ``(P,)``; see :meth:`scores`.

        Args:
            x (Tensor): Node features of the whole graph, ``(N, D)``.
            store (SubgraphStore): Subgraphs of the nodes in question.
        """
        return self.scores(x, store).argmax(1)

    def evaluate(
        self, x: Tensor, store: SubgraphStore, y: Tensor, mask: Tensor | None = None
    ) -> dict[str, Scores]:
        """Score the tower and, beside it, chance, the majority class and the frozen text encoder.

        Args:
            x (Tensor): Node features of the whole graph, embeddings by the same text encoder.
            store (SubgraphStore): One subgraph for every entry of ``y``.
            y (Tensor): Classes, integers ``(P,)``, in the order of ``class_names``; anything where
                the mask is false.
            mask (Tensor, optional): Which subgraphs to score, bool ``(P,)``; all when missing.

        Returns:
            dict[str, dict[str, float]]: ``acc`` and ``f1`` (macro) of the rows ``graphclip``,
            ``chance``, ``majority``, ``own text``, ``subgraph mean`` and ``own + mean``. Where the
            tower is mixed with features its row is named ``graphclip + ...``. Rows of the features
            alone are left out where these have another width than the class sentences.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed.
        """
        chosen = torch.ones(len(store), dtype=torch.bool) if mask is None else mask.cpu()
        if chosen.dtype != torch.bool or chosen.shape != (len(store),) or not bool(chosen.any()):
            raise ValueError(f"mask must be bool of shape ({len(store)},) with at least one true")
        y = check_tensor(y, "y").cpu()
        if mask is not None and y.shape == chosen.shape:
            y = torch.where(chosen, y, 0)  # nodes without a class are what masks leave out
        y = check_index(y, len(self.class_names), "y", length=len(store))
        texts = self.class_embeddings
        name = "graphclip" if self.mix == "none" else f"graphclip + {self.mix}"
        predictions = {name: self.predict(x, store)}
        if x.size(1) == texts.size(1):  # else they are not in the space of the class sentences
            own, mean = _baselines(x, store)
            predictions["own text"] = (own @ texts.t()).argmax(1)
            predictions["subgraph mean"] = (mean @ texts.t()).argmax(1)
            predictions["own + mean"] = ((own + mean) @ texts.t()).argmax(1)
        predictions["majority"] = torch.full_like(y, int(torch.bincount(y[chosen]).argmax()))
        count = len(self.class_names)
        scores = {k: _score(y[chosen], p[chosen], count) for k, p in predictions.items()}
        scores["chance"] = {"acc": 1 / count, "f1": 1 / count}
        return scores

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
        self.class_embeddings_ = arrays["class_embeddings"]


def _class_embeddings(
    encoder: Encoder,
    names: list[str],
    templates: Sequence[str],
    descriptions: Mapping[str, str] | None,
    join: str,
    width: int,
) -> Tensor:
    if isinstance(templates, str) or not templates:
        raise TypeError(f"templates must be a list of at least one string, got {templates!r}")
    if descriptions is not None:
        missing = sorted(set(names) - set(descriptions))
        if missing:
            raise ValueError(f"descriptions must cover every class, but lack {missing}")
    total = torch.zeros(len(names), width)
    for template in templates:
        if "{c}" not in template:
            raise ValueError(f"templates must contain {{c}} for the class, got {template!r}")
        sentences = [template.replace("{c}", name) for name in names]
        if descriptions is not None:
            sentences = [s + join + descriptions[n] for s, n in zip(sentences, names, strict=True)]
        # Unit vectors: a template with long embeddings would outweigh the others.
        total = total + normalize(embed(encoder, sentences, width))
    return normalize(total)


def _baselines(x: Tensor, store: SubgraphStore) -> tuple[Tensor, Tensor]:
    """Unit features of the roots, and unit means over their subgraphs."""
    rows = x.detach().float().cpu()
    means = torch.empty(len(store), x.size(1))
    for part in torch.arange(len(store)).split(4096):
        batch = store.batch(part)
        total = torch.zeros(part.numel(), x.size(1)).index_add(0, batch.batch, rows[batch.node])
        means[part] = total / store.sizes[part, None]
    return normalize(rows[store.center]), normalize(means)


def _score(y: Tensor, predicted: Tensor, count: int) -> Scores:
    """Accuracy, and F1 averaged over the classes that occur."""
    table = torch.bincount(y * count + predicted, minlength=count * count).view(count, count)
    hit = table.diagonal().double()
    # 2 TP / (2 TP + FP + FN); the clamp leaves classes without any at zero.
    f1 = 2 * hit / (table.sum(0) + table.sum(1)).clamp(min=1)
    present = table.sum(1) > 0
    return {"acc": float(hit.sum() / y.numel()), "f1": float(f1[present].mean())}
