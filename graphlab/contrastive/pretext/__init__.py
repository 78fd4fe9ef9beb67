"""Pretext tasks beside a classification: targets that the graph and a few labels give for free."""

from __future__ import annotations

from graphlab._namespace import listing
from graphlab.contrastive.pretext.context import context_histogram
from graphlab.contrastive.pretext.context_label import ContextLabel
from graphlab.contrastive.pretext.correction import LabelCorrection, corrected_labels
from graphlab.contrastive.pretext.propagated import (
    PropagatedLabels,
    harmonic_labels,
    ica_labels,
)

__all__ = [
    "ContextLabel",
    "LabelCorrection",
    "PropagatedLabels",
    "context_histogram",
    "corrected_labels",
    "harmonic_labels",
    "ica_labels",
]

__dir__ = listing(__all__)
