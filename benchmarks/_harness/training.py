"""A training step to time."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

__all__ = ["training_step"]


def training_step(
    loss: Callable[[], Tensor], parameters: Iterable[nn.Parameter], lr: float = 1e-3
) -> Callable[[], None]:
    """Forward, backward and a step of Adam.

    Args:
        loss (callable): Forward pass; returns a scalar.
        parameters (Iterable[nn.Parameter]): What is trained.
        lr (float): Learning rate.

    Returns:
        callable: Does one step.
    """
    optimizer = torch.optim.Adam(parameters, lr=lr)

    def run() -> None:
        value = loss()
        optimizer.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return run
