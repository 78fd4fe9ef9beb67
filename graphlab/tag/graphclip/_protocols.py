"""Protocol of text encoders: all that this package asks of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from graphlab._checks import check_matrix


class Encoder(Protocol):
    """Anything that embeds texts."""

    def encode(self, texts: list[str]) -> Tensor:
        """Embed texts as the rows of a floating-point matrix."""


def embed(encoder: Encoder, texts: Sequence[str], width: int | None = None) -> Tensor:
    """Embeddings ``(P, D)`` float32 on the CPU, checked.

    Raises:
        ValueError: If the encoder gives another number of rows, or another width than ``width``.
    """
    rows = torch.as_tensor(encoder.encode(list(texts))).detach().float().cpu()
    check_matrix(rows, "encoder.encode(texts)", rows=len(texts))
    if width is not None and rows.size(1) != width:
        raise ValueError(
            f"encoder must give {width} columns, as the graph tower does, got {rows.size(1)}"
        )
    return rows


def check_texts(
    texts: Sequence[str], num_nodes: int | None = None, name: str = "texts"
) -> list[str]:
    """Texts as a list: one string per node, none of them blank.

    Raises:
        TypeError: If an entry is no string.
        ValueError: If the number is wrong or an entry is blank.
    """
    if isinstance(texts, str):
        raise TypeError(f"{name} must be a list of strings, got one string")
    found = list(texts)
    if num_nodes is not None and len(found) != num_nodes:
        raise ValueError(f"{name} must have {num_nodes} entries, one per node, got {len(found)}")
    for i, text in enumerate(found):
        if not isinstance(text, str):
            raise TypeError(f"{name}[{i}] must be a string, got {type(text).__name__}")
        if not text.strip():
            raise ValueError(f"{name}[{i}] is empty; give every node a text")
    return found
