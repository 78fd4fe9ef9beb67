"""Pieces of a text graph as the answer to a question: neighbourhoods, their text, soft pruning."""

from __future__ import annotations

from graphlab._namespace import listing
from graphlab.tag.retrieval.subgraphs.ego import EgoGraphRetriever
from graphlab.tag.retrieval.subgraphs.render import render_subgraph
from graphlab.tag.retrieval.subgraphs.soft_prune import SoftPrune

__all__ = ["EgoGraphRetriever", "SoftPrune", "render_subgraph"]

__dir__ = listing(__all__)
