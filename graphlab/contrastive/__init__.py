"""Contrastive losses and self-supervised methods on graphs."""

from graphlab.contrastive._diagnose import PamCDiagnosis
from graphlab.contrastive.assignment import student_t_assignment, target_distribution
from graphlab.contrastive.autoencoder import SDCNAutoEncoder, pretrain_autoencoder, sparse_features
from graphlab.contrastive.influence import influence_adjacency, influence_graph
from graphlab.contrastive.pamc import PamCLoss, pamc_loss
from graphlab.contrastive.scgc import SCGC, ClusteringNetwork, initial_centers
from graphlab.contrastive.statistics import ClusterStatistics

__all__ = [
    "SCGC",
    "ClusterStatistics",
    "ClusteringNetwork",
    "PamCDiagnosis",
    "PamCLoss",
    "SDCNAutoEncoder",
    "influence_adjacency",
    "influence_graph",
    "initial_centers",
    "pamc_loss",
    "pretrain_autoencoder",
    "sparse_features",
    "student_t_assignment",
    "target_distribution",
]
