"""Protocol of text encoders: all that this package asks of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from graphlab.tag._text_encoder import encoded


class Encoder(Protocol):
    """Anything that embeds texts."""

    def encode(self, texts: list[str]) -> Tensor:
        """Embed texts as the rows of a floating-point matrix."""


def embed(encoder: Encoder, texts: Sequence[str], width: int | None = None) -> Tensor:
    """Embeddings ``(P, D)`` float32 on the CPU, checked.

    Raises:
        TypeError: If it has no method ``encode``.
        ValueError: If the encoder gives another number of rows, or another width than ``width``.
    """
    rows = encoded(encoder, texts)
    if width is not None and rows.size(1) != width:
        raise ValueError(
            f"encoder must give {width} columns, as the graph tower does, got {rows.size(1)}"
        )
    return rows
