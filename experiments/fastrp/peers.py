"""Embeddings of the same width from matrices that are factorised, beside FastRP on its splits."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import torch
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.utils import to_scipy_sparse_matrix

Floats = npt.NDArray[np.floating[Any]]

#: Steps of DeepWalk's window, and negative samples per pair.
WINDOW, NEGATIVES = 10, 1
#: NetMF holds N x N numbers.
MAX_DENSE_NODES = 15_000


def spectral(adjacency: sp.csr_matrix, dim: int, seed: int) -> Floats:
    """Largest singular vectors of D^-1/2 A D^-1/2, times the roots of the singular values."""
    root = sp.diags(_inverse(adjacency.sum(1)) ** 0.5)
    return _factorised(root @ adjacency @ root, dim, seed)


def netmf(adjacency: sp.csr_matrix, dim: int, seed: int) -> Floats:
    """What DeepWalk factorises, without its walks: logarithms of averaged powers.

    Reference: Qiu et al., "Network embedding as matrix factorization: unifying DeepWalk, LINE, PTE,
    and node2vec", WSDM 2018, arXiv:1710.02971.

    Raises:
        ValueError: If there are too many nodes for a matrix of all pairs.
    """
    count = adjacency.shape[0]
    if count > MAX_DENSE_NODES:
        raise ValueError(
            f"netmf holds all pairs and takes at most {MAX_DENSE_NODES} nodes, got {count}: leave "
            "it out of peers"
        )
    inverse = _inverse(adjacency.sum(1)).astype(np.float32)
    walk = (sp.diags(inverse) @ adjacency).astype(np.float32).tocsr()
    power = walk.toarray()
    total = power.copy()
    for _ in range(WINDOW - 1):
        power = walk @ power
        total += power
    total *= np.float32(adjacency.sum() / (WINDOW * NEGATIVES)) * inverse[None, :]
    return _factorised(np.log(np.maximum(total, 1.0)), dim, seed)


PEERS: dict[str, Callable[[sp.csr_matrix, int, int], Floats]] = {
    "spectral": spectral,
    "netmf": netmf,
}
TITLES = {"spectral": "spectral (SVD)", "netmf": "NetMF (DeepWalk's matrix)"}


def embedding(name: str, data: Data, dim: int, seed: int) -> tuple[Tensor, float]:
    """Embedding of a peer, columns of mean zero and variance one as FastRP's, and its seconds."""
    if name not in PEERS:
        raise ValueError(f"peers must be among {tuple(PEERS)}, got {name!r}")
    adjacency = to_scipy_sparse_matrix(data.edge_index.cpu(), num_nodes=data.num_nodes).tocsr()
    begin = time.perf_counter()
    z = torch.from_numpy(np.ascontiguousarray(PEERS[name](adjacency, dim, seed))).float()
    z = (z - z.mean(0)) / z.std(0).clamp(min=1e-12)
    return z, time.perf_counter() - begin


def _factorised(matrix: Any, dim: int, seed: int) -> Floats:
    from sklearn.utils.extmath import randomized_svd

    left, values, _ = randomized_svd(matrix, dim, random_state=seed)
    return np.asarray(left * np.sqrt(values))


def _inverse(degree: Any) -> Floats:
    """One over the degrees, zero for nodes without edges."""
    flat = np.asarray(degree, dtype=np.float64).ravel()
    return np.divide(1.0, flat, out=np.zeros_like(flat), where=flat > 0)
