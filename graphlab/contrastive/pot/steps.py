"""Steps of an encoder on a node, through which bounds can be pushed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from graphlab._checks import check_choice, check_matrix, check_tensor, values_visible

__all__ = ["Activation", "Affine", "Hop", "Step", "gcn_steps"]

NORMS = ("gcn", "mean", "sum")
ACTIVATIONS = ("leaky_relu", "elu", "tanh")


@dataclass(frozen=True)
class Affine:
    """``h -> h weight^T + bias`` for every node on its own.

    Attributes:
        weight (Tensor, optional): ``(out, in)``; ``(in,)`` for a factor per channel; identity if
            missing.
        bias (Tensor, optional): ``(out,)``.
    """

    weight: Tensor | None
    bias: Tensor | None = None

    def forward(self, h: Tensor) -> Tensor:
        """Transform rows."""
        out = self.linear(h, self.weight)
        return out if self.bias is None else out + self.bias

    @staticmethod
    def linear(h: Tensor, weight: Tensor | None) -> Tensor:
        """Transform rows without the bias."""
        if weight is None:
            return h
        return h * weight if weight.dim() == 1 else h @ weight.t()

    def transposed(self, coefficient: Tensor) -> tuple[Tensor, Tensor | None]:
        """Coefficients of the input, and the constant ``(N,)``, of ``<coefficient, output>``."""
        constant = None if self.bias is None else coefficient @ self.bias
        if self.weight is None:
            return coefficient, constant
        if self.weight.dim() == 1:
            return coefficient * self.weight, constant
        return coefficient @ self.weight, constant


@dataclass(frozen=True)
class Activation:
    """A monotone function of every number.

    Attributes:
        name (str): ``"leaky_relu"`` (with slope 0: ReLU), ``"elu"`` or ``"tanh"``.
        slope (float or Tensor): Of ``leaky_relu`` on the negative side, in [0, 1], a number or
            ``(d,)``; of ``elu`` its alpha.
    """

    name: str
    slope: float | Tensor = 0.0

    def __post_init__(self) -> None:
        check_choice(self.name, "name", ACTIVATIONS)
        if self.name == "tanh":
            return
        if not isinstance(self.slope, Tensor):
            if not 0 <= self.slope <= 1:
                raise ValueError(f"negative_slope must lie in [0, 1], got {self.slope}")
            return
        values = self.slope.detach()
        if values_visible(values) and not bool(((values >= 0) & (values <= 1)).all()):
            worst = float(values.flatten()[int((values.flatten() - 0.5).abs().argmax())])
            raise ValueError(f"negative_slope must lie in [0, 1], got {worst}")

    def forward(self, h: Tensor) -> Tensor:
        """Apply the function."""
        if self.name == "tanh":
            return torch.tanh(h)
        if self.name == "elu":
            # Clamped: expm1 of a large number is infinite, and its masked gradient NaN.
            return torch.where(h > 0, h, self.slope * torch.expm1(h.clamp(max=0)))
        return h.clamp(min=0) + self.slope * h.clamp(max=0)

    def derivative(self, h: Tensor) -> Tensor:
        """Derivative of the smooth functions."""
        if self.name == "tanh":
            return 1 - torch.tanh(h).square()
        return torch.where(h > 0, torch.ones_like(h), self.slope * torch.exp(h.clamp(max=0)))


@dataclass(frozen=True)
class Hop:
    r"""One step of message passing, ``scale * (A h) + root``.

    Attributes:
        norm (str): ``"gcn"`` (self-loops, symmetric normalisation), ``"mean"`` or ``"sum"`` over
            the neighbours.
        scale (float): Non-negative factor.
        root_state (int, optional): Index of the state whose own row is added; state 0 is x, state
            k is what step k - 1 returns.
        root_weight (float or Tensor): Factor of that row, a number, ``(1,)`` or ``(d,)``; or a
            matrix ``(out, in)``.
    """

    norm: str
    scale: float = 1.0
    root_state: int | None = None
    root_weight: float | Tensor = 1.0

    def __post_init__(self) -> None:
        check_choice(self.norm, "norm", NORMS)

    def root(self, h: Tensor) -> Tensor:
        """Contribution of the own row."""
        if isinstance(self.root_weight, Tensor):
            return Affine.linear(h, self.root_weight)
        return h * self.root_weight

    def root_transposed(self, coefficient: Tensor) -> Tensor:
        """Coefficients of the own row in ``<coefficient, output>``."""
        if isinstance(self.root_weight, Tensor) and self.root_weight.dim() == 2:
            return coefficient @ self.root_weight
        return coefficient * self.root_weight


Step: TypeAlias = Affine | Activation | Hop


def gcn_steps(
    layers: Sequence[tuple[Tensor, Tensor | None]], negative_slope: float | Tensor
) -> list[Step]:
    """Steps of graph convolutions, each with a leaky rectifier behind it.

    Args:
        layers (sequence): ``(weight (out, in), bias (out,) or None)`` per layer, at least one.
        negative_slope (float or Tensor): In [0, 1]; 0 is ReLU.

    Returns:
        list: Four steps per layer (three without bias).

    Raises:
        TypeError, ValueError: If shapes do not fit.
    """
    if not layers:
        raise ValueError("layers must hold at least one (weight, bias), got none")
    steps: list[Step] = []
    width: int | None = None
    for k, (weight, bias) in enumerate(layers):
        check_matrix(weight, f"layers[{k}] weight", cols=width)
        width = weight.size(0)
        steps += [Affine(weight), Hop("gcn")]
        if bias is not None:
            if check_tensor(bias, f"layers[{k}] bias").shape != (width,):
                raise ValueError(
                    f"layers[{k}] bias must have shape ({width},), got {tuple(bias.shape)}"
                )
            steps.append(Affine(None, bias))
        steps.append(Activation("leaky_relu", negative_slope))
    return steps
