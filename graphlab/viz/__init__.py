"""Pictures of embeddings, training runs and measurements.

Every function draws on the given axes, or on a new figure, and returns the axes; none shows or
saves anything, and global matplotlib settings stay as they are. New figures are transparent with
grey text and lines, so that a saved picture reads on a light and on a dark page. Colours are those
of Okabe and Ito, which people with the common colour vision deficiencies can tell apart; curves
and groups also differ in line style, marker or hatching.
"""

from graphlab._namespace import listing
from graphlab.viz.bars import bars
from graphlab.viz.compactness_distribution import compactness_distribution
from graphlab.viz.concentration_performance import concentration_performance
from graphlab.viz.embedding_map import embedding_map
from graphlab.viz.hypergraph_drawing import hypergraph_drawing
from graphlab.viz.scaling_curves import scaling_curves
from graphlab.viz.training_curves import training_curves

__all__ = [
    "bars",
    "compactness_distribution",
    "concentration_performance",
    "embedding_map",
    "hypergraph_drawing",
    "scaling_curves",
    "training_curves",
]

__dir__ = listing(__all__)
