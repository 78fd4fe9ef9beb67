"""Zero-shot node classification with pretrained GraphCLIP models, one per seed.

Works on any folder with ``nodes.csv``, ``edges.csv``, ``classes.json`` and, if there is one,
``label_prompts.json``, and on ``python_stdlib``, which needs none. All labelled nodes are scored:
nothing is trained on them.

    python -m experiments.graphclip.zeroshot --preset cora --seeds 0:5
    python -m experiments.graphclip.zeroshot --graph path/to/folder --encoder hashing
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from .._harness import runner
from .._harness.context import Context
from .target import Mix, Target, TargetConfig, target_presets


@dataclass(frozen=True)
class Config(TargetConfig):
    """Paths of models and data, and the forms of the classifier.

    Attributes:
        mixes (tuple[str, ...]): What is added to the tower's embeddings: a row for each.
        protocol (str): How numbers come about.
    """

    mixes: tuple[Mix, ...] = ("none", "mean", "own+mean")
    protocol: str = "zero-shot, all labelled nodes, one prompt fixed beforehand"


PRESETS: dict[str, Config] = target_presets(Config)


def run(config: Config, context: Context) -> dict[str, dict[str, float]]:
    """Score one model on one graph."""
    target = Target(config, context.seed)
    store, y = target.labelled(target.set, target.x)
    rows: dict[str, dict[str, float]] = {}
    for mix in config.mixes:
        rows |= target.classifier(target.set, mix).evaluate(target.x, store, y)
    return rows


def main() -> NoReturn:
    """Run from the command line."""
    runner.main(run, Config, PRESETS)


if __name__ == "__main__":
    main()
