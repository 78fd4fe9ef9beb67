"""Operators on maximal cliques; :mod:`graphlab.hyper` is what people use."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlab.ops import reference
from graphlab.ops.library import define

__all__: list[str] = []


def _unknown_sizes(
    rowptr: Tensor, col: Tensor, max_cliques: int, time_limit: float
) -> tuple[Tensor, Tensor, Tensor]:
    context = torch.library.get_ctx()
    rows, entries = context.new_dynamic_size(), context.new_dynamic_size()
    return rowptr.new_empty(rows), rowptr.new_empty(entries), rowptr.new_empty(1)


define(
    "maximal_cliques(Tensor rowptr, Tensor col, int max_cliques, float time_limit) "
    "-> (Tensor, Tensor, Tensor)",
    reference.maximal_cliques,
    _unknown_sizes,
)
define(
    "clique_overlap(Tensor ptr, Tensor idx, Tensor rowptr, Tensor col) -> (Tensor, Tensor)",
    reference.clique_overlap,
    lambda ptr, idx, rowptr, col: (
        rowptr.new_empty(rowptr.shape[0] - 1),
        rowptr.new_empty((4, col.shape[0])),
    ),
)
