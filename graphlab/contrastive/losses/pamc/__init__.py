"""PamC: contrast against cluster pairs, its statistics and its diagnosis."""

from graphlab._namespace import listing
from graphlab.contrastive.losses.pamc.diagnosis import PamCDiagnosis
from graphlab.contrastive.losses.pamc.functional import pamc_loss
from graphlab.contrastive.losses.pamc.pamc import PamCLoss
from graphlab.contrastive.losses.pamc.statistics import ClusterStatistics

__all__ = ["ClusterStatistics", "PamCDiagnosis", "PamCLoss", "pamc_loss"]

__dir__ = listing(__all__)
