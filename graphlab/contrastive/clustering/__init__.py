"""Clustering of attributed graphs: SCGC, its network, autoencoder and assignments."""

from graphlab._namespace import listing
from graphlab.contrastive.clustering.assignment import student_t_assignment, target_distribution
from graphlab.contrastive.clustering.autoencoder import (
    SDCNAutoEncoder,
    pretrain_autoencoder,
    pretrain_encoder,
)
from graphlab.contrastive.clustering.features import scaled_features
from graphlab.contrastive.clustering.influence import influence_adjacency, influence_graph
from graphlab.contrastive.clustering.network import ClusteringNetwork, initial_centers
from graphlab.contrastive.clustering.scgc import SCGC
from graphlab.contrastive.clustering.smoothing import smoothed_features, smoothed_kmeans

__all__ = [
    "SCGC",
    "ClusteringNetwork",
    "SDCNAutoEncoder",
    "influence_adjacency",
    "influence_graph",
    "initial_centers",
    "pretrain_autoencoder",
    "pretrain_encoder",
    "scaled_features",
    "smoothed_features",
    "smoothed_kmeans",
    "student_t_assignment",
    "target_distribution",
]

__dir__ = listing(__all__)
