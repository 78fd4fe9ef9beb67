"""Self-supervised methods around a user's encoder, all trained by one loop."""

from graphlab._namespace import listing
from graphlab.contrastive.hosts.bgrl import BGRL
from graphlab.contrastive.hosts.costa import COSTA
from graphlab.contrastive.hosts.diagnosis import EmbeddingDiagnosis, diagnose_embedding
from graphlab.contrastive.hosts.gbt import GBT
from graphlab.contrastive.hosts.gca import GCA
from graphlab.contrastive.hosts.grace import GRACE
from graphlab.contrastive.hosts.graphcl import GraphCL
from graphlab.contrastive.hosts.graphmae import GraphMAE
from graphlab.contrastive.hosts.progcl import ProGCL
from graphlab.contrastive.hosts.projection_head import projection_head
from graphlab.contrastive.hosts.s2gae import S2GAE
from graphlab.contrastive.hosts.two_view import HostStep, TwoViewModel

__all__ = [
    "BGRL",
    "COSTA",
    "GBT",
    "GCA",
    "GRACE",
    "S2GAE",
    "EmbeddingDiagnosis",
    "GraphCL",
    "GraphMAE",
    "HostStep",
    "ProGCL",
    "TwoViewModel",
    "diagnose_embedding",
    "projection_head",
]

__dir__ = listing(__all__)
