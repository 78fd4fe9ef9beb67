"""Weights that others published, read without running anything that a file holds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

__all__: list[str] = []


def read_plain_tensors(path: Path, inside: str) -> dict[str, Tensor]:
    """Tensors by name of a file of torch, which may hold them as one entry among others.

    Args:
        path (Path): The file.
        inside (str): Name of that entry.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it holds anything but tensors and plain values.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise
    except Exception as error:  # what unpickling raises depends on what the file holds
        raise ValueError(f"{path} is not a file of plain tensors: {error}") from error
    if isinstance(state, Mapping) and isinstance(state.get(inside), Mapping):
        state = state[inside]
    if not isinstance(state, Mapping) or not all(isinstance(v, Tensor) for v in state.values()):
        raise ValueError(f"{path} must hold a mapping from names to tensors")
    return dict(state)
