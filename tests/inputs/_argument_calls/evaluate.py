"""One working call of public functions of ``evaluate`` and ``hyper``, with its arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from graphlab import evaluate, hyper
from tests.test_inputs import HYPEREDGES, NODES, PLAIN, features, generator

Call = tuple[Callable[..., Any], dict[str, Any]]

X = features()
Y = torch.arange(NODES) % 2
LABELS = torch.stack([Y, 1 - Y, torch.ones(NODES, dtype=torch.long)], dim=1).bool()
MASKS = {name: torch.arange(NODES) % 3 == i for i, name in enumerate(("train", "val", "test"))}
MANY = torch.arange(60) % 3
COUNTS = [torch.tensor(counts) for counts in ([0, 2], [1, 0], [10, 10])]


def ranks() -> evaluate.Ranks:
    return evaluate.Ranks(*COUNTS)


def sets() -> Any:
    return hyper.maximal_cliques(PLAIN, NODES)


def sampler() -> Any:
    return hyper.CliqueSampler(8).fit(HYPEREDGES, NODES, sets())


CALLS: dict[str, Callable[[], Call]] = {
    "Ranks.rank": lambda: (ranks().rank, {"tie": "realistic"}),
    "rank_metrics": lambda: (
        evaluate.rank_metrics,
        {"ranks": ranks(), "tie": "realistic", "k": (1, 3)},
    ),
    "filtered_ranks": lambda: (
        evaluate.filtered_ranks,
        {"query": X, "entity": X, "truth": torch.arange(NODES)},
    ),
    "answer_scores": lambda: (
        evaluate.answer_scores,
        {"predicted": ["Rome", "Oslo"], "answers": ["Rome", ["Oslo", "Bergen"]]},
    ),
    "clustering_scores": lambda: (evaluate.clustering_scores, {"y": Y, "pred": Y}),
    "compare_retrieval": lambda: (
        evaluate.compare_retrieval,
        {
            **{"a": [["u", "v"], ["w"]], "b": [["v"], ["w"]], "gold": [["u"], ["w"]]},
            **{"k": (1, 2), "num_bootstrap": 20, "seed": 0},
        },
    ),
    "retrieval_scores": lambda: (
        evaluate.retrieval_scores,
        {
            **{"ids": [["u", "v"], ["w"]], "gold": [["u"], ["w"]]},
            **{"k": (1, 2), "num_bootstrap": 20, "seed": 0},
        },
    ),
    "correlation_table": lambda: (
        evaluate.correlation_table,
        {
            **{"properties": {"degree": torch.arange(7.0)}, "metrics": {"recall": X[:, 0]}},
            "mask": torch.ones(NODES, dtype=torch.bool),
        },
    ),
    "hits_at_k": lambda: (
        evaluate.hits_at_k,
        {"pos_score": torch.rand(5), "neg_score": torch.rand(9), "k": 3},
    ),
    "mean_reciprocal_rank": lambda: (
        evaluate.mean_reciprocal_rank,
        {"pos_score": torch.rand(5), "neg_score": torch.rand(5, 9)},
    ),
    "labels_per_class_split": lambda: (
        evaluate.labels_per_class_split,
        {"y": MANY, "train": 3, "val": 3, "seed": 0},
    ),
    "random_split": lambda: (
        evaluate.random_split,
        {"num_nodes": 60, "train": 0.2, "val": 0.2, "generator": generator(), "stratify": MANY},
    ),
    "tape_split": lambda: (evaluate.tape_split, {"num_nodes": 60, "seed": 0}),
    "resolve_split": lambda: (evaluate.resolve_split, {"split": MASKS, "num_nodes": NODES}),
    "linear_probe": lambda: (
        evaluate.linear_probe,
        {
            **{"z": X, "y": Y, "split": MASKS, "seed": 0, "candidates": (1.0, 2.0)},
            **{"normalize": "l2", "refit": "train", "max_iter": 50},
        },
    ),
    "multilabel_probe": lambda: (
        evaluate.multilabel_probe,
        {
            **{"z": X, "y": LABELS, "train": torch.arange(5), "test": torch.arange(5, 7)},
            **{"c": 1.0, "threshold": 0.5, "folds": 2, "select": "micro_f1", "seed": 0},
        },
    ),
    "multilabel_cross_validation": lambda: (
        evaluate.multilabel_cross_validation,
        {
            **{"z": X, "y": LABELS, "nodes": torch.arange(6), "candidates": (1.0,)},
            **{"folds": 2, "seed": 0},
        },
    ),
    "SetFamily.to_hypergraph": lambda: (sets().to_hypergraph, {"num_nodes": NODES}),
    "CliqueSampler.sample": lambda: (sampler().sample, {"cliques": sets(), "budget": 8}),
    "from_hyperedges": lambda: (hyper.from_hyperedges, {"hyperedges": [["a", "b"], ["b", "c"]]}),
    **{
        name: lambda name=name: (  # type: ignore[misc]
            getattr(hyper, name),
            {"pred": HYPEREDGES, "true": HYPEREDGES, "num_nodes": NODES},
        )
        for name in ("jaccard", "multi_jaccard", "precision_recall_f1")
    },
}
