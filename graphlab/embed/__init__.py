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
from graphlab.embed.node_embedding import NodeEmbedding

__all__ = [
    "AddFastRP",
    "AddTopologicalConcentration",
    "ConcentrationShift",
    "FastRP",
    "NodeEmbedding",
    "TCReweight",
    "approx_topological_concentration",
    "concentration_shift",
    "fastrp",
    "topological_concentration",
    "weighted_concentration",
]

__dir__ = listing(__all__)
