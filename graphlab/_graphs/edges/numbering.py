"""How many nodes a graph has where nobody says so."""

from __future__ import annotations

from torch import Tensor

from graphlab._checks import check_edge_index, check_num_nodes
from graphlab._checks.graph_kinds import refuse_ids

__all__: list[str] = []


def count_nodes(num_nodes: int | None, *edge_indices: Tensor | None) -> int:
    """The given number of nodes, or one more than the largest index.

    Raises:
        TypeError, ValueError: If the number is malformed or too large, or if the indices look like
            ids of another system: then one row per number would fill the memory.
    """
    if num_nodes is not None:
        return check_num_nodes(num_nodes)
    given = [edges for edges in edge_indices if edges is not None]
    present = [check_edge_index(edges, 2**31 - 1, values=False) for edges in given]
    present = [edges for edges in present if edges.numel()]
    count = max((int(edges.max()) + 1 for edges in present), default=0)
    return refuse_ids(count, sum(edges.numel() for edges in present))
