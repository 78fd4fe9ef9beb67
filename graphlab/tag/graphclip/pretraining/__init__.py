"""Pretraining of the graph tower: settings, views, steps, epochs, retrieval."""

from graphlab._namespace import listing
from graphlab.tag.graphclip.pretraining.adversarial import adversarial_backward, feature_rms
from graphlab.tag.graphclip.pretraining.augment import augment_subgraphs
from graphlab.tag.graphclip.pretraining.config import PretrainConfig
from graphlab.tag.graphclip.pretraining.pretrain import PretrainResult, pretrain
from graphlab.tag.graphclip.pretraining.retrieval import retrieval_at_1, retrieval_scores

__all__ = [
    "PretrainConfig",
    "PretrainResult",
    "adversarial_backward",
    "augment_subgraphs",
    "feature_rms",
    "pretrain",
    "retrieval_at_1",
    "retrieval_scores",
]

__dir__ = listing(__all__)
