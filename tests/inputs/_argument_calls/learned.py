"""One working call of public functions of ``contrastive`` and ``embed``, with its arguments."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch

from graphlab import contrastive, embed
from graphlab.contrastive import clustering, losses, pretext
from graphlab.contrastive.pot import pairing_target, relax
from graphlab.ops import CSRGraph
from tests.test_inputs import NODES, PLAIN, features, generator, toy_data

Call = tuple[Callable[..., Any], dict[str, Any]]

X = features()
Z = features(3)
Y = torch.arange(NODES) % 2
IDS = torch.arange(NODES)
COSINE = torch.linspace(-0.9, 0.9, 40)


def autoencoder() -> Any:
    return clustering.SDCNAutoEncoder(4, (6,), 3, generator=generator())


@cache
def clusters() -> Any:
    encoder = torch.nn.Linear(4, 3)
    return clustering.ClusteringNetwork(encoder, torch.eye(2, 3), contrastive.PamCLoss())


def one_task() -> Any:
    return pretext.AttributeMask(4, rate=0.5, num_components=1)


@cache
def tasks() -> Any:
    return pretext.MultiTaskLoss([one_task()], [1.0]).setup(toy_data(PLAIN))


@cache
def progcl() -> Any:
    loss = losses.ProGCLLoss(0.5, mode="mix", num_mixed=5, iterations=3)
    return loss.fit(Z, Z.flip(0), columns=IDS)


@cache
def kge(model: str = "distmult") -> Any:
    return embed.KGEmbedding(NODES, 2, 4, model=model)


@cache
def fastrp() -> Any:
    return embed.FastRP(dim=8).fit(PLAIN, num_nodes=NODES)


@cache
def pagerank() -> Any:
    return embed.PPR().fit(PLAIN, NODES)


@cache
def walks() -> Any:
    return embed.PPRFingerprints(walk_length=50).fit(PLAIN, NODES)


TRIPLE = {"head_index": IDS, "rel_type": Y}

CALLS: dict[str, Callable[[], Call]] = {
    "student_t_assignment": lambda: (
        clustering.student_t_assignment,
        {"z": Z, "centers": torch.eye(2, 3), "v": 1.0},
    ),
    "target_distribution": lambda: (
        clustering.target_distribution,
        {"q": torch.softmax(Z, dim=1)},
    ),
    "SDCNAutoEncoder.__init__": lambda: (
        clustering.SDCNAutoEncoder,
        {"in_channels": 4, "out_channels": 3, "generator": generator()},
    ),
    "SDCNAutoEncoder.forward": lambda: (autoencoder(), {"x": X}),
    "pretrain_autoencoder": lambda: (
        clustering.pretrain_autoencoder,
        {
            **{"model": autoencoder(), "x": X, "epochs": 1, "lr": 1e-3, "batch_size": 4},
            "generator": generator(),
        },
    ),
    "scaled_features": lambda: (contrastive.scaled_features, {"x": X.abs(), "kind": "auto"}),
    "initial_centers": lambda: (
        clustering.initial_centers,
        {"z": Z, "num_clusters": 2, "seed": 0, "n_init": 1},
    ),
    "ClusteringNetwork.assign": lambda: (clusters().assign, {"x": X}),
    "ClusteringNetwork.embed": lambda: (clusters().embed, {"x": X}),
    "ClusteringNetwork.forward": lambda: (clusters(), {"x": X}),
    "ClusteringNetwork.loss": lambda: (
        clusters().loss,
        {
            "z": Z,
            "q": torch.softmax(Z[:, :2], dim=1),
            "graph": CSRGraph.from_edge_index(PLAIN, NODES),
        },
    ),
    "diagnose_embedding": lambda: (contrastive.diagnose_embedding, {"z": Z}),
    "projection_head": lambda: (
        contrastive.projection_head,
        {"channels": 4, "hidden_channels": 3},
    ),
    "BetaMixture.fit": lambda: (
        losses.BetaMixture.fit,
        {"cosine": COSINE, "prior": 0.05, "iterations": 3},
    ),
    "DropEdge.__init__": lambda: (contrastive.DropEdge, {"p": 0.4, "seed": 0}),
    "MaskFeatures.__init__": lambda: (contrastive.MaskFeatures, {"p": 0.4, "seed": 0}),
    "MaskFeatures.__call__": lambda: (
        contrastive.MaskFeatures(0.4),
        {"x": X, "generator": generator()},
    ),
    "MaskFeatures.expected_budget": lambda: (
        contrastive.MaskFeatures(0.4).expected_budget,
        {"x": X},
    ),
    "pairing_target": lambda: (pairing_target, {"anchor": Z, "nodes": IDS}),
    "relax": lambda: (relax, {"low": X - 1, "high": X + 1, "negative_slope": 0.1}),
    "corrected_labels": lambda: (
        pretext.corrected_labels,
        {"z": Z, "labels": Y, "nodes": IDS, "generator": generator()},
    ),
    "MultiTaskLoss.__init__": lambda: (
        pretext.MultiTaskLoss,
        {"tasks": [one_task()], "weights": [1.0]},
    ),
    "MultiTaskLoss.forward": lambda: (tasks(), {"h": X}),
    "ContextLabel.__init__": lambda: (
        contrastive.ContextLabel,
        {
            **{"in_channels": 4, "num_classes": 2, "labels": "harmonic", "hops": 2},
            **{"two_hop": "pattern", "dropout": 0.5, "correction_weight": 1.0},
        },
    ),
    "AttributeMask.__init__": lambda: (
        pretext.AttributeMask,
        {"in_channels": 4, "rate": 0.2, "num_components": 2},
    ),
    "DistanceToCluster.__init__": lambda: (
        pretext.DistanceToCluster,
        {"in_channels": 4, "num_clusters": 2, "centers": "medoid"},
    ),
    "DistanceToLabeled.__init__": lambda: (
        pretext.DistanceToLabeled,
        {"in_channels": 4, "num_classes": 2},
    ),
    "EdgeMask.__init__": lambda: (pretext.EdgeMask, {"in_channels": 4, "rate": 0.2}),
    "NodeProperty.__init__": lambda: (
        pretext.NodeProperty,
        {"in_channels": 4, "prop": "degree", "bins": [2.0, 7.0]},
    ),
    "PairwiseDistance.__init__": lambda: (
        pretext.PairwiseDistance,
        {"in_channels": 4, "num_pairs": 5, "max_hops": 2},
    ),
    "PairwiseSimilarity.__init__": lambda: (
        pretext.PairwiseSimilarity,
        {"in_channels": 4, "near": 1, "far": 1, "random": 1},
    ),
    "BetaMixture.log_hardness": lambda: (
        losses.BetaMixture.fit(COSINE).log_hardness,
        {"cosine": COSINE},
    ),
    "sparse_features": lambda: (contrastive.sparse_features, {"x": X}),
    "InfoNCELoss.__init__": lambda: (
        losses.InfoNCELoss,
        {"temperature": 0.5, "chunk_size": 3, "reduction": "mean"},
    ),
    "InfoNCELoss.forward": lambda: (losses.InfoNCELoss(0.5), {"z1": Z, "z2": Z.flip(0)}),
    "info_nce_per_node": lambda: (
        losses.info_nce_per_node,
        {"z1": Z, "z2": Z.flip(0), "temperature": 0.5, "chunk_size": 3, "nodes": IDS},
    ),
    "ProGCLLoss.__init__": lambda: (
        losses.ProGCLLoss,
        {
            **{"temperature": 0.5, "mode": "weight", "num_mixed": 5, "num_columns": 5},
            **{"prior": 0.05, "iterations": 3, "reduction": "mean"},
        },
    ),
    "ProGCLLoss.per_node": lambda: (
        progcl().per_node,
        {"z1": Z, "z2": Z.flip(0), "generator": generator()},
    ),
    "ClusterStatistics.collect": lambda: (
        contrastive.ClusterStatistics.collect,
        {"z": Z, "cluster": Y, "num_clusters": 2, "order": 1},
    ),
    "PamCLoss.log_denominators": lambda: (
        contrastive.PamCLoss(negatives="exact").log_denominators,
        {"z": Z, "cluster": Y, "num_clusters": 2},
    ),
    # ------------------------------------------------------------------------------- embed
    "AddFastRP.__init__": lambda: (embed.AddFastRP, {"attr_name": "x", "property_ratio": 0.0}),
    "NodeEmbedding.fit_transform": lambda: (
        embed.NodeEmbedding(PLAIN, embed.FastRP(dim=8)).fit_transform,
        {"nodes": IDS[:6]},
    ),
    "PowersOfFastRP.merge": lambda: (fastrp().merge, {"powers": [X, X], "weights": [1.0, 0.5]}),
    "PowersOfFastRP.columns": lambda: (fastrp().columns, {"lo": 0, "hi": 4}),
    "TripleModel.forward": lambda: (kge(), {**TRIPLE, "tail_index": IDS}),
    "TripleModel.loss": lambda: (
        kge().loss,
        {**TRIPLE, "tail_index": IDS, "kind": "softmax", "smoothing": 0.1, "num_negatives": 3},
    ),
    "TripleModel.query": lambda: (kge().query, TRIPLE),
    "RankingModel.topk": lambda: (kge().topk, {**TRIPLE, "k": 2}),
    "TripleModel.uncertainty": lambda: (kge("nfe1").uncertainty, {"nodes": IDS}),
    "KGEmbedding.__init__": lambda: (
        embed.KGEmbedding,
        {
            **{"num_nodes": NODES, "num_relations": 2, "hidden_channels": 4, "model": "complex"},
            **{"gamma": 0.0, "init_scale": 0.1, "seed": 0},
        },
    ),
    "PPR.query": lambda: (pagerank().query, {"queries": IDS, "topk": 2}),
    "PPRFingerprints.query": lambda: (
        walks().query,
        {"queries": IDS, "topk": 2, "expansions": 1},
    ),
    "PPRFingerprints.expected_error": lambda: (walks().expected_error, {"nodes": IDS}),
    "TCReweight.is_due": lambda: (embed.TCReweight().is_due, {"epoch": 3}),
    "TCReweight.__init__": lambda: (
        embed.TCReweight,
        {"alpha": 1.0, "warm_up": 1, "interval": 1, "aug": "gcn", "group": "target"},
    ),
    "concentration_shift": lambda: (
        embed.concentration_shift,
        {"tc_train": torch.rand(NODES), "tc_test": torch.rand(NODES), "mask": Y.bool()},
    ),
    "AddTopologicalConcentration.__init__": lambda: (
        embed.AddTopologicalConcentration,
        {"num_hops": 1, "count": "walk", "fill": 0.0, "attr_name": "tc"},
    ),
}
