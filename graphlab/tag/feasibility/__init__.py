"""Feasibility of pretraining: is a target near the graphs that a model learns from?"""

from __future__ import annotations

from graphlab._namespace import listing
from graphlab.tag.feasibility.fit import MixtureFit, fit_mixture
from graphlab.tag.feasibility.graphon import graphon
from graphlab.tag.feasibility.gromov import GromovWasserstein, gromov_wasserstein
from graphlab.tag.feasibility.report import FeasibilityReport, SourceReport, feasibility
from graphlab.tag.feasibility.simplex import simplex_fit
from graphlab.tag.feasibility.texts import centroid_cosine, maximum_mean_discrepancy

__all__ = [
    "FeasibilityReport",
    "GromovWasserstein",
    "MixtureFit",
    "SourceReport",
    "centroid_cosine",
    "feasibility",
    "fit_mixture",
    "graphon",
    "gromov_wasserstein",
    "maximum_mean_discrepancy",
    "simplex_fit",
]

__dir__ = listing(__all__)
