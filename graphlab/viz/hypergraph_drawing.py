"""A small hypergraph: nodes, and a region around the members of every hyperedge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from graphlab._checks import check_edge_index, check_int, check_positive, check_range
from graphlab._graphs.hypergraph import stated_sizes
from graphlab._ordered import refuse_unordered
from graphlab.viz._hypergraph_layout import GAP, layout
from graphlab.viz._style import COLORS, DASHES, INK, new_axes
from graphlab.viz._values import Floats, numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch import Tensor
    from torch_geometric.data.hypergraph_data import HyperGraphData

__all__ = ["hypergraph_drawing"]


def hypergraph_drawing(
    hyperedge_index: Tensor | HyperGraphData,
    num_nodes: int | None = None,
    pos: Any = None,
    ax: Axes | None = None,
    *,
    labels: Sequence[str] | None = None,
    padding: float | None = None,
    seed: int = 0,
) -> Axes:
    """Draw a hypergraph of up to some hundred nodes.

    A hyperedge of three or more nodes is a shaded region around them, one of two a thick line, one
    of a single node a ring. Regions also pass over nodes between their members when those lie in
    the middle: give positions when that matters.

    Args:
        hyperedge_index (HyperGraphData or Tensor): The hypergraph, or its incidence ``(2, nnz)``
            int64, row 0 nodes, row 1 hyperedges.
        num_nodes (int, optional): N; needed with a tensor.
        pos (Tensor or array, optional): Positions ``(N, 2)``, finite; by default every connected
            part is laid out by itself, and the parts side by side, nodes without a hyperedge
            in rows below.
        ax (Axes, optional): Axes to draw on; a new figure if ``None``.
        labels (sequence of str, optional): Name of every node, written beside it; the names of a
            ``HyperGraphData`` are ``[str(name) for name in data.node_id]``.
        padding (float, optional): Distance between a node and the border of its regions, as a
            share of the width of the drawing, positive; by default a third of the distance of close
            nodes, and .04 with positions of your own.
        seed (int): Seed of the layout.

    Returns:
        Axes: The axes drawn on.

    Raises:
        TypeError: If the hypergraph is of another kind, or ``labels`` have no order.
        ValueError: If ``pos`` or ``labels`` do not fit N, or ``padding`` is not positive.
        IndexError: If a node is out of range.
        ImportError: If matplotlib is missing.

    Complexity: the layout takes O(n^3) time for parts of n nodes and hyperedges, and O(n^2) for
    parts of more than 250.

    Example:
        >>> import torch
        >>> incidence = torch.tensor([[0, 1, 2, 2, 3], [0, 0, 0, 1, 1]])
        >>> ax = hypergraph_drawing(incidence, num_nodes=4)
        >>> len(ax.patches), len(ax.lines)  # one region, one line
        (1, 1)
    """
    index, count = _incidence(hyperedge_index, num_nodes)
    seed = check_int(seed, "seed", minimum=0)
    positions = layout(index, count, seed) if pos is None else _positions(pos, count)
    refuse_unordered(labels, "labels")
    if labels is not None and len(labels) != count:
        raise ValueError(f"labels must have {count} entries, one per node, got {len(labels)}")
    share = 0.04 if padding is None else check_positive(padding, "padding")
    side = float(np.clip(np.sqrt(count / 20), 1.0, 2.0))
    ax = new_axes(ax, (5.2 * side, 4.4 * side))
    width = float(np.ptp(positions, axis=0).max()) or 1.0
    radius = GAP / 3 if padding is None and pos is None else share * width
    sizes = {int(e): int(n) for e, n in zip(*np.unique(index[1], return_counts=True), strict=True)}
    # Large regions first, so that small ones stay visible on top of them.
    for i, edge in enumerate(sorted(sizes, key=lambda e: (-sizes[e], e))):
        members = positions[np.unique(index[0, index[1] == edge])]
        _draw_edge(ax, members, radius * (1 + 0.15 * (i % 4)), i)
    ax.scatter(positions[:, 0], positions[:, 1], s=28, color=INK, zorder=3)
    for name, (x, y) in zip(labels or (), positions, strict=False):
        color = ax.xaxis.label.get_color()
        ax.annotate(
            name, (x, y), (4, 4), textcoords="offset points", fontsize="x-small", color=color
        )
    ax.set_aspect("equal")
    ax.margins(0.08)
    ax.axis("off")
    return ax


def _draw_edge(ax: Axes, members: Floats, radius: float, i: int) -> None:
    color = COLORS[i % len(COLORS)]
    if len(members) == 2:
        ax.plot(*members.T, color=color, linewidth=3, alpha=0.8, zorder=2)
        return
    dashes: Any = DASHES[i // len(COLORS) % len(DASHES)]
    border = _outline(members, radius)
    ax.fill(*border.T, facecolor=(color, 0.16), edgecolor=color, linestyle=dashes, linewidth=1.2)


def _outline(members: Floats, radius: float) -> Floats:
    """Convex hull of circles around the members."""
    from scipy.spatial import ConvexHull

    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    circle = radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    # Around their middle: far from the origin, the digits of a small circle would be lost.
    middle = members.mean(axis=0)
    points = (members[:, None] - middle + circle).reshape(-1, 2)
    return np.asarray(points[ConvexHull(points).vertices] + middle)


def _incidence(
    hyperedge_index: Tensor | HyperGraphData, num_nodes: int | None
) -> tuple[npt.NDArray[np.int64], int]:
    """Incidence and number of nodes."""
    import torch
    from torch_geometric.data.hypergraph_data import HyperGraphData

    if isinstance(hyperedge_index, HyperGraphData):
        num_nodes = stated_sizes(hyperedge_index)[0] if num_nodes is None else num_nodes
        hyperedge_index = hyperedge_index.edge_index
    elif not isinstance(hyperedge_index, torch.Tensor):
        raise TypeError(
            "hyperedge_index must be a HyperGraphData or a tensor (2, nnz), got "
            f"{type(hyperedge_index).__name__}: graphlab.hyper.from_hyperedges makes the former of "
            "sets of names"
        )
    if num_nodes is None:
        raise ValueError("num_nodes must be given with a tensor: isolated nodes count")
    count = check_int(num_nodes, "num_nodes", minimum=1)
    index = check_edge_index(hyperedge_index, np.iinfo(np.int64).max, "hyperedge_index")
    check_range(index[0], count, "hyperedge_index[0]")
    return np.asarray(index.detach().cpu().numpy(), dtype=np.int64), count


def _positions(pos: Any, num_nodes: int) -> Floats:
    positions = numbers(pos, "pos")
    if positions.shape != (num_nodes, 2) or not np.isfinite(positions).all():
        raise ValueError(f"pos must be finite of shape ({num_nodes}, 2), got {positions.shape}")
    return positions
