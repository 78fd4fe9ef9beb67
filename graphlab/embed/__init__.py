"""Embeddings and descriptors of nodes: sparse products without training, and knowledge graphs."""

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
from graphlab.embed.gte import gte_scores
from graphlab.embed.kge import KGEmbedding, KGETrainConfig
from graphlab.embed.node_embedding import NodeEmbedding
from graphlab.embed.pagerank import PPR, PPRFingerprints, personalized_pagerank

__all__ = [
    "PPR",
    "AddFastRP",
    "AddTopologicalConcentration",
    "ConcentrationShift",
    "FastRP",
    "KGETrainConfig",
    "KGEmbedding",
    "NodeEmbedding",
    "PPRFingerprints",
    "TCReweight",
    "approx_topological_concentration",
    "concentration_shift",
    "fastrp",
    "gte_scores",
    "personalized_pagerank",
    "topological_concentration",
    "weighted_concentration",
]

__dir__ = listing(__all__)
