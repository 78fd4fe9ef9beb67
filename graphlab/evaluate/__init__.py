"""Scores and protocols that never choose anything by test labels.

Embeddings, labels, scores, masks and numbers of nodes may be numpy arrays where a tensor is taken;
edges and other pairs of nodes are tensors, as everywhere in the library.
"""

from __future__ import annotations

from graphlab._namespace import listing
from graphlab.evaluate.answers import answer_scores
from graphlab.evaluate.clustering import clustering_scores
from graphlab.evaluate.correlation import correlation_table
from graphlab.evaluate.edge_scores import hits_at_k, mean_reciprocal_rank
from graphlab.evaluate.filtered_ranks import Ranks, filtered_ranks, rank_metrics
from graphlab.evaluate.link_ranking import (
    link_ranking_metrics,
    per_node_link_metrics,
    top_predictions,
)
from graphlab.evaluate.multilabel import (
    MultilabelResult,
    multilabel_cross_validation,
    multilabel_probe,
)
from graphlab.evaluate.probe import ProbeResult, linear_probe
from graphlab.evaluate.reconstruction import MapResult, reconstruction_map
from graphlab.evaluate.retrieval import compare_retrieval, retrieval_scores
from graphlab.evaluate.splits import (
    labels_per_class_split,
    random_split,
    resolve_split,
    tape_split,
)

__all__ = [
    "MapResult",
    "MultilabelResult",
    "ProbeResult",
    "Ranks",
    "answer_scores",
    "clustering_scores",
    "compare_retrieval",
    "correlation_table",
    "filtered_ranks",
    "hits_at_k",
    "labels_per_class_split",
    "linear_probe",
    "link_ranking_metrics",
    "mean_reciprocal_rank",
    "multilabel_cross_validation",
    "multilabel_probe",
    "per_node_link_metrics",
    "random_split",
    "rank_metrics",
    "reconstruction_map",
    "resolve_split",
    "retrieval_scores",
    "tape_split",
    "top_predictions",
]

__dir__ = listing(__all__)
