"""Text encoders of the caller: what may be one, and what it returns.

Every function that takes an encoder takes both kinds by :func:`encode_function`: objects with a
method ``encode``, such as :class:`graphlab.tag.TextEncoder` and sentence encoders, and functions of
texts, such as :class:`graphlab.tag.HashingEncoder`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphlab._checks import check_matrix

__all__: list[str] = []


class Encoder(Protocol):
    """An object that embeds texts."""

    def encode(self, texts: list[str], /) -> Any:
        """Embed texts as the rows of a floating-point matrix ``(N, D)``."""


AnyEncoder = Encoder | Callable[[list[str]], Any]


def encode_function(
    encoder: Any, name: str = "encoder", also: str = "", *, zeros: bool = False
) -> Callable[[list[str]], Any]:
    """The function of texts in an encoder: its method ``encode``, or the encoder itself.

    Args:
        encoder (object): What the caller brings.
        name (str): Its argument, for errors.
        also (str): What else the argument may be, for errors, such as ``"be a name, or "``.
        zeros (bool): Take rows of zeros from a ``TextEncoder``, for texts without a known word,
            where it would raise otherwise.

    Returns:
        callable: From a list of texts to what :func:`numbers_of` reads.

    Raises:
        TypeError: If it is neither.
    """
    if not isinstance(encoder, (type, str, bytes)):
        kept = getattr(encoder, "_encode_or_zero", None) if zeros else None
        if callable(kept):
            return kept  # type: ignore[no-any-return]
        for function in (getattr(encoder, "encode", None), encoder):
            if callable(function):
                return function  # type: ignore[no-any-return]
    raise TypeError(
        f"{name} must {also}have a method encode(list[str]) -> (N, D), as graphlab.tag.TextEncoder "
        f"has, or be such a function, got {encoder!r:.80}" + _way_out(encoder)
    )


def _way_out(encoder: Any) -> str:
    """What to write in place of a name."""
    return f": write TextEncoder({encoder!r:.80})" if isinstance(encoder, str) else ""


def encoded(
    encoder: AnyEncoder, texts: Sequence[str], name: str = "encoder", *, zeros: bool = False
) -> Tensor:
    """Embeddings ``(P, D)`` float32 on the CPU; ``zeros`` as for :func:`encode_function`.

    Raises:
        TypeError: If the encoder embeds no texts, or returns no numbers.
        ValueError: If it returns another number of rows, or NaN.
    """
    function = encode_function(encoder, name, zeros=zeros)
    call = f"{name}(texts)" if function is encoder else f"{name}.encode(texts)"
    rows = torch.from_numpy(numbers_of(function(list(texts)), call))
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
