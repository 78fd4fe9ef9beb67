"""FastRP as its authors compute it, in float64 with scipy; peers that are used if installed."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

Floats = npt.NDArray[np.float64]


def authors_fastrp(
    adjacency: sp.csr_matrix,
    dim: int,
    weights: Sequence[float],
    beta: float | None,
    normalize: bool = True,
    seed: int = 42,
) -> Floats:
    """FastRP with a Gaussian matrix, step by step as published.

    Every power is a sparse product in float64 that is kept, then a normalised copy of each, their
    weighted sum, and the standardisation of its columns.

    Args:
        adjacency (sp.csr_matrix): ``(N, N)`` CSR.
        dim (int): Columns.
        weights (Sequence[float]): Of the powers.
        beta (float, optional): Exponent of the degrees.
        normalize (bool): Whether rows are divided by their norms.
        seed (int): Of the matrix.

    Returns:
        Floats: ``(N, dim)``.
    """
    rng = np.random.default_rng(seed)
    nodes = adjacency.shape[0]
    projection = rng.normal(scale=dim**-0.5, size=(dim, nodes)).T
    degree = np.asarray(adjacency.sum(axis=1)).reshape(-1)
    inverse = np.divide(1.0, degree, out=np.zeros(nodes), where=degree > 0)
    transition = sp.diags(inverse) @ adjacency
    scaled = transition
    if beta is not None:
        factor = np.power(degree, beta, out=np.ones(nodes), where=degree > 0)
        scaled = transition @ sp.diags(factor)
    powers = [scaled @ projection]
    for _ in weights[1:]:
        powers.append(transition @ powers[-1])
    if normalize:
        powers = [unit_rows(power) for power in powers]
    merged = np.zeros((nodes, dim))
    for weight, power in zip(weights, powers, strict=True):
        merged += weight * power
    return np.asarray((merged - merged.mean(axis=0)) / merged.std(axis=0))


def unit_rows(x: Floats) -> Floats:
    """Rows divided by their norms; zero rows stay zero."""
    norm = np.linalg.norm(x, axis=1, keepdims=True)
    return np.asarray(x / np.where(norm > 0, norm, 1.0))


def torch_fastrp(
    adjacency: sp.csr_matrix, dim: int, weights: Sequence[float], beta: float, seed: int = 0
) -> Callable[[], Any]:
    """The same in float32 with torch's sparse matrix product, ready to run."""
    import torch

    degree = np.asarray(adjacency.sum(axis=1)).reshape(-1)
    inverse = np.divide(1.0, degree, out=np.zeros(len(degree)), where=degree > 0)
    transition = (sp.diags(inverse) @ adjacency).tocsr()
    transition.sort_indices()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls its sparse tensors a beta feature
        matrix = torch.sparse_csr_tensor(
            torch.from_numpy(transition.indptr),
            torch.from_numpy(transition.indices),
            torch.from_numpy(transition.data.astype(np.float32)),
            transition.shape,
            check_invariants=True,
        )
    factor = torch.from_numpy(np.where(degree > 0, degree, 1.0) ** beta).float().unsqueeze(1)

    def run() -> Any:
        generator = torch.Generator().manual_seed(seed)
        state = factor * torch.randn(len(degree), dim, generator=generator) * dim**-0.5
        out = torch.zeros_like(state)
        for weight in weights:
            state = matrix @ state
            out += weight * torch.nn.functional.normalize(state, dim=1)
        return out

    return run


def optional_peers(adjacency: sp.csr_matrix, dim: int, powers: int) -> dict[str, Callable[[], Any]]:
    """Peers that can be imported here, each on the graph it has already read.

    The package fastrp is this method in Rust. scikit-network's random projection, and the
    propagation of pycleora with its row norms, are not; they do the same number of products of the
    same matrix with ``dim`` columns.
    """
    peers: dict[str, Callable[[], Any]] = {}
    makers = {
        "fastrp (Rust)": _fastrp_rust,
        "scikit-network": _scikit_network,
        "pycleora": _pycleora,
    }
    for name, make in makers.items():
        try:
            peers[name] = make(adjacency, dim, powers)
        except ImportError:
            continue
    return peers


def _fastrp_rust(adjacency: sp.csr_matrix, dim: int, powers: int) -> Callable[[], Any]:
    package = importlib.import_module("fastrp")
    # The types it works with, so that it need not convert.
    rowptr, col = adjacency.indptr.astype(np.int64), adjacency.indices.astype(np.int64)
    weights = [0.0] + [1.0] * powers  # its first weight is that of the start

    def run() -> Any:
        return package.fit_csr(
            rowptr, col, adjacency.data, adjacency.shape[0], dim, weights, 0, undirected=False
        )

    return run


def _scikit_network(adjacency: sp.csr_matrix, dim: int, powers: int) -> Callable[[], Any]:
    embedding = importlib.import_module("sknetwork.embedding")

    def run() -> Any:
        model = embedding.RandomProjection(n_components=dim, n_iter=powers, random_state=0)
        return model.fit_transform(adjacency)

    return run


def _pycleora(adjacency: sp.csr_matrix, dim: int, powers: int) -> Callable[[], Any]:
    sparse = importlib.import_module("pycleora").SparseMatrix
    entries = sp.triu(adjacency).tocoo()
    lines = (f"{i} {j}" for i, j in zip(entries.row, entries.col, strict=True))
    graph = sparse.from_iterator(lines, "complex::reflexive::node")
    start = graph.initialize_deterministically(dim)

    def run() -> Any:
        state = start
        for _ in range(powers):
            state = graph.left_markov_propagate(state)
            state = unit_rows(state)
        return state

    return run
