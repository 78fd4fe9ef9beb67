"""Queries of personalised PageRank: nodes or distributions in, columns or sparse rows out."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from graphlab._checks import check_index, check_int
from graphlab._top_columns import top_columns
from graphlab.embed.pagerank._transition import check_restart

__all__: list[str] = []


def read_queries(queries: Any, num_nodes: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Distributions ``(N, B)`` of nodes (a unit column each) or of given columns.

    Args:
        queries (Any): Node, nodes ``(B,)``, or columns ``(N, B)``.
        num_nodes (int): N.
        dtype (torch.dtype): For nodes; columns keep theirs.
        device (torch.device): For nodes.
    """
    if isinstance(queries, Tensor) and queries.dim() == 2:
        return check_restart(queries, num_nodes)
    if isinstance(queries, int) and not isinstance(queries, bool):
        queries = [queries]
    nodes = queries if isinstance(queries, Tensor) else _as_index(queries)
    index = check_index(nodes, num_nodes, "queries").to(device)
    start = torch.zeros(num_nodes, index.numel(), dtype=dtype, device=device)
    start[index, torch.arange(index.numel(), device=device)] = 1
    return start


def _as_index(queries: Any) -> Tensor:
    try:
        found = torch.as_tensor(queries, device="cpu")
    except (TypeError, ValueError, RuntimeError):
        found = None
    if found is None or found.dim() != 1 or (found.numel() and found.is_floating_point()):
        raise TypeError(
            f"queries must be nodes (B,) or restart columns (N, B), got {type(queries).__name__}"
        )
    return found.long()


def top_rows(columns: Tensor, topk: int | None) -> Tensor | sp.csr_array:
    """The columns as they are, or the largest entries of each as a row of a sparse matrix.

    Of equal entries those of the lowest nodes are taken; zeros are left out.

    Args:
        columns (Tensor): ``(N, B)``.
        topk (int, optional): Entries per column; all columns, dense, where None.

    Returns:
        Tensor or scipy.sparse.csr_array: ``(N, B)``, or ``(B, N)`` with ascending columns in each
        row.
    """
    if topk is None:
        return columns
    check_int(topk, "topk", minimum=1)
    rows = columns.detach().t()
    count, num_nodes = rows.shape
    index = top_columns(rows, min(topk, num_nodes))[1].sort(dim=1).values
    value = rows.gather(1, index)
    kept = value > 0
    pointer = np.concatenate([[0], kept.sum(dim=1).cumsum(dim=0).cpu().numpy()])
    entries = (value[kept].cpu().numpy(), index[kept].cpu().numpy(), pointer)
    return sp.csr_array(entries, shape=(count, num_nodes))
