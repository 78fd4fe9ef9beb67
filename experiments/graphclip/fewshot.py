"""Few-shot prompt tuning of pretrained GraphCLIP models, one per seed.

``shots`` nodes per class are drawn at random; all other labelled nodes are scored, for the tuned
prompts, for the zero-shot classifier and for logistic regression on the shots alike.

There is no validation set on the target, and its labels choose nothing. The settings of the prompts
are chosen per model on another graph: of :func:`candidates`, the one with the highest accuracy on
the classes of ``tune_on``, a graph of the pretraining, with as many shots per class drawn there;
and once more among prompts of nodes alone, the form the paper describes. With ``--tune-on none``
the library's defaults are used as they are.

    python -m experiments.graphclip.fewshot --preset cora --seeds 0:5
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import NoReturn

import torch

from graphlab._io import user_path

from .._data.stdlib import with_default_encoder
from .._data.text_sets import EMBEDDED
from .._harness import runner
from .._harness.context import Context
from .._harness.results import Rows
from .shots import Settings, Task, draw_shots, others, probe, scores, tuned
from .target import Target, TargetConfig, target_presets


@dataclass(frozen=True)
class Config(TargetConfig):
    """Shots, and what the settings of the prompts are chosen from.

    Attributes:
        shots (tuple[int, ...]): Labelled nodes per class.
        tune_on (str): Labelled graph that settings are chosen on, or ``none``; never the target.
        tune_queries (int): Nodes of that graph that are scored.
        num_prompts (int): Prompts of nodes.
        lrs (tuple[float, ...]): Learning rates of prompts of nodes to choose from.
        epochs (tuple[int, ...]): Numbers of their steps to choose from.
        weight_decays (tuple[float, ...]): Their weight decays to choose from.
        class_pulls (tuple[float, ...]): How strongly prompts of classes are pulled to zero, to
            choose from.
        protocol (str): How numbers come about.
    """

    shots: tuple[int, ...] = (1, 5, 10)
    tune_on: str = "data/text_graphs/citeseer_m10"
    tune_queries: int = 1000
    num_prompts: int = 4
    lrs: tuple[float, ...] = (1e-3, 1e-2)
    epochs: tuple[int, ...] = (100,)
    weight_decays: tuple[float, ...] = (1e-2, 1.0)
    class_pulls: tuple[float, ...] = (0.1, 1.0)
    protocol: str = "settings chosen on another graph; scored on all labelled nodes but the shots"


DEFAULTS = "the library's settings; scored on all labelled nodes but the shots"


PRESETS: dict[str, Config] = target_presets(Config)


# Nothing else may be at hand there.
PRESETS["python_stdlib"] = with_default_encoder(
    replace(PRESETS["python_stdlib"], tune_on="none", protocol=DEFAULTS)
)


def candidates(config: Config) -> dict[str, list[Settings]]:
    """Settings to choose from: prompts of classes, and of nodes alone."""
    nodes = itertools.product(config.lrs, config.epochs, config.weight_decays)
    return {
        "classes": [{"num_prompts": 0, "class_pull": pull} for pull in config.class_pulls],
        "nodes alone": [
            {"num_prompts": config.num_prompts, "class_pull": None}
            | {"lr": lr, "epochs": epochs, "weight_decay": decay}
            for lr, epochs, decay in nodes
        ],
    }


def choose(config: Config, target: Target, count: int, seed: int) -> dict[str, Settings]:
    """The settings with the highest accuracy on the other graph, of all and of a kind alone."""
    if config.tune_on == "none":
        return {"prompts": {}}
    if config.tune_on == config.graph:
        raise ValueError(f"tune_on must be another graph than the target, got {config.tune_on!r}")
    task = Task.build(target, *target.read(config.tune_on, config.embeddings))
    shots = draw_shots(task.y, count, seed)
    rest = others(task.y, shots)
    order = torch.randperm(rest.numel(), generator=torch.Generator().manual_seed(seed))
    queries = task.part(rest[order[: config.tune_queries]])

    def score(settings: Settings) -> float:
        tuner = tuned(target, task.part(shots), settings, seed)
        return float((tuner.predict(queries.x, queries.store) == queries.y).double().mean())

    # Of equal ones the first.
    kinds = candidates(config)
    best = {kind: max(((score(s), i) for i, s in enumerate(given)), key=lambda pair: pair[0])
            for kind, given in kinds.items()}  # fmt: skip
    winner = max(best, key=lambda kind: best[kind][0])
    return {
        "prompts": kinds[winner][best[winner][1]],
        "prompts of nodes alone": kinds["nodes alone"][best["nodes alone"][1]],
    }


def run(config: Config, context: Context) -> Rows:
    """Tune the prompts of one model for every number of shots."""
    if config.tune_on not in ("none", EMBEDDED) and not user_path(config.tune_on).exists():
        raise FileNotFoundError(
            f"there is no graph {config.tune_on} to choose settings on: name one by --tune-on, or "
            "take the library's settings: --tune-on none"
        )
    target = Target(config, context.seed)
    task = Task.build(target, target.set, target.x)
    start = target.classifier(target.set).predict(task.x, task.store)
    rows: Rows = {}
    for count in context.progress(config.shots, desc="shots"):
        shots = draw_shots(task.y, count, context.seed)
        rest = others(task.y, shots)
        before = scores(task.y[rest], start[rest])
        for name, settings in choose(config, target, count, context.seed).items():
            tuner = tuned(target, task.part(shots), settings, context.seed)
            after = scores(task.y[rest], tuner.predict(task.x, task.store)[rest])
            after["gain"] = after["acc"] - before["acc"]
            rows[f"{count}-shot {name}"] = after
            numbers = {k: float(v) for k, v in settings.items() if v is not None}
            rows[f"settings of {count}-shot {name}"] = numbers
        rows[f"zero-shot, same nodes as {count}-shot"] = before
        if task.y[shots].unique().numel() > 1:
            linear = scores(task.y[rest], probe(task, shots, rest))
            rows[f"own text + mean, {count}-shot logistic regression"] = linear
    return {name: row for name, row in rows.items() if row}


def main() -> NoReturn:
    """Run from the command line."""
    runner.main(run, Config, PRESETS)


if __name__ == "__main__":
    main()
