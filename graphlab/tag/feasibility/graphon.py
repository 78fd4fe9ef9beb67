"""Graphons as step functions: densities of edges between nodes sorted by degree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import torch
from torch import Tensor

from graphlab._checks import check_choice, check_edge_index, check_int, warn_caller
from graphlab._graphs.edges import count_nodes, read_structure
from graphlab.tag.graphclip import SubgraphSampler, SubgraphStore

__all__ = ["GraphonMethod", "graphon"]

GraphonMethod = Literal["blocks", "usvt"]
_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]

_EGOS = 64  # ego graphs whose nodes are spread over the steps at once
_FLAT = 0.01
_THRESHOLD = 2.02  # times the norm of a noise matrix; the usual 2 plus a margin


def graphon(
    graph: Any,
    num_nodes: int | None = None,
    *,
    resolution: int = 32,
    method: GraphonMethod = "blocks",
    num_egos: int | None = None,
    num_hops: int = 2,
    max_nodes: int = 200,
    seed: int = 0,
) -> Tensor:
    r"""Step function of a graph: share of edges between groups of nodes of similar degree.

    The nodes are sorted by degree, highest first, then by the degrees of their neighbours, and cut
    into ``resolution`` groups of one size; the value of a step is the share of pairs that are
    edges. Nodes that the order does not tell apart are spread evenly over their places, so the
    result does not depend on the numbers of the nodes.

    A large graph is sparse, and its step function little more than its density. ``num_egos`` takes
    the mean over the neighbourhoods of sampled nodes in its place.

    Args:
        graph (graph or sequence of graphs): Edges ``(2, E)``, or any graph that
            :meth:`graphlab.embed.FastRP.fit` reads; weights are not read, self-loops and repeated
            edges dropped. Of several graphs the mean of their step functions is taken.
        num_nodes (int, optional): Number of nodes, where the graph does not state it.
        resolution (int): r, groups of nodes.
        method (str): ``"blocks"``, or ``"usvt"``: singular values that noise of independent edges
            explains are dropped (universal singular value thresholding).
        num_egos (int, optional): Nodes whose neighbourhoods stand for the graph; none of them is
            drawn twice. The whole graph when missing.
        num_hops (int): Radius of a neighbourhood.
        max_nodes (int): Largest neighbourhood, nearest nodes first.
        seed (int): Seed of the sampled nodes.

    Returns:
        Tensor: Symmetric float64 ``(r, r)``, in [0, 1].

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range; if a graph
            has no edge, or fewer nodes than steps.

    Warns:
        UserWarning: If edges have one direction only (both are taken), or if the steps differ by
            less than 0.01, so that a distance compares densities only.

    Complexity: O((N + E) r) time; O((N + E) r) memory, for neighbourhoods that of 64.

    Example:
        >>> star = torch.tensor([[0, 0, 0, 1, 2, 3], [1, 2, 3, 0, 0, 0]])
        >>> graphon(star, resolution=2)
        tensor([[0.5000, 0.5000],
                [0.5000, 0.0000]], dtype=torch.float64)
    """
    resolution = check_int(resolution, "resolution", minimum=1)
    method = check_choice(method, "method", ("blocks", "usvt"))
    sampler = SubgraphSampler(
        "khop",
        num_hops=num_hops,
        max_nodes=check_int(max_nodes, "max_nodes", minimum=2),
        seed=seed,
    )
    graphs = list(graph) if _several(graph) else [graph]
    if not graphs:
        raise ValueError("graph must not be an empty sequence")
    if len(graphs) > 1 and num_nodes is not None:
        raise ValueError("num_nodes must be None where several graphs are given")
    means = []
    for one in graphs:
        edges, size = _simple_edges(one, num_nodes)
        if num_egos is None:
            steps = _of_whole(edges, size, resolution)
        else:
            steps = _of_egos(edges, size, resolution, sampler, num_egos, seed)
        means.append(_denoised(steps, size / resolution) if method == "usvt" else steps)
    result = np.mean(means, axis=0)
    spread = float(result.max() - result.min())
    if resolution > 1 and spread < _FLAT:
        warn_caller(
            f"the steps of the graphon differ by {spread:.2g} only: a distance compares densities; "
            "num_egos=1000 takes the mean over neighbourhoods, which are denser"
        )
    return torch.from_numpy(result)


def _several(graph: Any) -> bool:
    return isinstance(graph, Sequence) and not isinstance(graph, (str, bytes))


def _simple_edges(graph: Any, num_nodes: int | None) -> tuple[Tensor, int]:
    """Both directions of every edge once, without self-loops, int64 ``(2, E)`` on the CPU."""
    index, stated = read_structure(graph, num_nodes)
    size = count_nodes(stated, index)
    edges = check_edge_index(index, size).cpu()
    edges = edges[:, edges[0] != edges[1]]
    if edges.size(1) == 0:
        raise ValueError("graph must have an edge between two nodes, got none")
    keys = torch.unique(edges[0] * size + edges[1])
    both = torch.unique(torch.cat([keys, keys % size * size + keys // size]))
    if both.numel() != keys.numel():
        warn_caller(
            f"graph must be undirected: {both.numel() - keys.numel()} of its {keys.numel()} edges "
            "have no edge back; both directions are taken"
        )
    return torch.stack([both // size, both % size]), size


def _of_whole(edges: Tensor, size: int, resolution: int) -> _Floats:
    if size < resolution:
        raise ValueError(f"resolution must be at most the {size} nodes, got {resolution}")
    owner = np.zeros(size, dtype=np.int64)
    return _block_means(edges.numpy(), owner, 1, resolution)


def _of_egos(
    edges: Tensor, size: int, resolution: int, sampler: SubgraphSampler, num_egos: int, seed: int
) -> _Floats:
    degree = torch.bincount(edges[0], minlength=size)
    inner = degree.nonzero()[:, 0].numpy()  # the neighbourhood of an isolated node has no edge
    number = min(check_int(num_egos, "num_egos", minimum=1), inner.size)
    roots = np.sort(np.random.default_rng(seed).choice(inner, number, replace=False))
    store = sampler.sample(edges, size, torch.from_numpy(roots))
    total = np.zeros((resolution, resolution))
    for first in range(0, number, _EGOS):
        total += _of_store(store, range(first, min(first + _EGOS, number)), resolution)
    return total / number


def _of_store(store: SubgraphStore, index: range, resolution: int) -> _Floats:
    batch = store.batch(index)
    edges = batch.edge_index.numpy()
    edges = edges[:, edges[0] != edges[1]]
    both = np.concatenate([edges, edges[::-1]], axis=1)
    size = batch.node.numel()
    keys = np.unique(both[0] * size + both[1])
    simple = np.stack([keys // size, keys % size])
    return _block_means(simple, batch.batch.numpy(), len(index), resolution)


def _block_means(edges: _Ints, owner: _Ints, count: int, resolution: int) -> _Floats:
    """Sum over graphs of the densities between their groups of nodes.

    Args:
        edges (ndarray): Both directions of the edges of all graphs, ``(2, E)``.
        owner (ndarray): Graph of every node, ascending ``(N,)``.
        count (int): Number of graphs.
        resolution (int): Groups r.
    """
    size = owner.size
    matrix = sp.csr_matrix((np.ones(edges.shape[1]), (edges[0], edges[1])), shape=(size, size))
    degree = np.bincount(edges[0], minlength=size)
    member = _membership(owner, degree, matrix @ degree.astype(np.float64), count, resolution)
    return np.asarray(member.T @ (matrix @ member))


def _membership(
    owner: _Ints, degree: _Ints, second: _Floats, count: int, resolution: int
) -> _Floats:
    """Share of every node in every group, times r and divided by the nodes of its graph."""
    order = np.lexsort((-second, -degree, owner))
    keys = np.stack([owner, degree, second.astype(np.int64)])[:, order]
    begins = np.ones(order.size, dtype=bool)
    begins[1:] = (keys[:, 1:] != keys[:, :-1]).any(axis=0)
    start = np.flatnonzero(begins)
    length = np.diff(np.append(start, order.size))
    nodes = np.bincount(owner, minlength=count)
    before = np.cumsum(nodes) - nodes
    # Places of the nodes that are equal by the order, as part of [0, 1].
    graph = keys[0, start]
    low = (start - before[graph]) / nodes[graph]
    width = length / nodes[graph]
    border = np.arange(resolution + 1) / resolution
    below = np.clip((border - low[:, None]) / width[:, None], 0, 1)
    share = np.diff(below, axis=1) * (resolution / nodes[graph])[:, None]
    member = np.empty((order.size, resolution))
    member[order] = np.repeat(share, length, axis=0)
    return member


def _denoised(steps: _Floats, members: float) -> _Floats:
    """Without the singular values that independent edges of these densities explain."""
    deviation = np.sqrt(np.mean(steps * (1 - steps))) / max(members, 1.0)
    left, value, right = np.linalg.svd(steps)
    kept = value >= _THRESHOLD * np.sqrt(len(steps)) * deviation
    kept[0] = True  # at least the density
    result = np.clip((left[:, kept] * value[kept]) @ right[kept], 0, 1)
    return np.asarray((result + result.T) / 2)
