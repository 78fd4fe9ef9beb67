"""Embeddings and descriptors of nodes by iterated sparse products, without training."""

from __future__ import annotations

from graphlab._namespace import listing
from graphlab.embed.concentration import (
    AddTopologicalConcentration,
    ConcentrationShift,
    TCReweight,
    approx_topological_concentration,
    concentration_shift,
    topological_concentration,
    weighted_concentration,
)
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

__dir__ = listing(__all__)
