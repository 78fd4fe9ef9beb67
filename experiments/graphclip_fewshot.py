"""Few-shot prompt tuning of pretrained GraphCLIP models, one per seed.

``shots`` nodes per class are drawn at random; all other labelled nodes are scored, for the tuned
prompts, for the zero-shot classifier and for logistic regression on the shots alike.

There is no validation set on the target, and its labels choose nothing. The settings of the prompts
are chosen per model on another graph: of ``candidates``, the one with the highest accuracy on the
classes of ``tune_on``, a graph of the pretraining, with as many shots per class drawn there. With
``--tune-on none`` the library's defaults are used as they are.

    python -m experiments.graphclip_fewshot --preset cora --seeds 0:5
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from experiments._context import Context
from experiments._graphclip import Target, TargetConfig, target_presets
from experiments._runner import main
from experiments._text_sets import TextSet
from graphlab.tag import PromptTuner, SubgraphStore

Rows = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Config(TargetConfig):
    """Shots, and what the settings of the prompts are chosen from.

    Attributes:
        shots: Labelled nodes per class.
        tune_on: Labelled graph that settings are chosen on, or ``none``; never the target.
        tune_queries: Nodes of that graph that are scored.
        lrs: Learning rates to choose from.
        epochs: Numbers of steps to choose from.
        weight_decays: Weight decays to choose from.
        protocol: How numbers come about.
    """

    shots: tuple[int, ...] = (1, 5, 10)
    tune_on: str = "data/text_graphs/citeseer_m10"
    tune_queries: int = 1000
    lrs: tuple[float, ...] = (1e-3, 1e-2)
    epochs: tuple[int, ...] = (30, 100)
    weight_decays: tuple[float, ...] = (1e-2, 1.0)
    protocol: str = "settings chosen on another graph; scored on all labelled nodes but the shots"


PRESETS: dict[str, Config] = target_presets(Config)


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


def tuned(target: Target, shots: Task, settings: dict[str, Any], seed: int) -> PromptTuner:
    """Prompts learned from the shots."""
    tuner = PromptTuner(target.model, shots.classes, seed=seed, **settings)
    return tuner.fit(shots.x, shots.store, shots.y)


def choose(config: Config, target: Target, count: int, seed: int) -> dict[str, Any]:
    """The settings with the highest accuracy on the other graph; ties go to the first."""
    if config.tune_on == "none":
        return {}
    if config.tune_on == config.graph:
        raise ValueError(f"tune_on must be another graph than the target, got {config.tune_on!r}")
    task = Task.build(target, *target.read(config.tune_on, config.embeddings))
    shots = draw_shots(task.y, count, seed)
    rest = others(task.y, shots)
    order = torch.randperm(rest.numel(), generator=torch.Generator().manual_seed(seed))
    queries = task.part(rest[order[: config.tune_queries]])
    best, best_score = {}, -1.0
    grid = itertools.product(config.lrs, config.epochs, config.weight_decays)
    for lr, epochs, decay in grid:
        settings = {"lr": lr, "epochs": epochs, "weight_decay": decay}
        tuner = tuned(target, task.part(shots), settings, seed)
        score = float((tuner.predict(queries.x, queries.store) == queries.y).double().mean())
        if score > best_score:
            best, best_score = settings, score
    return best


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


def run(config: Config, context: Context) -> Rows:
    """Tune the prompts of one model for every number of shots."""
    target = Target(config, context.seed)
    task = Task.build(target, target.set, target.x)
    start = target.classifier(target.set).predict(task.x, task.store)
    rows: Rows = {}
    for count in context.progress(config.shots, desc="shots"):
        settings = choose(config, target, count, context.seed)
        shots = draw_shots(task.y, count, context.seed)
        rest = others(task.y, shots)
        tuner = tuned(target, task.part(shots), settings, context.seed)
        before = scores(task.y[rest], start[rest])
        after = scores(task.y[rest], tuner.predict(task.x, task.store)[rest])
        after["gain"] = after["acc"] - before["acc"]
        rows[f"{count}-shot prompts"] = after
        rows[f"zero-shot, same nodes as {count}-shot"] = before
        if task.y[shots].unique().numel() > 1:
            linear = scores(task.y[rest], probe(task, shots, rest))
            rows[f"own text + mean, {count}-shot logistic regression"] = linear
        rows[f"settings of {count}-shot"] = {k: float(v) for k, v in settings.items()}
    return {name: row for name, row in rows.items() if row}


if __name__ == "__main__":
    main(run, Config, PRESETS)
