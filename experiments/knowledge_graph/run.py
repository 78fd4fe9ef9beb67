"""Completion of knowledge graphs by one product of two maps, beside a table of frequencies.

Every training begins with the triples and their reverses; the epoch with the best filtered
reciprocal rank of the validation triples is kept, and the test triples are ranked once. Validation
is filtered by the triples of training and validation, the test by all. ``mrr`` puts the answer in
the middle of its ties, ``mrr pessimistic`` behind them, as the published programs of NFE do, and
``mrr optimistic`` before them. The model-free row ranks tails by how often they follow the relation
in training (heads alike): no learned row means much without it.

``python_stdlib``: classes of Python's builtins and abstract collections, their bases, modules and
methods; an eighth of the triples each for validation and test.

    python -m experiments.knowledge_graph --preset umls --seeds 0:5
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import NoReturn

import torch
from torch import Tensor

from graphlab.datasets import TripleDataset, python_classes
from graphlab.embed import KGEmbedding, KGETrainConfig
from graphlab.evaluate import Ranks, rank_metrics

from .._harness import runner
from .._harness.context import Context
from .frequency import frequency_ranks
from .presets import METHODS, PRESETS, PUBLISHED, Config, Method

_BASELINE = "frequency of tails"


@dataclass(frozen=True)
class Splits:
    """A knowledge graph with its three parts.

    Attributes:
        num_nodes (int): Number of entities.
        num_relations (int): Number of relations.
        train (tuple[Tensor, Tensor]): ``edge_index`` and ``edge_type`` of the training triples.
        valid (tuple[Tensor, Tensor]): Those of validation.
        test (tuple[Tensor, Tensor]): Those of the test.
    """

    num_nodes: int
    num_relations: int
    train: tuple[Tensor, Tensor]
    valid: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]


def run(config: Config, context: Context) -> dict[str, dict[str, float]]:
    """Train every method on one seed, and rank the test triples."""
    splits = load(config, context.seed)
    saved = context.restore()
    rows: dict[str, dict[str, float]] = {} if saved is None else saved.state["rows"]
    if _BASELINE not in rows:
        rows[_BASELINE] = scores(frequency_ranks(splits.num_nodes, splits.num_relations, splits))
    for step, name in enumerate(config.methods):
        if name in rows:
            continue
        rows[name] = train(config, context, splits, name, METHODS[name])
        # A whole method is the unit of a resume; long ones have checkpoints of their own.
        context.checkpoint(step, {}, {"rows": rows})
    context.bars("mrr", rows, "mrr", "filtered mean reciprocal rank")
    return rows


def train(
    config: Config, context: Context, splits: Splits, name: str, method: Method
) -> dict[str, float]:
    """One row: the training with its validation, and the test."""
    begin = time.process_time()
    model = KGEmbedding(
        splits.num_nodes,
        splits.num_relations,
        method.width * config.hidden_channels,
        method.model,  # type: ignore[arg-type]
        gamma=config.gamma if method.gamma else 0.0,
        init_scale=config.init_scale,
        train_config=KGETrainConfig(
            method.loss,
            epochs=config.epochs,
            batch_size=config.batch_size,
            lr=config.lr,
            decay=config.decay,
            optimizer=config.optimizer,
            n3=config.n3,
            valid_every=config.valid_every,
            patience=config.patience,
        ),
        seed=context.seed,
    ).to(context.device)
    model.fit(
        *splits.train,
        valid=splits.valid,
        directory=context.directory / "training" / method.model if config.checkpoints else None,
    )
    seconds = time.process_time() - begin
    for row in model.history_:
        named = {f"{name}: {key}": row[key] for key in ("loss", "mrr") if key in row}
        context.log(row["epoch"], **named)
    ranks = model.rank(*splits.test, known=[splits.train, splits.valid, splits.test])
    best = max((row for row in model.history_ if "mrr" in row), key=lambda row: row["mrr"])
    return scores(ranks) | {
        "validation mrr": best["mrr"],
        "epoch": float(model.best_epoch_),
        "cpu seconds": seconds,
    }


def scores(ranks: Ranks) -> dict[str, float]:
    """Figures in the middle of ties, and the reciprocal rank by the other two rules."""
    found = rank_metrics(ranks)
    other = {tie: rank_metrics(ranks, tie=tie)["mrr"] for tie in ("pessimistic", "optimistic")}  # type: ignore[arg-type]
    return found | {f"mrr {tie}": value for tie, value in other.items()}


def load(config: Config, seed: int) -> Splits:
    """The triples in their three parts."""
    if config.dataset == "python_stdlib":
        data, names = python_classes()
        order = torch.randperm(data.num_edges, generator=torch.Generator().manual_seed(seed))
        eighth = data.num_edges // 8
        parts = order.split([data.num_edges - 2 * eighth, eighth, eighth])
        train, valid, test = ((data.edge_index[:, p], data.edge_type[p]) for p in parts)
        return Splits(data.num_nodes, len(names.relations), train, valid, test)
    dataset = TripleDataset(config.root, config.dataset, source=config.source)
    train, valid, test = (dataset.triples(name) for name in ("train", "valid", "test"))  # type: ignore[arg-type]
    return Splits(dataset[0].num_nodes, dataset.num_relations, train, valid, test)


def main() -> NoReturn:
    """Run from the command line."""
    runner.main(run, Config, PRESETS, PUBLISHED)
