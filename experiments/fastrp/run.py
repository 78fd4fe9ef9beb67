"""Multilabel node classification with FastRP on BlogCatalog, Wikipedia-POS and DBLP.

A seed is one shuffle of the nodes: the first p N of them train, the others test, for every p of
``ratios``. The degree exponent and the last weight are chosen on nodes that train at the smallest
ratio: four fifths of them fit, one fifth validates. No test label is read before the table.

Scores: ``micro`` and ``macro`` predict as many labels as a test node truly has, the convention of
the literature, which leaks that number; ``micro_t`` and ``macro_t`` cut at probability one half and
know nothing. Published figures stand beside the first two. They were tuned on test nodes.

    python -m experiments.fastrp --preset blogcatalog_multilabel --seeds 0:5
"""

from __future__ import annotations

import time
from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor

from graphlab.datasets import MultilabelDataset, digits_knn
from graphlab.embed import FastRP
from graphlab.evaluate import multilabel_probe

from .._harness import runner
from .._harness.context import Context
from .presets import AUTHORS, PRESETS, PUBLISHED, Config, label


def run(config: Config, context: Context) -> dict[str, dict[str, float]]:
    """Embed and score one shuffle."""
    data = load(config).to(context.device)
    order = torch.from_numpy(np.random.RandomState(context.seed).permutation(data.num_nodes))
    chosen, scores = tune(config, data, order, context)
    context.log(0, beta=chosen[0], last_weight=chosen[1], validation_macro=scores[chosen])
    rows: dict[str, dict[str, float]] = {}
    for method, setting in (("authors' setting", AUTHORS), ("tuned on validation", chosen)):
        begin = time.perf_counter()
        z = embedding(config, data, *setting, seed=context.seed)
        seconds = time.perf_counter() - begin
        for ratio in context.progress(config.ratios, desc=method):
            rows[label(method, ratio)] = score(config, z, data.y, order, ratio) | {
                "seconds": seconds,
                "beta": setting[0],
                "last_weight": setting[1],
            }
    for ratio in config.ratios:
        guess = torch.zeros(data.num_nodes, 1)  # constant features: label frequencies alone
        rows[label("most frequent labels", ratio)] = score(config, guess, data.y, order, ratio)
    return rows


def tune(
    config: Config, data: Any, order: Tensor, context: Context
) -> tuple[tuple[float, float], dict[tuple[float, float], float]]:
    """Choose exponent and weight by macro-F1 on a fifth of the smallest train part."""
    count = int(min(config.ratios) * data.num_nodes)
    border = count - max(1, count // 5)  # four fifths fit, one fifth validates
    fit, validate = order[:border], order[border:count]
    scores = {}
    for beta in context.progress(config.betas, desc="tuning"):
        # Powers are computed once per exponent; every weight merges the same ones.
        model = FastRP(
            config.dim,
            beta=beta,
            projection=config.projection,
            standardize=config.standardize,
            seed=context.seed,
        )
        powers = model.propagate(data)
        for last_weight in config.last_weights:
            z = model.merge(powers, (0.0, 0.0, 1.0, last_weight))
            result = multilabel_probe(z, data.y, fit, validate, c=config.c)
            scores[beta, last_weight] = result.macro_f1
    # The first maximum: ties go to the earlier setting, not to a draw.
    return max(scores, key=scores.__getitem__), scores


def embedding(config: Config, data: Any, beta: float, last_weight: float, seed: int) -> Tensor:
    """Embeddings with the weights 0, 0, 1 and the given one."""
    model = FastRP(
        config.dim,
        weights=(0.0, 0.0, 1.0, last_weight),
        beta=beta,
        projection=config.projection,
        standardize=config.standardize,
        seed=seed,
    )
    return model.fit_transform(data)


def score(config: Config, z: Tensor, y: Tensor, order: Tensor, ratio: float) -> dict[str, float]:
    """Scores on all nodes that do not train."""
    count = int(ratio * z.size(0))
    result = multilabel_probe(z, y, order[:count], order[count:], c=config.c)
    return {
        "micro": result.micro_f1,
        "macro": result.macro_f1,
        "micro_t": result.micro_f1_threshold,
        "macro_t": result.macro_f1_threshold,
    }


def load(config: Config) -> Any:
    """The graph with its labels; ``digits`` is the embedded one, with one label per node."""
    if config.dataset == "digits":
        data = digits_knn()
        data.y = torch.nn.functional.one_hot(data.y).bool()
        return data
    return MultilabelDataset(config.root, config.dataset, source=config.source)[0]


def main() -> NoReturn:
    """Run from the command line."""
    runner.main(run, Config, PRESETS, PUBLISHED)
