"""Random numbers that belong to a node, an edge or a column of one subgraph at one step.

They depend on (seed, step, subgraph, position) alone: neither on the batch a subgraph is in, nor on
the number of processes, nor on what was drawn before. So training on two processes, or resumed,
draws what one uninterrupted process would.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from graphlab.ops import random_projection

FEATURES, EDGES, PERTURBATION = 0, 1, 2
_KINDS = 4
_POSITIONS = 2**31


def names(index: Tensor, owner: Tensor, count: Tensor) -> Tensor:
    """Name of the k-th entry of every subgraph, where ``count`` entries of each follow each other.

    Args:
        index (Tensor): Subgraphs, ``(B,)``.
        owner (Tensor): Position in ``index`` of every entry, ``(n,)`` ascending.
        count (Tensor): Entries of each, ``(B,)``.

    Returns:
        Tensor: int64 ``(n,)``.
    """
    position = torch.arange(owner.numel(), device=owner.device) - (count.cumsum(0) - count)[owner]
    return index[owner] * _POSITIONS + position


def normal(name: Tensor, columns: int, seed: int, step: int, kind: int) -> Tensor:
    """Standard normal numbers ``(n, columns)``, float32."""
    one = torch.ones(name.numel(), device=name.device)
    # Kinds of a step are neighbouring streams, so that none is that of another step.
    stream = (_KINDS * step + kind) % 2**32
    return random_projection(one, 0, columns, sparsity=0.0, node=name, seed=seed, stream=stream)


def keep(name: Tensor, columns: int, drop: float, seed: int, step: int, kind: int) -> Tensor:
    """True with probability ``1 - drop``, ``(n, columns)``."""
    # A normal number is below its p-quantile with probability p: uniform draws without another
    # kernel.
    border = float(torch.special.ndtri(torch.tensor(drop, dtype=torch.float64, device="cpu")))
    return normal(name, columns, seed, step, kind) >= border


def uniform(name: Tensor, columns: int, seed: int, step: int, kind: int) -> Tensor:
    """Uniform numbers in [-1, 1], ``(n, columns)``, float32."""
    # The distribution function of a normal number is uniform; erf is that function, moved to [-1,
    # 1].
    return torch.erf(normal(name, columns, seed, step, kind) / math.sqrt(2))
