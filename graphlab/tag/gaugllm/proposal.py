"""Edges to ask about: the least similar neighbours and the most similar others."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor

from graphlab._checks import check_edge_index, check_int, from_array
from graphlab._feature_rows import FeatureRows, check_feature_rows, in_memory
from graphlab._progress import track
from graphlab.embed import fastrp
from graphlab.ops import unit_rows
from graphlab.tag.gaugllm._sampling import rank_in_group
from graphlab.tag.gaugllm.candidates import ADD, DELETE, EdgeCandidates

__all__ = ["propose_edge_candidates"]


def propose_edge_candidates(
    x: FeatureRows | npt.NDArray[Any] | None,
    edge_index: Tensor,
    num_del: int = 10,
    num_add: int = 10,
    min_del: int = 5,
    *,
    num_nodes: int | None = None,
    dim: int = 128,
    seed: int = 0,
    block: int = 2048,
) -> EdgeCandidates:
    """Propose spurious and missing edges of every node by cosine similarity.

    Exact: every pair of nodes is compared, in tiles, and only a running list per node is kept.
    Without ``x`` nodes are compared by their FastRP embeddings, that is, by structure.

    Args:
        x (Tensor, ndarray or EmbeddingStore, optional): Features or embeddings ``(N, D)``, finite,
            read whole; or None for FastRP embeddings.
        edge_index (Tensor): Edges ``(2, E)``; the neighbours of a node are the targets of its
            edges. Loops and repeated edges are ignored.
        num_del (int): Most candidates per node for deletion.
        num_add (int): Most candidates per node for addition.
        min_del (int): Nodes with fewer candidates for deletion get none.
        num_nodes (int, optional): N; needed without ``x``.
        dim (int): Columns of the FastRP embeddings.
        seed (int): Seed of the FastRP embeddings.
        block (int): Rows and columns of a tile.

    Returns:
        EdgeCandidates: Sorted by node; deletions (least similar first) before additions (most
        similar first).

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed.

    Complexity: O(N^2 D) time; O(block^2 + N (num_add + D) + E) memory.

    Example:
        >>> x = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]])
        >>> asked = propose_edge_candidates(x, torch.tensor([[0, 2], [2, 0]]), min_del=1)
        >>> list(zip(asked.src.tolist(), asked.dst.tolist(), asked.kind.tolist()))
        [(0, 2, 0), (0, 1, 1), (1, 0, 1), (1, 2, 1), (2, 0, 0), (2, 1, 1)]
    """
    if x is None and num_nodes is None:
        raise ValueError("num_nodes must be given where x is not")
    rows = None if x is None else check_feature_rows(from_array(x, "x"), "x", rows=num_nodes)
    count = num_nodes if rows is None else int(rows.shape[0])
    total = check_int(count, "num_nodes", minimum=1)
    for name, value in (("num_del", num_del), ("num_add", num_add), ("min_del", min_del)):
        check_int(value, name, minimum=0)
    block = check_int(block, "block", minimum=1)
    edges = check_edge_index(edge_index, total)
    z = (
        fastrp(edges, num_nodes=total, dim=dim, seed=seed, direction="both")
        if rows is None
        else in_memory(rows)
    )
    z = unit_rows(z.detach().float())
    # Distinct edges without loops, sorted by source, whatever form the graph came in.
    keys = (edges[0] * total + edges[1])[edges[0] != edges[1]].unique()
    row, col = keys // total, keys % total
    parts = [_least_similar(z, row, col, num_del, min_del, block)]
    parts.append(_most_similar(z, row, col, num_add, block))
    src, dst, score = (torch.cat(values) for values in zip(*parts, strict=True))
    kind = torch.full_like(src, ADD)
    kind[: parts[0][0].numel()] = DELETE
    order = (2 * src + kind).argsort(stable=True)
    return EdgeCandidates(src[order], dst[order], kind[order], total, score[order])


def _least_similar(
    z: Tensor, row: Tensor, col: Tensor, count: int, least: int, block: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Pairs and similarities of the neighbours to doubt."""
    pieces = zip(row.split(block), col.split(block), strict=True)
    parts = [(z[i] * z[j]).sum(1) for i, j in pieces]
    score = torch.cat(parts) if parts else z.new_empty(0)
    rank = rank_in_group(row, score)
    degree = torch.bincount(row, minlength=z.size(0))
    # Nodes with few neighbours keep all of them: deleting there would isolate them.
    keep = (rank < count) & (degree.clamp(max=count)[row] >= least)
    order = (row * (count + 1) + rank.clamp(max=count))[keep].argsort()
    return row[keep][order], col[keep][order], score[keep][order]


def _most_similar(
    z: Tensor, row: Tensor, col: Tensor, count: int, block: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Pairs and similarities of the others to think of."""
    total = z.size(0)
    blocks: list[tuple[Tensor, Tensor, Tensor]] = []
    for start in track(range(0, total, block), "most similar pairs", unit="blocks"):
        stop = min(total, start + block)
        first, last = torch.searchsorted(row, torch.tensor([start, stop], device=row.device))
        mine = slice(int(first), int(last))
        best, index = _running_top(z, start, stop, row[mine] - start, col[mine], count, block)
        present = best > -torch.inf
        node = torch.arange(start, stop, device=z.device).unsqueeze(1).expand_as(index)
        blocks.append((node[present], index[present], best[present]))
    return tuple(torch.cat(values) for values in zip(*blocks, strict=True))  # type: ignore[return-value]


def _running_top(
    z: Tensor, start: int, stop: int, row: Tensor, col: Tensor, count: int, block: int
) -> tuple[Tensor, Tensor]:
    """Best similarities and nodes ``(rows, <= count)`` of a block, over tiles of columns."""
    best = z.new_empty(stop - start, 0)
    index = torch.empty(stop - start, 0, dtype=torch.long, device=z.device)
    for left in range(0, z.size(0), block):
        right = min(z.size(0), left + block)
        tile = z[start:stop] @ z[left:right].t()
        inside = (col >= left) & (col < right)
        # Neighbours and the node itself are no candidates for addition.
        tile[row[inside], col[inside] - left] = -torch.inf
        low, high = max(start, left), min(stop, right)
        own = torch.arange(low, max(low, high), device=z.device)
        tile[own - start, own - left] = -torch.inf
        # The best of the running list and of this tile: all similarities never exist at once.
        values, columns = tile.topk(min(count, right - left), dim=1)
        best, index = torch.cat([best, values], 1), torch.cat([index, columns + left], 1)
        best, chosen = best.topk(min(count, best.size(1)), dim=1)
        index = index.gather(1, chosen)
    return best, index
