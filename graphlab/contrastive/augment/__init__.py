"""Random draws on a graph: dropped edges, masked features, sketches, pairs without an edge."""

from graphlab._namespace import listing
from graphlab.contrastive.augment.centrality_drop_edge import CentralityDropEdge
from graphlab.contrastive.augment.drop_edge import DropEdge
from graphlab.contrastive.augment.mask_features import MaskFeatures
from graphlab.contrastive.augment.node_centrality import node_centrality
from graphlab.contrastive.augment.non_edges import sample_non_edges
from graphlab.ops.sketch import gaussian_sketch

__all__ = [
    "CentralityDropEdge",
    "DropEdge",
    "MaskFeatures",
    "gaussian_sketch",
    "node_centrality",
    "sample_non_edges",
]

__dir__ = listing(__all__)
