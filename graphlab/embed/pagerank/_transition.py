"""Transition matrix of a random walk, transposed, and the rule for nodes without out-edges."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from graphlab._checks import check_choice, check_int, check_matrix
from graphlab.embed._adjacency import Adjacency
from graphlab.ops import SparseRows, propagate, propagate_merge

__all__: list[str] = []

Dangling = Literal["source", "uniform", "self"]
DANGLING: tuple[Dangling, ...] = ("source", "uniform", "self")
MAX_STEPS = 10_000


@dataclass(frozen=True)
class Transition:
    """Rows of the transposed transition matrix.

    Attributes:
        rows (SparseRows): :math:`P^T`, float64 weights: row v lists the nodes that lead to v.
        transposed (SparseRows): :math:`P`, for gradients.
        dangling (str): What a walk does at a node without out-edges.
    """

    rows: SparseRows
    transposed: SparseRows
    dangling: str

    @property
    def num_nodes(self) -> int:
        """Number of nodes."""
        return self.rows.num_rows

    @cached_property
    def has_dead_ends(self) -> bool:
        """Whether a node has no out-edges; with the rule ``"self"`` none has."""
        return bool((self.transposed.rowptr.diff() == 0).any())


def check_teleport(value: Any) -> float:
    """Require a probability strictly between 0 and 1."""
    return _between(value, "teleport")


def _between(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.floating, np.integer)):
        raise TypeError(f"{name} must be a number, got {type(value).__name__}")
    number = float(value)
    if not 0.0 < number < 1.0:
        raise ValueError(f"{name} must lie strictly between 0 and 1, got {value}")
    return number


def check_steps(steps: Any, tol: Any, teleport: float) -> int:
    """Number of powers: given, or so many that the mass left over is below the tolerance."""
    if steps is not None:
        return check_int(steps, "steps", minimum=1, maximum=MAX_STEPS)
    needed = math.ceil(math.log(_between(tol, "tol")) / math.log1p(-teleport))
    if needed > MAX_STEPS:
        raise ValueError(
            f"teleport = {teleport} needs {needed} steps for tol = {tol}, more than {MAX_STEPS}: "
            "raise one of them, or set steps"
        )
    return max(needed, 1)


def transition(adjacency: Adjacency, dangling: str) -> Transition:
    """Normalise the rows of a graph; a row whose weights sum to 0 has no out-edges.

    Args:
        adjacency (Adjacency): The graph.
        dangling (str): ``"source"``, ``"uniform"`` or ``"self"``.
    """
    check_choice(dangling, "dangling", DANGLING)
    matrix = adjacency.matrix()
    degree = adjacency.degree().cpu().numpy()
    empty = degree == 0
    inverse = np.divide(1.0, degree, out=np.zeros_like(degree), where=~empty)
    matrix = sp.diags_array(inverse) @ matrix
    if dangling == "self":
        matrix = matrix + sp.diags_array(empty.astype(np.float64))
    device = adjacency.rows.device
    forward = sp.csr_array(matrix)
    return Transition(_rows(forward.T.tocsr(), device), _rows(forward, device), dangling)


def _rows(matrix: sp.csr_array, device: torch.device) -> SparseRows:
    rows = SparseRows(
        torch.from_numpy(matrix.indptr.astype(np.int64)),
        torch.from_numpy(matrix.indices.astype(np.int32)),
        torch.from_numpy(matrix.data.astype(np.float64)),
    )
    return rows.to(device)


def check_restart(value: Any, num_nodes: int) -> Tensor:
    """Require non-negative columns ``(N, B)``; each is divided by its sum."""
    restart = check_matrix(value, "restart", rows=num_nodes)
    if restart.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"restart must be float32 or float64, got {restart.dtype}")
    if restart.numel() and float(restart.detach().min()) < 0:
        row, column = (int(i) for i in (restart.detach() < 0).nonzero()[0])
        raise ValueError(
            f"restart must not be negative, but restart[{row}, {column}] = "
            f"{float(restart.detach()[row, column])}"
        )
    total = restart.sum(dim=0)
    if bool((total == 0).any()):
        column = int((total == 0).nonzero()[0])
        raise ValueError(f"restart must have a positive sum per column, but column {column} is 0")
    return restart / total


def stationary(graph: Transition, restart: Tensor, teleport: float, steps: int) -> Tensor:
    """Personalised PageRank ``(N, B)`` of checked restart distributions.

    The geometric series of powers, cut after ``steps``. A walk that ends at a node without
    out-edges loses its mass; what is lost goes back to where the rule says, which is a matter of
    the sum alone.
    """
    if graph.dangling != "uniform":
        found = _series(graph, restart, teleport, steps)
        # By the sum also for "self": the cut leaves a little mass over.
        return found / found.sum(dim=0)
    count = graph.num_nodes
    uniform = restart.new_full((count, 1), 1.0 / max(count, 1))
    both = _series(graph, torch.cat([restart, uniform], dim=1), teleport, steps)
    found, spread = both[:, :-1], both[:, -1:]
    missing = 1.0 - found.sum(dim=0)
    return found + spread * (missing / spread.sum())


def _series(graph: Transition, restart: Tensor, teleport: float, steps: int) -> Tensor:
    r"""Sum of :math:`c (1-c)^k (P^T)^k r` for k below ``steps``, and the rest at the last power."""
    keep = 1.0 - teleport
    coefficients = [teleport * keep**k for k in range(steps)]
    coefficients.append(keep**steps)
    if not (restart.requires_grad and torch.is_grad_enabled()):
        return propagate_merge(restart, graph.rows, coefficients=coefficients)
    power, total = restart, coefficients[0] * restart
    for coefficient in coefficients[1:]:
        power = propagate(power.contiguous(), graph.rows, transposed=graph.transposed)
        total = total + coefficient * power
    return total
