"""Clustering without training: features averaged over the graph, reduced, k-means."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from graphlab._checks import check_int, check_matrix
from graphlab.contrastive.clustering.features import FeatureKind, scaled_features
from graphlab.contrastive.clustering.graph_input import features_and_edges
from graphlab.contrastive.clustering.influence import influence_matrix
from graphlab.contrastive.clustering.network import initial_centers
from graphlab.contrastive.sparse_layout import sparse_features
from graphlab.ops import CSRGraph

if TYPE_CHECKING:
    from torch_geometric.data import Data

__all__ = ["smoothed_features", "smoothed_kmeans"]

_OVERSAMPLING = 10
_ROUNDS = 7
#: Neighbouring values of a column that lie closer than this, in units of the root mean square of an
#: entry of the first one, differ by rounding: 100,000 identical rows span less than half of it.
_ROUNDING = 1e-11


def smoothed_features(
    x: Tensor | Data,
    edge_index: Tensor | CSRGraph | None = None,
    *,
    hops: int = 2,
    dim: int = 10,
    features: FeatureKind = "auto",
    seed: int = 0,
) -> Tensor:
    r"""Embeddings without training: averages over the graph, a truncated SVD, rows of unit length.

    .. math:: U S \approx \bigl(D^{-1} (A + I)\bigr)^h X

    with X the features by :func:`scaled_features`. It is the first thing to try on an attributed
    graph, and what a trained embedding has to beat: on citation graphs and their like two hops are
    level with most trained clusterings; a graph of nearest neighbours of the features themselves
    gains from many more (16). Nodes with the same averages get the same row.

    Args:
        x (Tensor or Data): Features, dense floating point ``(N, F)``, finite; or a PyG ``Data``
            that holds them and the graph, of which ``edge_weight`` is not read.
        edge_index (Tensor or CSRGraph): ``(2, E)`` integers, directed or not; or weights of a walk,
            prepared: their rows are then scaled to sum to one. Beside a ``Data`` it replaces the
            edges of that.
        hops (int): h, the number of averages; 0 for none.
        dim (int): Width of the embedding, at most N and F.
        features (str): Kind of the features, see :func:`scaled_features`.
        seed (int): Seed of the randomised SVD.

    Returns:
        Tensor: ``(N, dim)``, rows of unit length (zero rows stay zero), type and device of ``x``.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range.

    Warns:
        UserWarning: If edges of a ``Data`` have weights, which are not read.

    Complexity: O((h E + N F) dim) time, with the words that are not zero in place of N F where they
    are few; O(N dim) memory beside the scaled features.
    Determinism: same input and seed, same result, for a given number of BLAS threads.
    """
    x, edge_index = features_and_edges(x, edge_index)
    x = check_matrix(x, "x")
    count, width = x.shape
    hops = check_int(hops, "hops", minimum=0)
    dim = check_int(dim, "dim", minimum=1, maximum=min(count, width))
    words = _matrix(sparse_features(scaled_features(x, features).detach().cpu()))
    walk = _walk(edge_index, count)
    back = walk.T.tocsr()

    def forth(rows: np.ndarray) -> np.ndarray:
        out = words @ rows
        for _ in range(hops):
            out = walk @ out
        return np.asarray(out)

    def transposed(rows: np.ndarray) -> np.ndarray:
        for _ in range(hops):
            rows = back @ rows
        return np.asarray(words.T @ rows)

    z = _principal(forth, transposed, (count, width), dim, check_int(seed, "seed", minimum=0))
    size = np.linalg.norm(z, axis=1, keepdims=True)
    return torch.from_numpy(z / np.where(size > 0, size, 1.0)).to(x.device, x.dtype)


def smoothed_kmeans(
    x: Tensor | Data,
    edge_index: Tensor | CSRGraph | None = None,
    num_clusters: int | None = None,
    *,
    hops: int = 2,
    dim: int = 10,
    features: FeatureKind = "auto",
    n_init: int = 20,
    seed: int = 0,
) -> Tensor:
    """Cluster the nodes of an attributed graph without training: k-means on smoothed features.

    The baseline of every table on clustering; :class:`SCGC` starts from its embedding where the
    features are words.

    Args:
        x (Tensor or Data): Features, dense floating point ``(N, F)``, finite; or a PyG ``Data``
            that holds them and the graph, as in ``smoothed_kmeans(data, num_clusters=7)``.
        edge_index (Tensor or CSRGraph): See :func:`smoothed_features`.
        num_clusters (int): K, at least 2; it has no default.
        hops (int): Averages over the graph.
        dim (int): Width of the embedding; narrower features keep theirs.
        features (str): Kind of the features, see :func:`scaled_features`.
        n_init (int): Restarts of k-means.
        seed (int): Seed of SVD and k-means.

    Returns:
        Tensor: Clusters ``(N,)`` int64.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range.

    Warns:
        UserWarning: If edges of a ``Data`` have weights, which are not read.
        sklearn.exceptions.ConvergenceWarning: If fewer than K embeddings differ.

    Example:
        >>> from graphlab.datasets import digits_knn
        >>> from graphlab.evaluate import clustering_scores
        >>> data = digits_knn()
        >>> labels = smoothed_kmeans(data, num_clusters=10, hops=16)
        >>> clustering_scores(data.y, labels)["acc"] > 0.85
        True
    """
    if isinstance(edge_index, int):
        raise TypeError(
            f"edge_index must be edges (2, E), got {edge_index}: a number of clusters goes by its "
            f"name, num_clusters={edge_index}"
        )
    if num_clusters is None:
        raise TypeError("num_clusters must be an int of at least 2, got None")
    x, edge_index = features_and_edges(x, edge_index)
    check_int(dim, "dim", minimum=1)
    dim = min(dim, *check_matrix(x, "x").shape)
    z = smoothed_features(x, edge_index, hops=hops, dim=dim, features=features, seed=seed)
    return initial_centers(z, num_clusters, seed, n_init)[1]


def _matrix(x: Tensor) -> Any:
    """A matrix of doubles; sparse where ``x`` is, without a dense one in between."""
    if x.layout == torch.strided:
        return x.double().numpy()
    parts = (x.values().double(), x.col_indices(), x.crow_indices())
    return sparse.csr_array(tuple(part.numpy() for part in parts), shape=(x.size(0), x.size(1)))


def _walk(edge_index: Tensor | CSRGraph, num_nodes: int) -> sparse.csr_array:
    if not isinstance(edge_index, CSRGraph):
        return influence_matrix(edge_index, num_nodes)[0]
    if edge_index.num_nodes != num_nodes:
        raise ValueError(
            f"edge_index must be a graph of {num_nodes} nodes, got {edge_index.num_nodes}"
        )
    col, rowptr = edge_index.col.cpu().numpy(), edge_index.rowptr.cpu().numpy()
    weight = edge_index.weight
    values = np.ones(len(col)) if weight is None else weight.detach().cpu().double().numpy()
    graph: Any = sparse.csr_array((values, col, rowptr), shape=(num_nodes, num_nodes))
    total = np.asarray(graph.sum(axis=1)).reshape(-1)
    walk: sparse.csr_array = sparse.diags_array(1.0 / np.where(total > 0, total, 1.0)) @ graph
    return walk.tocsr()


def _principal(
    forth: Callable[[np.ndarray], np.ndarray],
    back: Callable[[np.ndarray], np.ndarray],
    shape: tuple[int, int],
    dim: int,
    seed: int,
) -> np.ndarray:
    """Left singular vectors times singular values of a product that is never formed."""
    width = min(dim + _OVERSAMPLING, *shape)
    start = np.random.default_rng(seed).standard_normal((shape[1], width))
    basis = np.linalg.qr(forth(start))[0]
    for _ in range(_ROUNDS):
        basis = np.linalg.qr(forth(np.linalg.qr(back(basis))[0]))[0]
    u, s, _ = np.linalg.svd(back(basis).T, full_matrices=False)
    out: np.ndarray = (basis @ u[:, :dim]) * s[:dim]
    return _without_rounding(out, _ROUNDING * s[0] / np.sqrt(shape[0]))


def _without_rounding(rows: np.ndarray, tolerance: float) -> np.ndarray:
    """One value for all values of a column that lie within a rounding error of each other.

    Products in blocks round the same row differently at different places, and k-means would cut
    identical nodes apart by it.
    """
    order = np.argsort(rows, axis=0, kind="stable")
    ascending = np.take_along_axis(rows, order, axis=0)
    begins = np.ones(rows.shape, dtype=bool)
    begins[1:] = np.diff(ascending, axis=0) > tolerance
    first = np.maximum.accumulate(np.where(begins, np.arange(len(rows))[:, None], 0), axis=0)
    out = np.empty_like(rows)
    np.put_along_axis(out, order, np.take_along_axis(ascending, first, axis=0), axis=0)
    return out
