"""Several pretext tasks as one loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from graphlab._checks import check_list, check_nonnegative
from graphlab.contrastive.pretext.task import PretextTask

__all__ = ["MultiTaskLoss"]


class MultiTaskLoss(nn.Module):
    r"""Weighted sum of pretext tasks, :math:`\sum_t w_t L_t(h)`.

    Args:
        tasks (sequence of PretextTask): Their heads are trained through this module.
        weights (sequence of float): One for each, not negative.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Example:
        >>> from graphlab.contrastive.pretext import EdgeMask, NodeProperty
        >>> from graphlab.datasets import digits_knn
        >>> data = digits_knn()
        >>> both = MultiTaskLoss([EdgeMask(16), NodeProperty(16)], [1.0, 0.5]).setup(data)
        >>> both(torch.zeros(data.num_nodes, 16)).dim()
        0
    """

    def __init__(self, tasks: Sequence[PretextTask], weights: Sequence[float]) -> None:
        super().__init__()
        tasks = check_list(tasks, "tasks", "pretext tasks")
        weights = check_list(weights, "weights", "numbers")
        for task in tasks:
            if not isinstance(task, PretextTask):
                raise TypeError(f"tasks must hold pretext tasks, got {type(task).__name__}")
        if not tasks or len(tasks) != len(weights):
            raise ValueError(
                f"tasks and weights must be of one length, at least 1, "
                f"got {len(tasks)} and {len(weights)}"
            )
        self.tasks = nn.ModuleList(tasks)
        self.weights = [check_nonnegative(weight, "weights") for weight in weights]

    def setup(
        self,
        data: Any,
        *,
        train_mask: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> MultiTaskLoss:
        """Make the targets of all tasks.

        Args:
            data (Data): See :meth:`PretextTask.setup`.
            train_mask (Tensor, optional): bool ``(N,)``, the labels that may be read.
            generator (torch.Generator, optional): Source of the draws, one task after the other.

        Returns:
            MultiTaskLoss: Itself.
        """
        for task in self._listed():
            task.setup(data, train_mask=train_mask, generator=generator)
        return self

    def perturb(self, data: Any) -> Any:
        """Hide what any of the tasks hides.

        Args:
            data (Data): The graph of :meth:`setup`, or a copy.

        Returns:
            Data: The graph that the network should see.

        Raises:
            RuntimeError: If :meth:`setup` was not called.
            ValueError: If two of the tasks hide edges.
        """
        for task in self._listed():
            data = task.perturb(data)
        return data

    def forward(self, h: Tensor) -> Tensor:
        """Add the losses of the tasks.

        Args:
            h (Tensor): ``(N, D)`` hidden states.

        Returns:
            Tensor: A scalar.

        Raises:
            RuntimeError, TypeError, ValueError: See :meth:`PretextTask.loss`.
        """
        losses = [
            weight * task.loss(h) for task, weight in zip(self._listed(), self.weights, strict=True)
        ]
        return torch.stack(losses).sum()

    def _listed(self) -> list[PretextTask]:
        return cast("list[PretextTask]", list(self.tasks))
