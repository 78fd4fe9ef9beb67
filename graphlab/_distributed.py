"""Collectives with gradients; every function is the identity outside ``torch.distributed``.

Gradient convention: each rank calls ``backward`` on its own loss L_r, and what is differentiated is
the sum of the losses over the ranks. That is the derivative of a program in which communication
is an ordinary operation, and :class:`~torch.nn.parallel.DistributedDataParallel` divides it by the
number of ranks afterwards: for a loss that every rank computes equally from gathered values, its
mean is then exactly the gradient of that one loss.

Every rank of the group must make the same calls in the same order, backward included; so the
argument needs a gradient on all ranks or on none.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from graphlab._checks import check_tensor

Group = Any  # a torch.distributed.ProcessGroup, a class that exists only in builds that have it

_MAX_DIMS = 8
_CODES = (
    torch.float32,
    torch.float64,
    torch.float16,
    torch.bfloat16,
    torch.int64,
    torch.int32,
    torch.int16,
    torch.int8,
    torch.uint8,
    torch.bool,
)


def world_size(group: Group = None) -> int:
    """Number of processes in the group; 1 when torch.distributed is not in use.

    Args:
        group: Process group; ``None`` is the default group.

    Returns:
        int: At least 1.

    Raises:
        ValueError: If this process is not a member of ``group``.
    """
    if not (dist.is_available() and dist.is_initialized()):
        return 1
    size = dist.get_world_size(group)
    if size < 1:
        raise ValueError("group must contain this process")
    return size


def rank(group: Group = None) -> int:
    """Number of this process in the group, from 0; 0 when torch.distributed is not in use.

    Args:
        group: Process group; ``None`` is the default group.

    Returns:
        int: In ``[0, world_size(group))``.

    Raises:
        ValueError: If this process is not a member of ``group``.
    """
    return 0 if world_size(group) == 1 else dist.get_rank(group)


def is_distributed(group: Group = None) -> bool:
    """Tell whether results have to be combined with other processes.

    Args:
        group: Process group; ``None`` is the default group.

    Returns:
        bool: Whether the group has more than one process.
    """
    return world_size(group) > 1


def all_reduce_sum(t: Tensor, group: Group = None) -> Tensor:
    r"""Sum a tensor over the processes; the argument is not changed.

    .. math:: S = \sum_r t_r, \qquad \frac{\partial \sum_q L_q}{\partial t_r} =
        \sum_q \frac{\partial L_q}{\partial S}

    So the backward pass sums over the processes too. It can be differentiated again.

    Args:
        t: Any shape, equal on all ranks (not checked: that would cost a second message).
        group: Process group; ``None`` is the default group.

    Returns:
        Tensor: The sum, same shape and dtype; ``t`` itself for a single process.

    Raises:
        TypeError: If ``t`` is not a dense tensor.

    Determinism: the order of the sum is the backend's; equal on all ranks.
    """
    check_tensor(t, "t")
    if not is_distributed(group):
        return t
    return _AllReduceSum.apply(t, group)  # type: ignore[no-any-return, no-untyped-call]


def all_gather_rows(t: Tensor, group: Group = None) -> Tensor:
    r"""Concatenate the rows of all processes in rank order; the numbers of rows may differ.

    The backward pass sums the gradients of all processes and hands every process its own rows:

    .. math:: G = [t_0; t_1; \dots], \qquad \frac{\partial \sum_q L_q}{\partial t_r} =
        \Big(\sum_q \frac{\partial L_q}{\partial G}\Big)[\text{rows of } r]

    Args:
        t: ``(R_r, ...)``; dtype and trailing shape equal on all ranks, at most eight dimensions.
            A rank may have no rows.
        group: Process group; ``None`` is the default group.

    Returns:
        Tensor: ``(sum of R_r, ...)``; ``t`` itself for a single process.

    Raises:
        TypeError: If ``t`` is not a dense tensor of a supported dtype.
        ValueError: If ``t`` has no rows dimension, or ranks disagree on dtype or trailing shape;
            raised on all ranks.

    Complexity: two messages; W times the largest shard in memory while gathering.
    """
    check_tensor(t, "t")
    if not 1 <= t.dim() <= _MAX_DIMS:
        raise ValueError(f"t must have 1 to {_MAX_DIMS} dimensions, got shape {tuple(t.shape)}")
    if not is_distributed(group):
        return t
    return _AllGatherRows.apply(t, group)  # type: ignore[no-any-return, no-untyped-call]


class _AllReduceSum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, t: Tensor, group: Group) -> Tensor:
        ctx.group = group
        result = t.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(result, group=group)
        return result

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return all_reduce_sum(grad, ctx.group), None


class _AllGatherRows(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, t: Tensor, group: Group) -> Tensor:
        counts = _gather_counts(t, group)
        ctx.group = group
        ctx.start, ctx.length = sum(counts[: rank(group)]), t.size(0)
        if max(counts) == 0:
            return t.clone()
        # Collectives want equal sizes on all ranks: pad to the longest, cut after.
        padded = t.new_zeros((max(counts), *t.shape[1:]))
        padded[: t.size(0)] = t
        parts = [torch.empty_like(padded) for _ in counts]
        dist.all_gather(parts, padded, group=group)
        return torch.cat([part[:count] for part, count in zip(parts, counts, strict=True)])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return all_reduce_sum(grad, ctx.group).narrow(0, ctx.start, ctx.length), None


def _gather_counts(t: Tensor, group: Group) -> list[int]:
    """Rows per rank, after making sure that the tensors fit together."""
    code = _CODES.index(t.dtype) if t.dtype in _CODES else -1
    trailing = list(t.shape[1:]) + [-1] * (_MAX_DIMS - t.dim())
    own = torch.tensor([t.size(0), code, *trailing], device=t.device)
    parts = [torch.empty_like(own) for _ in range(world_size(group))]
    dist.all_gather(parts, own, group=group)
    table = torch.stack(parts).tolist()
    if any(row[1] < 0 for row in table):
        raise TypeError(f"t must have one of the dtypes {_CODES} on all ranks, here {t.dtype}")
    if any(row[1:] != table[0][1:] for row in table):
        raise ValueError(
            "t must have the same dtype and trailing shape on all ranks, "
            f"here {t.dtype} and {tuple(t.shape)}"
        )
    return [row[0] for row in table]
