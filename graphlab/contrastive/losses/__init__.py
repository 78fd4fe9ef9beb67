"""Losses of contrastive learning, each on plain tensors; every function returns a scalar.

:func:`info_nce_per_node`, which returns the terms of :func:`info_nce`, is the one exception.
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
    "supcon_loss",
]

__dir__ = listing(__all__)
