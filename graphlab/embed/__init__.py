"""Embeddings and descriptors of nodes by iterated sparse products, without training."""

from __future__ import annotations

from graphlab.embed.concentration.approximate import approx_topological_concentration
from graphlab.embed.concentration.exact import (
    ConcentrationShift,
    concentration_shift,
    topological_concentration,
    weighted_concentration,
)
from graphlab.embed.concentration.reweight import TCReweight
from graphlab.embed.concentration.transform import AddTopologicalConcentration
from graphlab.embed.fastrp import AddFastRP, FastRP, fastrp

__all__ = [
    "AddFastRP",
    "AddTopologicalConcentration",
    "ConcentrationShift",
    "FastRP",
    "TCReweight",
    "approx_topological_concentration",
    "concentration_shift",
    "fastrp",
    "topological_concentration",
    "weighted_concentration",
]
