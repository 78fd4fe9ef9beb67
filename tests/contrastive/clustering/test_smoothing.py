from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.decomposition import TruncatedSVD
from sklearn.exceptions import ConvergenceWarning

from graphlab.contrastive import (
    SCGC,
    influence_adjacency,
    influence_graph,
    scaled_features,
    smoothed_features,
    smoothed_kmeans,
)
from graphlab.datasets import digits_knn
from graphlab.evaluate import clustering_scores
from graphlab.ops import CSRGraph

NO_EDGES = torch.empty(2, 0, dtype=torch.long)


def words(num_nodes: int = 60, num_words: int = 80) -> torch.Tensor:
    rate = torch.full((num_nodes, num_words), 0.05)
    return torch.bernoulli(rate, generator=torch.Generator().manual_seed(0))


def test_words_become_tf_idf_of_unit_root_mean_square() -> None:
    x = words()
    x[0] = 0
    scaled = scaled_features(x)
    size = scaled.square().mean(1).sqrt()
    assert torch.allclose(size[1:][x[1:].any(1)], torch.tensor(1.0)) and size[0] == 0
    row = int(x.sum(1).argmax())
    idf = torch.log(60 / (x > 0).sum(0))
    used = x[row] > 0
    ratio = scaled[row][used] / idf[used]
    assert torch.allclose(ratio, ratio[0].expand_as(ratio))
    assert torch.equal(scaled_features(x, "words"), scaled)


def test_dense_rows_stay_as_they_are() -> None:
    data = digits_knn()
    assert scaled_features(data.x) is data.x
    assert scaled_features(words(), "dense").equal(words())
    signed = words() - 0.5
    assert scaled_features(signed) is signed
    with pytest.raises(ValueError, match="non-negative to be words, got a minimum of -0.5"):
        scaled_features(signed, "words")
    with pytest.raises(ValueError, match="kind must be one of"):
        scaled_features(signed, "pixels")  # type: ignore[arg-type]


@pytest.mark.parametrize("hops", [0, 2])
def test_equals_a_truncated_svd_of_the_averages(hops: int) -> None:
    generator = torch.Generator().manual_seed(2)
    # Of rank two, so that nothing hangs on small gaps between singular values.
    x = torch.rand(60, 2, generator=generator) @ torch.rand(2, 30, generator=generator)
    edges = torch.randint(60, (2, 150), generator=torch.Generator().manual_seed(1))
    index, weight = influence_adjacency(edges, 60, dtype=torch.float64)
    walk = torch.zeros(60, 60, dtype=torch.float64).index_put((index[0], index[1]), weight)
    rows = x.double()
    for _ in range(hops):
        rows = walk @ rows
    want = TruncatedSVD(2, algorithm="arpack").fit_transform(rows.numpy())
    want /= np.linalg.norm(want, axis=1, keepdims=True)
    got = smoothed_features(x, edges, hops=hops, dim=2, features="dense")
    assert got.dtype == x.dtype
    # Singular vectors have no sign: similarities of the rows do not depend on it.
    assert np.allclose(got @ got.T, want @ want.T, atol=1e-4)


def test_many_hops_cluster_the_digits_without_training() -> None:
    data = digits_knn()
    scores = {
        hops: clustering_scores(data.y, smoothed_kmeans(data.x, data.edge_index, 10, hops=hops))
        for hops in (0, 2, 16)
    }
    assert scores[0]["acc"] < scores[2]["acc"] < scores[16]["acc"]
    assert scores[16]["acc"] > 0.85
    # A prepared walk is the same graph.
    walk = influence_graph(data.edge_index, data.num_nodes)
    assert torch.equal(
        smoothed_kmeans(data.x, walk, 10), smoothed_kmeans(data.x, data.edge_index, 10)
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("kinds", "num_nodes"), [(1, 50), (1, 1003), (3, 50), (3, 1003)])
def test_identical_nodes_get_one_row(dtype: torch.dtype, kinds: int, num_nodes: int) -> None:
    rows = torch.randn(kinds, 7, dtype=dtype, generator=torch.Generator().manual_seed(0))
    x = rows[torch.arange(num_nodes) % kinds]
    z = smoothed_features(x, NO_EDGES, dim=5)
    assert torch.equal(z, z[:kinds][torch.arange(num_nodes) % kinds])
    assert z.unique(dim=0).size(0) == kinds


def test_nodes_that_are_all_alike_are_one_cluster_and_warn_as_scgc_does() -> None:
    x = torch.ones(50, 5)
    model = SCGC(5, epochs=2, pretrain_epochs=1, hidden_channels=(8,))
    with pytest.warns(ConvergenceWarning, match=r"distinct clusters \(1\) found smaller"):
        labels = smoothed_kmeans(x, NO_EDGES, 5)
    assert labels.unique().numel() == 1
    # How many embeddings an encoder's own float32 rounding makes differ depends on its width.
    with pytest.warns(ConvergenceWarning, match="distinct clusters .* found smaller"):
        model.fit(x, NO_EDGES)


def test_a_graph_is_taken_whole() -> None:
    data = digits_knn()
    want = smoothed_kmeans(data.x, data.edge_index, 10, n_init=1)
    assert torch.equal(smoothed_kmeans(data, num_clusters=10, n_init=1), want)
    assert torch.equal(smoothed_features(data), smoothed_features(data.x, data.edge_index))
    assert torch.equal(smoothed_features(data, NO_EDGES), smoothed_features(data.x, NO_EDGES))
    with pytest.raises(TypeError, match="goes by its name, num_clusters=10"):
        smoothed_kmeans(data, 10)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="num_clusters must be an int of at least 2, got None"):
        smoothed_kmeans(data)
    with pytest.raises(ValueError, match="edge_index must be given beside features"):
        smoothed_features(data.x)


def test_weights_of_edges_are_told_to_be_unread() -> None:
    data = digits_knn()
    data.edge_weight = torch.ones(data.num_edges)
    plain = smoothed_features(data)  # weights of one change nothing
    data.edge_weight = torch.rand(data.num_edges, generator=torch.Generator().manual_seed(0))
    with pytest.warns(UserWarning, match=r"Data.edge_weight is not read") as caught:
        assert torch.equal(smoothed_features(data), plain)
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match=r"Data.edge_weight is not read") as caught:
        smoothed_kmeans(data, num_clusters=10, n_init=1)
    assert len(caught) == 1
    # What the warning names does read them.
    graph = CSRGraph.from_edge_index(data.edge_index, data.num_nodes, data.edge_weight)
    assert not torch.allclose(smoothed_features(data, graph), plain)


def test_bad_input() -> None:
    x, edges = words(), torch.randint(60, (2, 150))
    with pytest.raises(ValueError, match="dim must be at most 60"):
        smoothed_features(x, edges, dim=61)
    with pytest.raises(ValueError, match="graph of 60 nodes, got 61"):
        smoothed_features(x, influence_graph(edges, 61))
    with pytest.raises(IndexError, match="edge_index"):
        smoothed_features(x, edges + 60)
    with pytest.raises(ValueError, match="hops must be at least 0"):
        smoothed_features(x, edges, hops=-1)
    with pytest.raises(ValueError, match="num_clusters must be at least 2"):
        smoothed_kmeans(x, edges, 1)
