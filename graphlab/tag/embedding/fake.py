"""A text encoder of random numbers, for tests."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from graphlab._checks import check_int, check_list, check_text

__all__ = ["FakeTextEncoder"]


class FakeTextEncoder:
    """Random unit vectors that depend on nothing but the text: for tests of what uses an encoder.

    Args:
        dim (int): Columns of the result.

    Example:
        >>> encode = FakeTextEncoder(dim=4)
        >>> bool((encode(["a", "b"])[:1] == encode(["a"])).all())
        True
    """

    def __init__(self, dim: int = 384) -> None:
        self.dim = check_int(dim, "dim", minimum=1)
        self.identity = f"fake-{dim}"

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Embed texts.

        Args:
            texts (Sequence[str]): Any texts.

        Returns:
            numpy.ndarray: ``(N, dim)`` float32 with rows of norm one.
        """
        texts = check_list(texts, "texts", "texts")
        result = np.empty((len(texts), self.dim), np.float32)
        for row, text in zip(result, texts, strict=True):
            name = hashlib.sha256(
                check_text(text, "texts").encode("utf-8", "surrogatepass")
            ).digest()
            draws = np.random.Generator(np.random.Philox(int.from_bytes(name[:16], "big")))
            row[:] = draws.standard_normal(self.dim, np.float32)
            row /= np.linalg.norm(row)
        return result

    def __repr__(self) -> str:
        return f"FakeTextEncoder(dim={self.dim})"
