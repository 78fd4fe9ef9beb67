"""Subgraphs packed into a few arrays: one, a batch of them, the store, its files."""

from graphlab._namespace import listing
from graphlab.tag.graphclip.store.store import SubgraphStore
from graphlab.tag.graphclip.store.subgraph import Subgraph, SubgraphBatch

__all__ = ["Subgraph", "SubgraphBatch", "SubgraphStore"]

__dir__ = listing(__all__)
