"""Topological concentration: exact, approximate, and as weights of messages."""

from __future__ import annotations

from graphlab._namespace import listing
from graphlab.embed.concentration.approximate import approx_topological_concentration
from graphlab.embed.concentration.exact import topological_concentration
from graphlab.embed.concentration.reweight import TCReweight
from graphlab.embed.concentration.shift import ConcentrationShift, concentration_shift
from graphlab.embed.concentration.transform import AddTopologicalConcentration
from graphlab.embed.concentration.weighted import weighted_concentration

__all__ = [
    "AddTopologicalConcentration",
    "ConcentrationShift",
    "TCReweight",
    "approx_topological_concentration",
    "concentration_shift",
    "topological_concentration",
    "weighted_concentration",
]

__dir__ = listing(__all__)
