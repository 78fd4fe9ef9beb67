"""Losses of contrastive learning, each on plain tensors; every loss returns a scalar.

One contract: with ``reduction="none"`` a loss returns its terms, and ``"mean"``, the default, and
``"sum"`` are theirs. There is one per node (row, anchor), two for :class:`GraphCLLoss`, one per
view for :func:`supcon_loss`. :class:`BarlowTwinsLoss` has no terms of nodes and no ``reduction``:
it compares columns. :func:`info_nce_per_node` returns the terms of :func:`info_nce`, for each
direction its own.
"""

from graphlab._namespace import listing
from graphlab.contrastive.losses.barlow_twins import BarlowTwinsLoss
from graphlab.contrastive.losses.beta_mixture import BetaMixture
from graphlab.contrastive.losses.bgrl import bgrl_loss
from graphlab.contrastive.losses.clip import CLIPLoss, clip_loss
from graphlab.contrastive.losses.graphcl import GraphCLLoss
from graphlab.contrastive.losses.info_nce import InfoNCELoss, info_nce, info_nce_per_node
from graphlab.contrastive.losses.pamc import (
    ClusterStatistics,
    PamCDiagnosis,
    PamCLoss,
    pamc_loss,
    seed_positives,
)
from graphlab.contrastive.losses.progcl import ProGCLLoss
from graphlab.contrastive.losses.scaled_cosine import scaled_cosine_error
from graphlab.contrastive.losses.supcon import supcon_loss

__all__ = [
    "BarlowTwinsLoss",
    "BetaMixture",
    "CLIPLoss",
    "ClusterStatistics",
    "GraphCLLoss",
    "InfoNCELoss",
    "PamCDiagnosis",
    "PamCLoss",
    "ProGCLLoss",
    "bgrl_loss",
    "clip_loss",
    "info_nce",
    "info_nce_per_node",
    "pamc_loss",
    "scaled_cosine_error",
    "seed_positives",
    "supcon_loss",
]

__dir__ = listing(__all__)
