"""Definition of the operators on maximal cliques; they compute on the CPU wherever the data is."""

from __future__ import annotations

import time

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from torch import Tensor

_Ints = npt.NDArray[np.int64]
# Entries of a product of matrices that are held at once.
_PRODUCT_ENTRIES = 1 << 24
# State of a search: a clique, the nodes that can join it, and those that could as well but were
# searched already.
_Search = tuple[tuple[int, ...], set[int], set[int]]


def maximal_cliques(
    rowptr: Tensor, col: Tensor, max_cliques: int, time_limit: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Rows ``(ptr, idx)`` in lexicographic order, and 0, 1 (too many) or 2 (too long).

    Bron and Kerbosch's recursion with Tomita's pivot, as a loop over a stack.
    """
    near = _neighbour_sets(rowptr, col)
    stop = time.monotonic() + time_limit if time_limit > 0 else float("inf")
    cliques: list[tuple[int, ...]] = []
    every = set(range(len(near)))
    stack: list[_Search] = [((), every, set())] if every else []
    while stack:
        clique, can, gone = stack.pop()
        if not can:
            if not gone:
                cliques.append(tuple(sorted(clique)))
                if 0 <= max_cliques < len(cliques):
                    return _result(rowptr, [], 1)
            continue
        if time.monotonic() > stop:
            return _result(rowptr, [], 2)
        pivot = max(can | gone, key=lambda u: (len(near[u] & can), -u))
        for v in sorted(can - near[pivot]):
            stack.append(((*clique, v), can & near[v], gone & near[v]))
            can.discard(v)
            gone.add(v)
    return _result(rowptr, sorted(cliques), 0)


def _neighbour_sets(rowptr: Tensor, col: Tensor) -> list[set[int]]:
    borders, others = rowptr.tolist(), col.tolist()
    return [set(others[borders[v] : borders[v + 1]]) for v in range(len(borders) - 1)]


def _result(
    like: Tensor, rows: list[tuple[int, ...]], status: int
) -> tuple[Tensor, Tensor, Tensor]:
    sizes = torch.tensor([0, *(len(row) for row in rows)], device="cpu")
    idx = torch.tensor([node for row in rows for node in row], dtype=torch.int64, device="cpu")
    parts = (torch.cumsum(sizes, 0), idx, torch.tensor([status], device="cpu"))
    return tuple(part.to(like.device) for part in parts)  # type: ignore[return-value]


def clique_overlap(ptr: Tensor, idx: Tensor, rowptr: Tensor, col: Tensor) -> tuple[Tensor, Tensor]:
    """Overlaps of cliques at nodes and at edges: ``(N,)`` and ``(4, E)`` int64.

    With C(v) the cliques at v: ``node[v]`` counts ordered pairs in C(v) that share two nodes or
    more. For the entry (u, v): row 0 is ``|C(u) & C(v)|``; row 1 the sum over these of the others
    in C(u) that share two nodes with them; row 2 the pairs of C(u) x C(v) that meet (a clique meets
    itself); row 3, at entries with u < v only, the pairs in both that share three nodes or more.
    """
    cliques, nodes = ptr.numel() - 1, rowptr.numel() - 1
    member = _matrix(ptr, idx, cliques, nodes)
    row = np.repeat(np.arange(nodes), np.diff(rowptr.cpu().numpy()))
    other = col.cpu().numpy().astype(np.int64)
    node = np.zeros(nodes, dtype=np.int64)
    edge = np.zeros((4, other.size), dtype=np.int64)
    keys = row * nodes + other
    for rows in _blocks(member):
        _add_block(member, rows, keys, node, edge)

    # Copied into torch's own layout: numpy gives empty arrays other strides than torch does.
    def tensor(array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).clone(memory_format=torch.contiguous_format).to(ptr.device)

    return tensor(node), tensor(edge)


def _matrix(ptr: Tensor, idx: Tensor, cliques: int, nodes: int) -> sparse.csr_array:
    content = (np.ones(idx.numel(), dtype=np.int64), idx.cpu().numpy(), ptr.cpu().numpy())
    return sparse.csr_array(content, shape=(cliques, nodes))


def _blocks(member: sparse.csr_array) -> list[slice]:
    """Ranges of cliques whose rows of the product with all cliques stay small."""
    cost = np.cumsum(member @ np.asarray(member.sum(axis=0)).ravel())
    cuts, start = [], 0
    while start < cost.size:
        limit = _PRODUCT_ENTRIES + (cost[start - 1] if start else 0)
        stop = max(start + 1, int(np.searchsorted(cost, limit)))
        cuts.append(slice(start, stop))
        start = stop
    return cuts


def _add_block(
    member: sparse.csr_array,
    rows: slice,
    keys: _Ints,
    node: _Ints,
    edge: _Ints,
) -> None:
    """Add what the cliques of a block contribute."""
    block = member[rows]
    shared = sparse.csr_array(block @ member.T)
    shared.sort_indices()
    meets = shared.copy()
    meets.data = (shared.data >= 1).astype(np.int64)
    twice = shared.copy()
    twice.data = (shared.data >= 2).astype(np.int64)
    # Others at v that share two nodes with the clique, at every (clique, node) of the block.
    partners = sparse.csr_array((twice @ member).multiply(block))
    lone = np.repeat(np.diff(block.indptr) > 1, np.diff(partners.indptr))
    partners.data = partners.data - lone
    node += np.asarray(partners.sum(axis=0)).ravel()
    edge[0] += _at(block.T @ block, keys)
    edge[1] += _at(partners.T @ block, keys)
    edge[2] += _at(block.T @ (meets @ member), keys)
    _add_triples(member, rows.start, shared, keys, edge[3])


def _at(matrix: sparse.csr_array, keys: _Ints) -> _Ints:
    """Entries of a square matrix at ascending keys ``row * N + column``."""
    matrix = sparse.csr_array(matrix)
    matrix.sort_indices()
    own = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr)) * matrix.shape[1]
    own = own + matrix.indices
    position = np.minimum(np.searchsorted(own, keys), max(own.size - 1, 0))
    if own.size == 0:
        return np.zeros(keys.size, dtype=np.int64)
    out: _Ints = np.where(own[position] == keys, matrix.data[position], 0)
    return out


def _add_triples(
    member: sparse.csr_array, first: int, shared: sparse.csr_array, keys: _Ints, out: _Ints
) -> None:
    """Pairs of cliques that share three nodes or more, counted at the edges they share."""
    left = np.repeat(np.arange(shared.shape[0]), np.diff(shared.indptr)) + first
    chosen = (shared.data >= 3) & (shared.indices > left)
    for a, b in zip(left[chosen], shared.indices[chosen], strict=True):
        both = np.intersect1d(_row(member, a), _row(member, b), assume_unique=True)
        i, j = np.triu_indices(both.size, 1)
        wanted = both[i].astype(np.int64) * member.shape[1] + both[j]
        position = np.minimum(np.searchsorted(keys, wanted), max(keys.size - 1, 0))
        out[position[keys[position] == wanted]] += 1


def _row(member: sparse.csr_array, clique: int) -> _Ints:
    return member.indices[member.indptr[clique] : member.indptr[clique + 1]].astype(np.int64)
