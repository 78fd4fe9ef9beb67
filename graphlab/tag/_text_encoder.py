"""What a text encoder of the caller's returns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphlab._checks import check_matrix

__all__: list[str] = []


def encoded(encoder: Any, texts: Sequence[str], name: str = "encoder") -> Tensor:
    """Embeddings ``(P, D)`` float32 on the CPU of an object with a method ``encode``.

    Raises:
        TypeError: If it has no such method, or that returns no numbers.
        ValueError: If it returns another number of rows, or NaN.
    """
    if isinstance(encoder, (type, str)) or not callable(getattr(encoder, "encode", None)):
        raise TypeError(
            f"{name} must have a method encode(list[str]) -> (N, D), as graphlab.tag.TextEncoder "
            f"has, got {encoder!r:.80}"
        )
    call = f"{name}.encode(texts)"
    rows = torch.from_numpy(numbers_of(encoder.encode(list(texts)), call))
    return check_matrix(rows, call, rows=len(texts))


def numbers_of(given: Any, name: str) -> NDArray[np.float32]:
    """What an encoder returned, a tensor, an array or lists, as float32.

    Raises:
        TypeError: If it holds no real numbers, or rows of several lengths.
    """
    if isinstance(given, Tensor):
        given = given.detach().cpu()
        given = (given if given.is_complex() else given.float()).numpy()
    try:
        array = np.asarray(given)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must return rows of one length: {error}") from error
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"{name} must return real numbers, got {type(given).__name__} of {array.dtype}"
        )
    # torch warns of arrays that it cannot write to.
    return array.astype(np.float32, copy=not array.flags.writeable)
