"""Subgraphs packed into a few arrays: one, a batch of them, the store, its files."""

from graphlab.tag.graphclip.store.store import SubgraphStore
from graphlab.tag.graphclip.store.subgraph import Subgraph, SubgraphBatch

__all__ = ["Subgraph", "SubgraphBatch", "SubgraphStore"]
