"""Classification of nodes by comparing their subgraphs with sentences about the classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
from graphlab.tag.graphclip._protocols import Encoder, check_texts, embed
from graphlab.tag.graphclip.model import GraphCLIP
from graphlab.tag.graphclip.store import SubgraphStore

__all__ = ["ZeroShotClassifier", "class_probabilities"]

Scores = dict[str, float]
_MIXES = ("none", "own", "mean", "own+mean")


def class_probabilities(graph_emb: Tensor, class_emb: Tensor, scale: float = 100.0) -> Tensor:
    """Softmax of scaled cosines between subgraphs ``(P, D)`` and classes ``(C, D)``; ``(P, C)``.

    Raises:
        TypeError, ValueError: If an argument is malformed.
    """
    check_matrix(graph_emb, "graph_emb")
    check_matrix(class_emb, "class_emb", cols=graph_emb.size(1))
    scale = check_positive(scale, "scale")
    return (scale * normalize(graph_emb) @ normalize(class_emb).t()).softmax(1)


class ZeroShotClassifier:
    """Says which class sentence is nearest, and what simpler ways would have said.

    Args:
        model (GraphCLIP): The pretrained tower.
        encoder (Encoder): The text encoder of its pretraining; has ``encode(list[str]) -> Tensor``.
        class_names (Sequence[str]): At least two, all different.
        templates (Sequence[str]): Sentences with ``{c}`` for the class; embeddings of several are
            averaged.
        descriptions (Mapping[str, str], optional): What to say about each class after the sentence.
        join (str): Between sentence and description.
        mix (str): What is added to the tower's unit embeddings before comparing: ``"none"``;
            ``"own"`` (the node's own features), ``"mean"`` (the mean over its subgraph) or
            ``"own+mean"``.

    Raises:
        TypeError, ValueError: If an argument is malformed, or the encoder's width is not the
        tower's.
    """

    def __init__(
        self,
        model: GraphCLIP,
        encoder: Encoder,
        class_names: Sequence[str],
        templates: Sequence[str] = ("{c}",),
        descriptions: Mapping[str, str] | None = None,
        *,
        join: str = ". ",
        mix: str = "none",
    ) -> None:
        self.model = model
        self.mix = check_choice(mix, "mix", _MIXES)
        self.class_names = check_texts(class_names, name="class_names")
        if len(self.class_names) < 2:
            raise ValueError(f"class_names must have at least two entries, got {self.class_names}")
        if len(set(self.class_names)) < len(self.class_names):
            raise ValueError(f"class_names must be different, got {self.class_names}")
        width = model.graph_model.out_channels
        if mix != "none" and model.graph_model.in_channels != width:
            raise ValueError(
                f"mix={mix!r} needs features of {width} columns, as the embeddings have, got a "
                f"tower with in_channels={model.graph_model.in_channels}"
            )
        self.class_embeddings = _class_embeddings(
            encoder, self.class_names, templates, descriptions, join, width
        )

    @torch.no_grad()
    def scores(self, x: Tensor, store: SubgraphStore) -> Tensor:
        """Cosines of every subgraph with every class, ``(P, C)``.

        Args:
            x (Tensor): Node features of the whole graph, ``(N, D)``.
            store (SubgraphStore): Subgraphs of the nodes in question.
        """
        embedding = normalize(self.model.encode(x, store))
        if self.mix != "none":
            own, mean = _baselines(x, store)
            embedding = embedding + (own if "own" in self.mix else 0)
            embedding = embedding + (mean if "mean" in self.mix else 0)
        return normalize(embedding) @ self.class_embeddings.t()

    def predict(self, x: Tensor, store: SubgraphStore) -> Tensor:
        """Return the nearest class of every subgraph, int64 ``(P,)``."""
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
    f1 = 2 * hit / (table.sum(0) + table.sum(1)).clamp(min=1)
    present = table.sum(1) > 0
    return {"acc": float(hit.sum() / y.numel()), "f1": float(f1[present].mean())}
