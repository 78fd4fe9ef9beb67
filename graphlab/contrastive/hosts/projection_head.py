"""The small network between embeddings and a contrastive loss."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from graphlab._checks import check_int, check_matrix, check_pair

__all__ = ["head_outputs", "host_head", "projection_head"]


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
    return head(z1), head(z2)
