"""The encoders that the authors' code knows, recognised from their steps."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlab.contrastive.pot.steps import Activation, Affine, Hop, Step

__all__ = ["two_convolutions"]


def two_convolutions(
    steps: list[Step],
) -> tuple[list[tuple[Tensor, Tensor | None]], float]:
    """Weights and slope of two graph convolutions with the same rectifier behind each.

    Raises:
        NotImplementedError: If the steps are anything else.
    """
    layers: list[tuple[Tensor, Tensor | None]] = []
    slopes: list[float] = []
    rest = list(steps)
    while rest and len(layers) < 2:
        weight, hop = rest[:2] if len(rest) > 1 else (None, None)
        if not (isinstance(weight, Affine) and weight.weight is not None and weight.bias is None):
            break
        if not (isinstance(hop, Hop) and hop.norm == "gcn" and hop.root_state is None):
            break
        rest = rest[2:]
        bias = None
        if rest and isinstance(rest[0], Affine) and rest[0].weight is None:
            bias = rest.pop(0).bias  # type: ignore[union-attr]
        if not (rest and isinstance(rest[0], Activation) and rest[0].name == "leaky_relu"):
            break
        slope = torch.as_tensor(rest.pop(0).slope, device="cpu").detach()  # type: ignore[union-attr]
        if slope.numel() != 1:
            break
        layers.append((weight.weight, bias))
        slopes.append(float(slope))
    if len(layers) != 2 or rest or slopes[0] != slopes[1]:
        raise NotImplementedError(
            "mode='reference' is defined for two GCNConv layers, each followed by the same ReLU, "
            "LeakyReLU or PReLU with one slope; use mode='sound' for this encoder"
        )
    return layers, slopes[0]
