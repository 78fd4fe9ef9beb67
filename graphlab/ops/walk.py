"""Random walks with restart, every step a function of its coordinates, and what they traverse."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlab._checks import (
    check_index,
    check_int,
    check_same_device,
    check_tensor,
    values_visible,
)
from graphlab.ops import reference
from graphlab.ops._loose_rows import takes_loose_rows
from graphlab.ops.csr import SparseRows, check_rows
from graphlab.ops.library import call, define

__all__ = ["random_walk", "walk_subgraphs"]

define(
    "random_walk(Tensor rowptr, Tensor col, Tensor start, int seed, int stream, int length, "
    "float restart) -> Tensor",
    reference.random_walk,
    lambda rowptr, col, start, seed, stream, length, restart: start.new_empty(
        (start.shape[0], length + 1), dtype=torch.int32
    ),
)


def _unknown_sizes(walks: Tensor, max_nodes: int) -> tuple[Tensor, ...]:
    context = torch.library.get_ctx()
    nodes, edges = context.new_dynamic_size(), context.new_dynamic_size()
    count, width = walks.shape
    return (
        walks.new_empty(count + 1, dtype=torch.int64),
        walks.new_empty(nodes),
        walks.new_empty(count + 1, dtype=torch.int64),
        walks.new_empty((2, edges), dtype=reference.local_dtype(width)),
        walks.new_empty(count),
    )


define(
    "walk_subgraphs(Tensor walks, int max_nodes) -> (Tensor, Tensor, Tensor, Tensor, Tensor)",
    reference.walk_subgraphs,
    _unknown_sizes,
)


@takes_loose_rows(0, ("rowptr", "col"))
def random_walk(
    graph: SparseRows,
    start: Tensor,
    *,
    length: int,
    restart: float = 0.0,
    seed: int = 0,
    stream: int = 0,
) -> Tensor:
    r"""Random walks with restart on a graph.

    At every step the walk returns to its start with probability ``restart`` (and where it has no
    neighbour), otherwise it moves to a uniform neighbour.

    **Format promise.** The walk of a start depends on nothing but (seed, stream, start) and the
    graph: neither on the other starts nor on threads, devices or kernels. Words are those of
    :func:`graphlab._random.philox_uint32` for row ``start``: columns 2 t (return if below
    :math:`\lfloor 2^{32} p + 1/2 \rfloor`) and 2 t + 1 (neighbour
    :math:`\lfloor u d / 2^{32} \rfloor`) of step t. It changes only with the major version.

    Args:
        graph (SparseRows): Neighbours of every node; weights are not read.
        start (Tensor): Start nodes, integers ``(P,)``; also names the random numbers.
        length (int): Steps, at least 1 and below ``2**32``.
        restart (float): Probability p in ``[0, 1)``.
        seed (int): In ``[0, 2**64)``.
        stream (int): In ``[0, 2**32)``; streams are independent walks from the same starts.

    Returns:
        Tensor: int32 ``(P, length + 1)``; column 0 is the start, -1 a return to it.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range.

    Complexity: O(P length) time; nothing but the result is stored.

    Example:
        >>> graph = SparseRows.from_edge_index(torch.tensor([[0, 1], [1, 0]]), 2)
        >>> random_walk(graph, torch.tensor([0]), length=3).tolist()
        [[0, 1, 0, 1]]
    """
    check_rows(graph, "graph")
    if graph.num_rows != graph.num_cols:
        raise ValueError(f"graph must be square, got {graph}")
    graph.check_values()
    start = check_index(start, graph.num_rows, "start")
    check_same_device(graph=graph.rowptr, start=start)
    length = check_int(length, "length", minimum=1, maximum=2**32)
    seed = check_int(seed, "seed", minimum=0, maximum=2**64 - 1)
    stream = check_int(stream, "stream", minimum=0, maximum=2**32 - 1)
    if isinstance(restart, bool) or not isinstance(restart, (int, float)):
        raise TypeError(f"restart must be a number, got {type(restart).__name__}")
    if not 0.0 <= restart < 1.0:
        raise ValueError(f"restart must lie in [0, 1), got {restart}")
    # Schemas have signed integers: the upper half of the seeds travels as negative numbers.
    signed = seed - 2**64 if seed >= 2**63 else seed
    out: Tensor = call(
        "random_walk", graph.rowptr, graph.col, start, signed, stream, length, float(restart)
    )
    return out


def walk_subgraphs(
    walks: Tensor, *, max_nodes: int | None = None
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Subgraphs of the edges that walks traverse, in compressed rows.

    Args:
        walks (Tensor): int32 ``(P, L + 1)`` as :func:`random_walk` returns them: column 0 is the
            start, -1 a return to it.
        max_nodes (int, optional): A walk ends before it would visit one node more; at least 1.

    Returns:
        tuple: ``node_ptr`` int64 ``(P + 1,)``; ``node`` int32, ascending within a subgraph;
        ``edge_ptr`` int64 ``(P + 1,)``; ``edge`` ``(2, E)``, local ids, int16 up to ``L + 1 =
        2**15`` and int32 beyond, both directions of every edge once, sorted; ``root`` int32
        ``(P,)``, local id of the start. A walk without a step is its start with a self-loop.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range.

    Complexity: O(P L) memory; time O(P (L + n log n)) for n distinct nodes a walk in the compiled
    kernel, which runs on the CPU.

    Example:
        >>> walks = torch.tensor([[5, 2, -1, 7]], dtype=torch.int32)
        >>> node_ptr, node, edge_ptr, edge, root = walk_subgraphs(walks)
        >>> node.tolist(), edge.tolist(), root.tolist()
        ([2, 5, 7], [[0, 1, 1, 2], [1, 0, 2, 1]], [1])
    """
    if check_tensor(walks, "walks").dtype != torch.int32 or walks.dim() != 2:
        raise TypeError(f"walks must be int32 and 2-D, got {walks.dtype} {tuple(walks.shape)}")
    if walks.size(1) == 0:
        raise ValueError(f"walks must have at least one column, got {tuple(walks.shape)}")
    if values_visible(walks) and walks.numel():
        if walks[:, 0].min() < 0:
            row = int(walks[:, 0].argmin())
            raise IndexError(f"walks[{row}, 0] = {int(walks[row, 0])} must name the start")
        if walks.min() < -1:
            row, step = divmod(int(walks.argmin()), walks.size(1))
            raise IndexError(f"walks[{row}, {step}] = {int(walks[row, step])} is below -1")
    limit = -1 if max_nodes is None else check_int(max_nodes, "max_nodes", minimum=1)
    out: tuple[Tensor, Tensor, Tensor, Tensor, Tensor] = call("walk_subgraphs", walks, limit)
    return out
