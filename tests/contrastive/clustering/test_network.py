"""Centres and loss of a clustering network."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from graphlab.contrastive import ClusteringNetwork, PamCLoss, influence_graph, initial_centers
from graphlab.evaluate import clustering_scores
from tests.contrastive.clustering.test_scgc import blobs


def test_initial_centers_are_means() -> None:
    x, _, y = blobs()
    centers, labels = initial_centers(x, 3, seed=0)
    assert clustering_scores(y, labels)["acc"] > 0.9
    torch.testing.assert_close(centers[0], x[labels == 0].mean(0))
    with pytest.raises(ValueError, match="num_clusters must be at most 120"):
        initial_centers(x, 121, 0)


def test_loss_weighs_its_two_terms() -> None:
    x, edge_index, _ = blobs()
    graph, centers = influence_graph(edge_index, 120), initial_centers(x, 3, 0)[0]

    def loss(alpha: float, beta: float) -> float:
        network = ClusteringNetwork(nn.Identity(), centers, PamCLoss(0.5), alpha, beta)
        return float(network.loss(*network(x), graph).detach())

    assert loss(2.0, 3.0) == pytest.approx(2 * loss(1.0, 0.0) + 3 * loss(0.0, 1.0), rel=1e-5)
    z, q = ClusteringNetwork(nn.Identity(), centers, PamCLoss(0.5))(x)
    assert torch.equal(z, x) and q.shape == (120, 3)
