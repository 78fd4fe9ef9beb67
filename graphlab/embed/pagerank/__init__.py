"""Personalised PageRank: exact by powers, and approximate from stored random walks."""

from __future__ import annotations

from graphlab.embed.pagerank.estimator import PPR
from graphlab.embed.pagerank.fingerprints import PPRFingerprints
from graphlab.embed.pagerank.functional import personalized_pagerank

__all__ = ["PPR", "PPRFingerprints", "personalized_pagerank"]
