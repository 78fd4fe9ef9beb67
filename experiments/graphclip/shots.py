"""Shots, what is learned from them, and how it is scored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from graphlab.tag import PromptTuner
from graphlab.tag.graphclip import SubgraphStore

from .._data.text_sets import TextSet
from .target import Target

Settings = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """Labelled subgraphs of one graph, and their classes in words."""

    x: Tensor
    store: SubgraphStore
    y: Tensor
    classes: Tensor

    @staticmethod
    def build(target: Target, graph: TextSet, x: Tensor) -> Task:
        """Sample the subgraphs and embed the classes."""
        store, y = target.labelled(graph, x)
        return Task(x, store, y, target.classifier(graph).class_embeddings)

    def part(self, index: Tensor) -> Task:
        """Some of the subgraphs."""
        return Task(self.x, self.store.select(index), self.y[index], self.classes)


def draw_shots(y: Tensor, count: int, seed: int) -> Tensor:
    """At most ``count`` nodes of every class, at random."""
    order = torch.randperm(y.numel(), generator=torch.Generator().manual_seed(seed))
    return torch.cat([order[y[order] == c][:count] for c in y.unique().tolist()])


def others(y: Tensor, shots: Tensor) -> Tensor:
    """All nodes but the shots."""
    rest = torch.ones_like(y, dtype=torch.bool)
    rest[shots] = False
    return rest.nonzero().squeeze(1)


def tuned(target: Target, shots: Task, settings: Settings, seed: int) -> PromptTuner:
    """Prompts learned from the shots."""
    tuner = PromptTuner(target.model, shots.classes, seed=seed, **settings)
    return tuner.fit(shots.x, shots.store, shots.y)


def probe(task: Task, shots: Tensor, rest: Tensor) -> Tensor:
    """Logistic regression on the frozen text of the node and of its subgraph."""
    from sklearn.linear_model import LogisticRegression

    rows = torch.empty(len(task.store), 2 * task.x.size(1))
    for i in range(len(task.store)):
        part = task.store[i]
        own, mean = task.x[part.node[part.root]], task.x[part.node].mean(0)
        rows[i] = torch.cat([normalize(own, dim=0), normalize(mean, dim=0)])
    features = rows.numpy()
    fitted = LogisticRegression(max_iter=1000).fit(features[shots.numpy()], task.y[shots].numpy())
    return torch.from_numpy(np.asarray(fitted.predict(features[rest.numpy()])))


def scores(y: Tensor, predicted: Tensor) -> dict[str, float]:
    """Accuracy, and F1 averaged over the classes that occur."""
    from sklearn.metrics import f1_score

    present = y.unique().numpy()
    macro = f1_score(y.numpy(), predicted.numpy(), labels=present, average="macro", zero_division=0)
    return {"acc": float((y == predicted).double().mean()), "f1": float(macro)}
