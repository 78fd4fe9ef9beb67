"""Embeddings and descriptors of nodes by iterated sparse products, without training."""

from __future__ import annotations

from graphlab.embed.concentration import (
    ConcentrationShift,
    concentration_shift,
    topological_concentration,
    weighted_concentration,
)
from graphlab.embed.concentration_sketch import approx_topological_concentration
from graphlab.embed.concentration_transform import AddTopologicalConcentration
from graphlab.embed.fastrp import FastRP, fastrp
from graphlab.embed.fastrp_transform import AddFastRP
from graphlab.embed.reweight import TCReweight

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
