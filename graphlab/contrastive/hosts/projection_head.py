"""The small network between embeddings and a contrastive loss."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from graphlab._checks import check_int, check_matrix, check_pair

__all__ = ["check_head_dtype", "head_outputs", "host_head", "projection_head"]

_CONVERSIONS = {torch.float64: "double()", torch.float32: "float()"}


def projection_head(channels: int, hidden_channels: int | None = None) -> nn.Sequential:
    """Two linear layers with ELU between them, from ``channels`` to ``channels``.

    Args:
        channels (int): Width of the embeddings.
        hidden_channels (int, optional): Width between the layers; as ``channels`` if missing.

    Returns:
        nn.Sequential: The network.

    Raises:
        TypeError, ValueError: If an argument is malformed.
    """
    channels = check_int(channels, "channels", minimum=1)
    hidden = channels if hidden_channels is None else hidden_channels
    hidden = check_int(hidden, "hidden_channels", minimum=1)
    return nn.Sequential(nn.Linear(channels, hidden), nn.ELU(), nn.Linear(hidden, channels))


def host_head(out_channels: int, proj_channels: int | None) -> nn.Sequential:
    """:func:`projection_head` of a host, by the names of its arguments."""
    width = check_int(out_channels, "out_channels", minimum=1)
    if proj_channels is not None:
        check_int(proj_channels, "proj_channels", minimum=1)
    return projection_head(width, proj_channels)


def head_outputs(head: nn.Sequential, z1: Any, z2: Any) -> tuple[Tensor, Tensor]:
    """Both views' embeddings behind a network that begins with a linear layer.

    Which numbers they hold, the loss checks.

    Raises:
        TypeError, ValueError: If they are not two matrices of the width of the layer.
    """
    width: Any = head[0].in_features
    check_matrix(z1, "z1", cols=width, finite=False)
    z1, z2 = check_pair(z1, z2, finite=False)
    for z, name in ((z1, "z1"), (z2, "z2")):
        check_head_dtype(z, head, name)
    return head(z1), head(z2)


def check_head_dtype(z: Tensor, head: nn.Module, name: str, what: str = "head") -> None:
    """Require the dtype of a network of the model's own; autocast converts by itself.

    Raises:
        TypeError: If it is another one, as that of an encoder converted without its model.
    """
    dtype = next(head.parameters()).dtype
    if z.dtype != dtype and not torch.is_autocast_enabled(z.device.type):
        to = _CONVERSIONS.get(z.dtype, f"to({z.dtype})")
        raise TypeError(
            f"{name} must have the dtype of the {what}, {dtype}, got {z.dtype}: "
            f"model.{to} converts encoder and {what}"
        )
