"""Contrastive losses and self-supervised methods on graphs."""

from graphlab.contrastive._diagnose import PamCDiagnosis
from graphlab.contrastive.assignment import student_t_assignment, target_distribution
from graphlab.contrastive.augmentation import DropEdge, MaskFeatures
from graphlab.contrastive.autoencoder import SDCNAutoEncoder, pretrain_autoencoder
from graphlab.contrastive.barlow import GBT, BarlowTwinsLoss
from graphlab.contrastive.beta_mixture import BetaMixture
from graphlab.contrastive.bgrl import BGRL, bgrl_loss
from graphlab.contrastive.centrality import CentralityDropEdge, node_centrality
from graphlab.contrastive.clip import CLIPLoss, clip_loss
from graphlab.contrastive.costa import COSTA, gaussian_sketch
from graphlab.contrastive.gca import GCA
from graphlab.contrastive.grace import GRACE
from graphlab.contrastive.graphcl import GraphCL, GraphCLLoss
from graphlab.contrastive.influence import influence_adjacency, influence_graph
from graphlab.contrastive.infonce import InfoNCELoss, info_nce
from graphlab.contrastive.masked_edges import S2GAE, sample_non_edges
from graphlab.contrastive.masked_features import GraphMAE, scaled_cosine_error
from graphlab.contrastive.pamc import PamCLoss, pamc_loss
from graphlab.contrastive.pot import POT
from graphlab.contrastive.progcl import ProGCL, ProGCLLoss
from graphlab.contrastive.scgc import SCGC, ClusteringNetwork, initial_centers
from graphlab.contrastive.sparse_rows import sparse_features
from graphlab.contrastive.statistics import ClusterStatistics
from graphlab.contrastive.supcon import supcon_loss
from graphlab.contrastive.views import TwoViewModel, projection_head

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
