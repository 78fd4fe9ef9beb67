"""Pretext tasks beside a classification: targets that the graph and a few labels give for free."""

from __future__ import annotations

from graphlab._namespace import listing
from graphlab.contrastive.pretext.attribute_mask import AttributeMask
from graphlab.contrastive.pretext.context import context_histogram
from graphlab.contrastive.pretext.context_label import ContextLabel
from graphlab.contrastive.pretext.correction import LabelCorrection, corrected_labels
from graphlab.contrastive.pretext.distance_to_cluster import DistanceToCluster
from graphlab.contrastive.pretext.distance_to_labeled import DistanceToLabeled
from graphlab.contrastive.pretext.edge_mask import EdgeMask
from graphlab.contrastive.pretext.multi_task import MultiTaskLoss
from graphlab.contrastive.pretext.node_property import NodeProperty
from graphlab.contrastive.pretext.pairwise_distance import PairwiseDistance
from graphlab.contrastive.pretext.pairwise_similarity import PairwiseSimilarity
from graphlab.contrastive.pretext.propagated import (
    PropagatedLabels,
    harmonic_labels,
    ica_labels,
)
from graphlab.contrastive.pretext.task import PretextTask

__all__ = [
    "AttributeMask",
    "ContextLabel",
    "DistanceToCluster",
    "DistanceToLabeled",
    "EdgeMask",
    "LabelCorrection",
    "MultiTaskLoss",
    "NodeProperty",
    "PairwiseDistance",
    "PairwiseSimilarity",
    "PretextTask",
    "PropagatedLabels",
    "context_histogram",
    "corrected_labels",
    "harmonic_labels",
    "ica_labels",
]

__dir__ = listing(__all__)
