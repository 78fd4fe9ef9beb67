"""How many nodes a graph has where nobody says so."""

from __future__ import annotations

from torch import Tensor

from graphlab._checks import MAP_IDS, check_edge_index, check_num_nodes

__all__: list[str] = []

#: Below this many nodes a wrong guess costs little, and small examples have gaps.
_FEW = 2**20
#: More numbers than this per end of an edge: at least 90 % of them name no node.
_SPREAD = 10


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


def refuse_ids(count: int, ends: int) -> int:
    """Require that the largest index + 1 can be the number of nodes of a graph.

    Args:
        count (int): Largest index + 1.
        ends (int): Number of ends of edges, two for each.
    """
    if count > 2**31 - 1 or count > max(_FEW, _SPREAD * ends):
        raise ValueError(
            f"edge_index must hold node numbers 0, ..., N - 1, but holds {count - 1} in "
            f"{ends // 2} edges, which looks like an id: {MAP_IDS}, or pass num_nodes"
        )
    return count
