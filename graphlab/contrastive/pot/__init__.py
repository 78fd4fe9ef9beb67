"""POT: compactness of nodes under edge drops, as a published score and as a certificate."""

from graphlab._namespace import listing
from graphlab.contrastive.pot.drops import NormBounds, adjacency_bounds
from graphlab.contrastive.pot.functional import (
    compactness_bound,
    pairing_target,
    preactivation_bounds,
)
from graphlab.contrastive.pot.pot import POT
from graphlab.contrastive.pot.reference import reference_compactness
from graphlab.contrastive.pot.relaxation import relax

__all__ = [
    "POT",
    "NormBounds",
    "adjacency_bounds",
    "compactness_bound",
    "pairing_target",
    "preactivation_bounds",
    "reference_compactness",
    "relax",
]

__dir__ = listing(__all__)
