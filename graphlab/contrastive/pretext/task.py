"""What all pretext tasks share."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from graphlab._checks import check_edge_index, check_int, check_matrix, check_same_device
from graphlab._checks.graph_objects import check_data

if sys.version_info >= (3, 11):
    from typing import Self
else:
    from typing_extensions import Self

__all__ = ["PretextTask"]


class PretextTask(nn.Module, ABC):
    """A question about a graph whose answers need no annotation, asked beside a classification.

    Targets are made once per graph, by :meth:`setup`; :meth:`loss` compares them with what a linear
    head reads from hidden states, and is added to the loss of the classification::

        task = DistanceToLabeled(hidden_channels, num_classes).setup(data)
        ...
        h = conv1(x, edge_index).relu()
        loss = cross_entropy(conv2(dropout(h), edge_index)[train], y[train]) + weight * task.loss(h)

    The head is trained with the network, and moves with it (``.to()``); the targets are not part of
    its state: :meth:`setup` makes them again.

    Args:
        in_channels (int): Width D of the hidden states.
        out_channels (int): Outputs of the head.

    Attributes:
        head (Linear): From hidden states to answers.
        report (dict): Numbers of what has a target and what has not, after :meth:`setup`.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.in_channels = check_int(in_channels, "in_channels", minimum=1)
        self.head = nn.Linear(self.in_channels, out_channels)
        self.report: dict[str, int] = {}
        self._num_nodes: int | None = None

    def setup(
        self,
        data: Any,
        *,
        train_mask: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Self:
        """Make the targets of a graph.

        Args:
            data (Data): A graph with what the task reads.
            train_mask (Tensor, optional): bool ``(N,)``, the labels that may be read by the tasks
                that read some; ``data.train_mask`` by default. No other label is looked at.
            generator (torch.Generator, optional): Source of the draws of the tasks that draw;
                seed 0 by default.

        Returns:
            PretextTask: Itself.

        Raises:
            TypeError, ValueError: If the graph lacks what is needed.

        Warns:
            UserWarning: If much of the graph has no target.
        """
        check_data(data)
        if getattr(data, "edge_index", None) is None:
            raise ValueError("data must have edge_index, int64 (2, E)")
        num_nodes = int(data.num_nodes)
        if num_nodes == 0:
            raise ValueError("data must have at least one node, got none")
        check_edge_index(data.edge_index, num_nodes, "data.edge_index")
        drawing = torch.Generator().manual_seed(0) if generator is None else generator
        self.report = self._prepare(data, train_mask, drawing)
        self._num_nodes = num_nodes
        return self

    def forward(self, h: Tensor) -> Tensor:
        """:meth:`loss`, as every loss is called.

        Args:
            h (Tensor): ``(N, D)`` hidden states.

        Returns:
            Tensor: A scalar.
        """
        return self.loss(h)

    def loss(self, h: Tensor) -> Tensor:
        """Compare the answers of the head with the targets.

        Args:
            h (Tensor): ``(N, D)`` hidden states, of the dtype of the head, of the graph that
                :meth:`perturb` returns.

        Returns:
            Tensor: A scalar; zero, with a gradient, where nothing has a target.

        Raises:
            RuntimeError: If :meth:`setup` was not called.
            TypeError, ValueError: If the hidden states do not fit.
        """
        num_nodes = self._require_setup()
        h = check_matrix(h, "h", rows=num_nodes, cols=self.in_channels)
        check_same_device(h=h, head=self.head.weight)
        if h.dtype != self.head.weight.dtype and not torch.is_autocast_enabled(h.device.type):
            raise TypeError(
                f"h must have the dtype of the head, {self.head.weight.dtype}, got {h.dtype}: "
                "task.to(h.dtype) converts it"
            )
        return self._compare(h)

    def perturb(self, data: Any) -> Any:
        """The graph that the network should see: what the task asks for may not be in it.

        Args:
            data (Data): The graph of :meth:`setup`, or a copy.

        Returns:
            Data: The graph itself, unless the task hides a part of it.

        Raises:
            RuntimeError: If :meth:`setup` was not called.
            TypeError, ValueError: If it is another graph.
        """
        num_nodes = self._require_setup()
        check_data(data)
        if int(data.num_nodes) != num_nodes:
            raise ValueError(
                f"data must be the graph of setup, of {num_nodes} nodes, got {data.num_nodes}"
            )
        return self._hide(data)

    @abstractmethod
    def _prepare(
        self, data: Any, train_mask: Tensor | None, generator: torch.Generator
    ) -> dict[str, int]:
        """Make the targets; the report."""

    @abstractmethod
    def _compare(self, h: Tensor) -> Tensor:
        """The loss of checked hidden states."""

    def _hide(self, data: Any) -> Any:
        return data

    def _require_setup(self) -> int:
        """Number of nodes of the graph."""
        if self._num_nodes is None:
            raise RuntimeError("setup(data) must be called first")
        return self._num_nodes

    def _keep(self, name: str, value: Tensor) -> None:
        """Hold a tensor that moves with the head and is no part of its state."""
        self.register_buffer(name, value.to(self.head.weight.device), persistent=False)
