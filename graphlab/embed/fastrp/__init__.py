"""FastRP: node embeddings by very sparse random projection."""

from __future__ import annotations

from graphlab._namespace import listing
from graphlab.embed.fastrp.estimator import FastRP
from graphlab.embed.fastrp.functional import fastrp
from graphlab.embed.fastrp.transform import AddFastRP

__all__ = ["AddFastRP", "FastRP", "fastrp"]

__dir__ = listing(__all__)
