"""Contrastive losses and self-supervised methods on graphs."""

from graphlab.contrastive.augment.centrality import CentralityDropEdge, node_centrality
from graphlab.contrastive.augment.random import DropEdge, MaskFeatures
from graphlab.contrastive.clustering.assignment import student_t_assignment, target_distribution
from graphlab.contrastive.clustering.autoencoder import SDCNAutoEncoder, pretrain_autoencoder
from graphlab.contrastive.clustering.influence import influence_adjacency, influence_graph
from graphlab.contrastive.clustering.scgc import SCGC, ClusteringNetwork, initial_centers
from graphlab.contrastive.hosts.bgrl import BGRL, bgrl_loss
from graphlab.contrastive.hosts.costa import COSTA, gaussian_sketch
from graphlab.contrastive.hosts.gca import GCA
from graphlab.contrastive.hosts.grace import GRACE
from graphlab.contrastive.hosts.graphcl import GraphCL, GraphCLLoss
from graphlab.contrastive.hosts.graphmae import GraphMAE, scaled_cosine_error
from graphlab.contrastive.hosts.progcl import ProGCL, ProGCLLoss
from graphlab.contrastive.hosts.s2gae import S2GAE, sample_non_edges
from graphlab.contrastive.hosts.two_view import TwoViewModel, projection_head
from graphlab.contrastive.losses.barlow_twins import GBT, BarlowTwinsLoss
from graphlab.contrastive.losses.beta_mixture import BetaMixture
from graphlab.contrastive.losses.clip import CLIPLoss, clip_loss
from graphlab.contrastive.losses.info_nce import InfoNCELoss, info_nce
from graphlab.contrastive.losses.pamc.diagnosis import PamCDiagnosis
from graphlab.contrastive.losses.pamc.pamc import PamCLoss, pamc_loss
from graphlab.contrastive.losses.pamc.statistics import ClusterStatistics
from graphlab.contrastive.losses.supcon import supcon_loss
from graphlab.contrastive.pot import POT
from graphlab.contrastive.sparse_rows import sparse_features

__all__ = [
    "BGRL",
    "COSTA",
    "GBT",
    "GCA",
    "GRACE",
    "POT",
    "S2GAE",
    "SCGC",
    "BarlowTwinsLoss",
    "BetaMixture",
    "CLIPLoss",
    "CentralityDropEdge",
    "ClusterStatistics",
    "ClusteringNetwork",
    "DropEdge",
    "GraphCL",
    "GraphCLLoss",
    "GraphMAE",
    "InfoNCELoss",
    "MaskFeatures",
    "PamCDiagnosis",
    "PamCLoss",
    "ProGCL",
    "ProGCLLoss",
    "SDCNAutoEncoder",
    "TwoViewModel",
    "bgrl_loss",
    "clip_loss",
    "gaussian_sketch",
    "influence_adjacency",
    "influence_graph",
    "info_nce",
    "initial_centers",
    "node_centrality",
    "pamc_loss",
    "pretrain_autoencoder",
    "projection_head",
    "sample_non_edges",
    "scaled_cosine_error",
    "sparse_features",
    "student_t_assignment",
    "supcon_loss",
    "target_distribution",
]
