"""The digits graph: the data, the neighbours, the order of ties."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors
from torch_geometric.utils import coalesce, contains_self_loops, is_undirected

from graphlab.datasets import DigitsKNN, digits_knn
from graphlab.datasets._knn import knn_edge_index


def test_digits_are_the_images_of_sklearn():
    data = digits_knn(k=3)
    data.validate(raise_on_error=True)
    images, labels = load_digits(return_X_y=True)
    assert data.x.dtype == torch.float32
    assert torch.equal(data.x * 16, torch.from_numpy(images).float())
    assert (float(data.x.min()), float(data.x.max())) == (0.0, 1.0)
    assert torch.equal(data.y, torch.from_numpy(labels))
    assert (data.num_nodes, data.num_features, data.num_clusters) == (1797, 64, 10)
    assert torch.bincount(data.y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


@pytest.mark.parametrize("k", [1, 3, 10])
def test_every_image_keeps_its_nearest(k):
    data = digits_knn(k=k)
    assert is_undirected(data.edge_index)
    assert not contains_self_loops(data.edge_index)
    assert torch.equal(data.edge_index, coalesce(data.edge_index))
    assert int(torch.bincount(data.edge_index[0]).min()) >= k
    points = data.x.numpy().astype(float)
    radius = NearestNeighbors(n_neighbors=k + 1).fit(points).kneighbors(points)[0][:, k]
    source, target = data.edge_index.numpy()
    length = np.linalg.norm(points[source] - points[target], axis=1)
    # An edge exists because one end is among the k nearest of the other.
    assert np.all(length <= np.maximum(radius[source], radius[target]) + 1e-12)


def test_same_graph_every_time():
    assert torch.equal(digits_knn(k=3).edge_index, digits_knn(k=3).edge_index)
    # Pinned: any change of the graph changes every published digits number.
    assert digits_knn(k=3).num_edges == 7768


def test_ties_go_to_the_smaller_index():
    square = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    assert knn_edge_index(square, 1).tolist() == [[0, 0, 1, 1, 2, 3], [1, 2, 0, 3, 0, 1]]
    same = torch.zeros(4, 2)
    assert knn_edge_index(same, 1).tolist() == [[0, 0, 0, 1, 2, 3], [1, 2, 3, 0, 0, 0]]


@given(st.integers(2, 20), st.integers(1, 19), st.integers(1, 25), st.integers(0, 3))
def test_neighbours_equal_brute_force(num_nodes, k, chunk_size, seed):
    k = min(k, num_nodes - 1)
    # Few whole values: many exact ties.
    generator = torch.Generator().manual_seed(seed)
    x = torch.randint(0, 3, (num_nodes, 2), generator=generator).double()
    pairs = set()
    for i in range(num_nodes):
        order = sorted((float((x[i] - x[j]).square().sum()), j) for j in range(num_nodes) if j != i)
        pairs |= {(i, j) for _, j in order[:k]} | {(j, i) for _, j in order[:k]}
    got = knn_edge_index(x, k, chunk_size=chunk_size)
    assert [tuple(pair) for pair in got.t().tolist()] == sorted(pairs)


def test_dataset_form():
    dataset = DigitsKNN(k=2, transform=lambda data: data.update({"seen": True}))
    assert len(dataset) == 1
    assert dataset.num_clusters == dataset.num_classes == 10
    assert dataset[0].seen is True
    assert torch.equal(dataset[0].edge_index, digits_knn(k=2).edge_index)


@pytest.mark.parametrize(
    ("k", "error", "message"),
    [
        (0, ValueError, "k must be at least 1"),
        (1797, ValueError, "k must be at most 1796"),
        (2.5, TypeError, "k must be an int"),
        (True, TypeError, "k must be an int"),
    ],
)
def test_bad_k(k, error, message):
    with pytest.raises(error, match=message):
        digits_knn(k=k)


def test_bad_points():
    with pytest.raises(ValueError, match="x must be finite"):
        knn_edge_index(torch.tensor([[0.0], [float("nan")]]), 1)
    with pytest.raises(ValueError, match="k must be at most 0"):
        knn_edge_index(torch.zeros(1, 2), 1)
