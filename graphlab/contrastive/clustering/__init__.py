"""Clustering of attributed graphs: SCGC, its network, autoencoder and assignments."""

from graphlab._namespace import listing
from graphlab.contrastive.clustering.assignment import student_t_assignment, target_distribution
from graphlab.contrastive.clustering.autoencoder import SDCNAutoEncoder, pretrain_autoencoder
from graphlab.contrastive.clustering.influence import influence_adjacency, influence_graph
from graphlab.contrastive.clustering.network import ClusteringNetwork, initial_centers
from graphlab.contrastive.clustering.scgc import SCGC

__all__ = [
    "SCGC",
    "ClusteringNetwork",
    "SDCNAutoEncoder",
    "influence_adjacency",
    "influence_graph",
    "initial_centers",
    "pretrain_autoencoder",
    "student_t_assignment",
    "target_distribution",
]

__dir__ = listing(__all__)
