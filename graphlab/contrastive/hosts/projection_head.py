"""The small network between embeddings and a contrastive loss."""

from __future__ import annotations

from torch import nn

from graphlab._checks import check_int

__all__ = ["projection_head"]


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
