"""Which ends of an edge average over the other one, and the nodes that this leaves without any."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import torch

from graphlab._checks import warn_caller
from graphlab.embed._adjacency import Adjacency, from_matrix
from graphlab.embed.fastrp._options import Options
from graphlab.ops import SparseRows

__all__: list[str] = []

_PART = 1 << 24


def oriented(adjacency: Adjacency, options: Options) -> Adjacency:
    """Rows of the chosen direction; the same object where edges are taken as they are.

    For ``"both"`` the entries (i, j) and (j, i) become the larger of the two, so that a graph that
    holds both directions stays as it is.
    """
    direction = options.direction
    if direction not in ("both", "in"):
        return adjacency
    matrix = adjacency.matrix()
    turned = matrix.T.tocsr()
    chosen = turned if direction == "in" else matrix.maximum(turned).tocsr()
    entries = np.diff(chosen.indptr)
    repeated = int(adjacency.count.sum()) != matrix.nnz
    if repeated and options.degree == "count":
        # Repetitions are merged by now: ends are counted once per entry.
        raise ValueError(
            f"direction={direction!r} does not tell repeated edges apart, which degree='count' "
            "counts: give both directions of every edge and direction='out'"
        )
    return from_matrix(chosen, entries, adjacency.rows.device)


def warn_of_zero_rows(adjacency: Adjacency, options: Options) -> None:
    """Warn of nodes with edges whose row is zero because no edge leads on, unless that was asked.

    Args:
        adjacency (Adjacency): The graph as it was given.
        options (Options): Of the fit.
    """
    if options.direction is not None or options.self_weight != 0:
        return
    if _walks_go_on(adjacency.rows):
        return
    matrix = adjacency.matrix().copy()  # which shares the memory of the adjacency
    matrix.eliminate_zeros()
    linked = np.diff(matrix.indptr) > 0
    linked[matrix.indices] = True
    zero = linked & ~_walk_starts(matrix, options)
    count, total = int(zero.sum()), adjacency.num_nodes
    if count:
        share = f"{100 * count / total:.3g} %"
        warn_caller(
            f"{count} of {total} nodes ({share}) have edges but get a row of zeros: "
            "edges are followed from edge_index[0] to edge_index[1] only, and no walk of the "
            "lengths in weights begins there. If every edge is given once, pass direction='both'; "
            "if the direction has a meaning, 'out' (this result) or 'in'"
        )


def _walks_go_on(rows: SparseRows) -> bool:
    """Test whether every node that an edge leads to has an edge itself; no edge weighs zero."""
    if rows.weight is not None and bool((rows.weight == 0).any()):
        return False
    starts = rows.rowptr.diff() > 0
    reached = torch.zeros_like(starts)
    for part in rows.col.split(_PART):  # in parts: indices are 64 bits wide
        reached[part.long()] = True
    return not bool((reached & ~starts).any())


def _walk_starts(
    matrix: sp.csr_matrix, options: Options
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Nodes where a walk begins of a length that is used, ``(N,)``."""
    pattern = sp.csr_matrix(
        (np.ones(matrix.nnz, dtype=np.float32), matrix.indices, matrix.indptr), shape=matrix.shape
    )
    alive = np.ones(matrix.shape[0], dtype=bool)
    found = np.zeros(matrix.shape[0], dtype=bool)
    for factor in options.weights or (1.0,) * options.num_powers:
        alive = pattern @ alive.astype(np.float32) > 0
        if factor != 0:
            found |= alive
    return found


def changed_rows(edge_index: torch.Tensor, direction: str | None) -> torch.Tensor:
    """Nodes whose rows change with edges that are added, in no order."""
    if direction == "both":
        return edge_index.reshape(-1)
    return edge_index[1 if direction == "in" else 0]
