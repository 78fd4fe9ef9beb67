"""Importance of the nodes of a graph: degree, PageRank, and the leading eigenvector."""

from __future__ import annotations

from typing import Any, Literal, get_args

import torch
from torch import Tensor

from graphlab._checks import (
    check_choice,
    check_edge_index,
    check_edge_weight,
    check_int,
    check_same_device,
)
from graphlab.contrastive.augment._draws import in_degree

__all__ = ["MEASURES", "Measure", "node_centrality"]

Measure = Literal["degree", "pagerank", "eigenvector", "released_pagerank"]

MEASURES: tuple[Measure, ...] = get_args(Measure)
_DAMPING = 0.85
_STEPS = 200  # 0.85 ** 200 < 1e-14: what is left of the start
_POWER_STEPS = 20_000  # a fallback: parts with equal largest eigenvalues, and small gaps
_TOLERANCE = 1e-13  # of the sum of absolute changes in a step


def node_centrality(
    edge_index: Tensor,
    num_nodes: int,
    measure: Measure = "degree",
    *,
    edge_weight: Tensor | None = None,
) -> Tensor:
    r"""Importance of every node.

    - ``"degree"``: number of edges that enter the node, or the sum of their weights.
    - ``"pagerank"``: the stationary distribution of a walk that follows an out-edge with
      probability 0.85 (in proportion to the weights) and otherwise, and always at a node without
      out-edges, goes on at a node drawn uniformly; as ``networkx.pagerank``. It sums to 1.
    - ``"eigenvector"``: the non-negative eigenvector of length 1 of the largest eigenvalue, over
      in-edges; as ``networkx.eigenvector_centrality_numpy``. In a graph of several components, all
      but one are near zero. Repeated edges count once unless there are weights.
    - ``"released_pagerank"``: what the released code of GCA calls PageRank,
      :math:`r \leftarrow 0.15 + 0.85 \sum_{u \to v} r_u / d_u`, 200 steps in float32. It restarts
      at the node itself and loses the mass of nodes without out-edges, so that it is proportional
      to the degree on an undirected graph and differs from PageRank by more than a factor.

    Args:
        edge_index (Tensor): Edges ``(2, E)``, source to target.
        num_nodes (int): N.
        measure (str): One of the above.
        edge_weight (Tensor, optional): Non-negative weights ``(E,)``; ones if missing. Those of
            repeated edges add up. ``"released_pagerank"`` takes none.

    Returns:
        Tensor: ``(N,)`` float32, not negative; computed in float64 but for the released form.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed, or ``"eigenvector"`` is
            asked of a graph without a cycle, whose only eigenvalue is zero, or of one whose leading
            eigenvector cannot be found. Where there are several, it is the one that an even start
            leads to.

    Complexity: O(E) time for degree; at most O(200 E) for PageRank; a sparse eigenproblem
        otherwise.

    Reference: Page et al., "The PageRank citation ranking", 1999; Bonacich, "Power and centrality",
        American Journal of Sociology 92, 1987; Zhu et al., arXiv:2010.14945 (the released form:
        their ``pGRACE/utils.py``).
    """
    num_nodes = check_int(num_nodes, "num_nodes", minimum=1)
    edge_index = check_edge_index(edge_index, num_nodes)
    check_choice(measure, "measure", MEASURES)
    if edge_weight is not None:
        if measure == "released_pagerank":
            raise ValueError("edge_weight must be None with measure='released_pagerank'")
        check_same_device(edge_index=edge_index, edge_weight=edge_weight)
        edge_weight = check_edge_weight(edge_weight, edge_index.size(1)).detach().double()
    if measure == "degree":
        return _degree(edge_index, num_nodes, edge_weight)
    if measure == "released_pagerank":
        return _released_pagerank(edge_index, num_nodes)
    measured = _pagerank if measure == "pagerank" else _eigenvector
    return measured(edge_index, num_nodes, edge_weight)


def _degree(edge_index: Tensor, num_nodes: int, edge_weight: Tensor | None) -> Tensor:
    if edge_weight is None:
        return in_degree(edge_index, num_nodes)
    return _sums(edge_weight, edge_index[1], num_nodes).float()


def _sums(value: Tensor, index: Tensor, size: int) -> Tensor:
    return torch.zeros(size, dtype=value.dtype, device=value.device).scatter_add_(0, index, value)


def _pagerank(edge_index: Tensor, num_nodes: int, edge_weight: Tensor | None) -> Tensor:
    source, target = edge_index
    weight = (
        torch.ones(source.numel(), dtype=torch.float64, device=edge_index.device)
        if edge_weight is None
        else edge_weight
    )
    out = _sums(weight, source, num_nodes)
    dangling = out == 0
    share = weight / torch.where(dangling, 1.0, out)[source]
    rank = torch.full_like(out, 1 / num_nodes)
    for _ in range(_STEPS):
        arrived = _sums(rank[source] * share, target, num_nodes)
        # Where the walk ends it goes on anywhere, as by a restart.
        restart = (1 - _DAMPING + _DAMPING * rank[dangling].sum()) / num_nodes
        following = _DAMPING * arrived + restart
        change = float((following - rank).abs().sum())
        rank = following
        if change < _TOLERANCE:
            break
    return (rank / rank.sum()).float()


def _released_pagerank(edge_index: Tensor, num_nodes: int) -> Tensor:
    source, target = edge_index
    out_degree = torch.bincount(source, minlength=num_nodes).clamp(min=1).float()
    rank = torch.ones(num_nodes, device=edge_index.device)
    for _ in range(_STEPS):
        message = (rank / out_degree)[source]
        arrived = torch.zeros_like(rank).scatter_add_(0, target, message)
        rank = (1 - _DAMPING) * rank + _DAMPING * arrived
    return rank


def _eigenvector(edge_index: Tensor, num_nodes: int, edge_weight: Tensor | None) -> Tensor:
    import numpy as np
    import scipy.sparse as sp
    from scipy.sparse.linalg import eigs

    weighted = edge_weight is not None
    if edge_index.size(1) == 0:  # every vector is one; the even one prefers no node
        return torch.full((num_nodes,), num_nodes**-0.5, device=edge_index.device)
    source, target = edge_index.cpu().numpy()
    value = edge_weight.cpu().numpy() if edge_weight is not None else np.ones(source.size)
    matrix = sp.csr_matrix((value, (target, source)), shape=(num_nodes, num_nodes))
    if not weighted:
        matrix.data[:] = 1.0  # a simple graph: repeated edges count once, as in networkx
    matrix.eliminate_zeros()
    _check_cycle(matrix)
    if num_nodes < 8:  # too small for ARPACK
        values, vectors = np.linalg.eig(matrix.toarray())
        largest = values.real.max()
        leading: Any = vectors[:, np.argmax(values.real)].real
        if np.isclose(values, largest, rtol=1e-6).sum() > 1:  # one of several vectors
            leading = _power_iteration(matrix)
    else:
        start = np.ones(num_nodes)  # fixed: ARPACK would draw its own
        leading = eigs(matrix, k=1, which="LR", v0=start, maxiter=50 * num_nodes)[1][:, 0].real
    leading = leading * np.sign(leading.sum())
    if not _is_eigenvector(matrix, leading):  # the largest eigenvalue has several vectors
        leading = _power_iteration(matrix)
    leading = leading / np.linalg.norm(leading)
    return torch.from_numpy(leading).float().clamp(min=0).to(edge_index.device)


def _is_eigenvector(matrix: Any, vector: Any) -> bool:
    """Whether a vector without negative entries is one, up to the accuracy of the result."""
    import numpy as np

    length = np.linalg.norm(vector)
    if not length or vector.min() < -1e-6 * length:
        return False
    image = matrix @ vector
    along = float(vector @ image) / length**2
    return bool(np.linalg.norm(image - along * vector) <= 1e-4 * along * length)


def _power_iteration(matrix: Any) -> Any:
    """The leading eigenvector that an even start leads to, as networkx finds it."""
    import numpy as np

    vector = np.full(matrix.shape[0], matrix.shape[0] ** -0.5)
    for _ in range(_POWER_STEPS):
        following = vector + matrix @ vector  # the identity added: nothing swings
        following /= np.linalg.norm(following)
        change = np.abs(following - vector).sum()
        vector = following
        if change < _TOLERANCE:
            break
    if not _is_eigenvector(matrix, vector):
        raise ValueError(
            f"edge_index must have a leading eigenvector that can be found for "
            f"measure='eigenvector': after {_POWER_STEPS} steps there is none, as where components "
            "of equal largest eigenvalue follow each other. Use 'pagerank'"
        )
    return vector


def _check_cycle(matrix: Any) -> None:
    """Require a cycle: without one every eigenvalue is zero, and no eigenvector stands out."""
    from scipy.sparse.csgraph import connected_components

    count = connected_components(matrix, connection="strong", return_labels=False)
    if count == matrix.shape[0] and not matrix.diagonal().any():
        raise ValueError(
            "edge_index must hold a cycle for measure='eigenvector' (an undirected edge is one, "
            "in both directions): every eigenvalue of this graph is zero. Use 'pagerank', or "
            "torch_geometric.utils.to_undirected"
        )
