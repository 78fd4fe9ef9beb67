"""Scores and protocols that never choose anything by test labels."""

from __future__ import annotations

from graphlab.evaluate.clustering import clustering_scores
from graphlab.evaluate.probe import ProbeResult, linear_probe
from graphlab.evaluate.splits import random_split, resolve_split

__all__ = [
    "ProbeResult",
    "clustering_scores",
    "linear_probe",
    "random_split",
    "resolve_split",
]
