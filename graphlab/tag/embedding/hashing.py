"""Text encoders that need no model: hashed words, and random numbers for tests."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from graphlab._checks import check_int
from graphlab._estimator import Estimator

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["FakeTextEncoder", "HashingEncoder"]


class HashingEncoder(Estimator):
    r"""Embed texts by hashed words and word pairs, reduced to a few hundred numbers.

    The encoder that is always there: no download, no model, thousands of texts per second on one
    core. Before :meth:`fit` it is a fixed function: log-scaled counts of hashed words, times a
    random matrix, so texts that share words are near. After :meth:`fit` counts are weighted by
    rarity (TF-IDF) and projected on their leading singular vectors (latent semantic analysis).

    It knows words, not meanings: a sentence encoder is better wherever one can be had.

    Args:
        dim: Columns of the result.
        num_features: Buckets for words, a power of two is usual.
        ngrams: Longest sequence of words that counts.
        seed: For the random matrix, and for the start of the singular vectors.

    Determinism: bitwise on one machine; up to rounding between machines.

    Reference: Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", ICML 2009.
        arXiv:0902.2206

    Example:
        >>> encode = HashingEncoder(dim=16).fit(["a red cat", "a blue dog", "a red dog"])
        >>> encode(["a red cat"]).shape
        (1, 16)
    """

    def __init__(
        self, dim: int = 384, num_features: int = 2**15, ngrams: int = 2, seed: int = 0
    ) -> None:
        self.dim = check_int(dim, "dim", minimum=1)
        self.num_features = check_int(num_features, "num_features", minimum=dim)
        self.ngrams = check_int(ngrams, "ngrams", minimum=1)
        self.seed = check_int(seed, "seed", minimum=0, maximum=2**63 - 1)
        self._idf: np.ndarray | None = None
        self._components: np.ndarray | None = None  # (num_features, dim)
        self._projection: np.ndarray | None = None  # the same before fit, made when needed

    def fit(self, texts: Sequence[str]) -> HashingEncoder:
        """Learn the weights of words and the directions of a corpus; no label is used.

        Args:
            texts: The corpus, or some ten thousand texts of it. Directions that it is too small to
                have are zero columns.

        Returns:
            HashingEncoder: This encoder.

        Raises:
            ValueError: If there are fewer than two texts.

        Complexity: O(words dim) time.
        """
        if len(texts) < 2:
            raise ValueError(f"texts must hold at least two texts to fit on, got {len(texts)}")
        counts = self._count(texts)
        frequency = np.bincount(counts.indices, minlength=self.num_features)
        idf = np.log((1.0 + len(texts)) / (1.0 + frequency)) + 1.0
        weighted = _normalised(counts @ sparse.diags(idf))
        rank = min(self.dim, len(texts) - 1)
        from sklearn.utils.extmath import randomized_svd

        _, _, vectors = randomized_svd(weighted, rank, n_iter=4, random_state=self.seed % 2**32)
        components = np.zeros((self.num_features, self.dim), np.float32)
        components[:, :rank] = vectors.T
        self._idf, self._components = idf.astype(np.float32), components
        return self

    @property
    def identity(self) -> str:
        """Name of this function of texts, for caches: parameters and what was fitted."""
        digest = hashlib.sha256(repr(sorted(self._config().items())).encode())
        if self._components is not None and self._idf is not None:
            digest.update(self._idf.tobytes())
            digest.update(self._components.tobytes())
        return f"hashing-1-{digest.hexdigest()[:32]}"

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Embed texts.

        Args:
            texts: Any texts.

        Returns:
            numpy.ndarray: ``(N, dim)`` float32, not normalised; a text without words is zero.
        """
        if self._components is None or self._idf is None:
            if self._projection is None:
                rng = np.random.Generator(np.random.Philox(self.seed))
                noise = rng.standard_normal((self.num_features, self.dim), np.float32)
                self._projection = noise / np.float32(np.sqrt(self.dim))
            return np.asarray(self._count(texts) @ self._projection, np.float32)
        weighted = _normalised(self._count(texts) @ sparse.diags(self._idf))
        return np.asarray(weighted @ self._components, np.float32)

    def _count(self, texts: Sequence[str]) -> Any:
        from sklearn.feature_extraction.text import HashingVectorizer

        # A pattern of its own, so that "C" is a word and names of modules stay whole words.
        vectorizer = HashingVectorizer(
            n_features=self.num_features,
            ngram_range=(1, self.ngrams),
            token_pattern=r"(?u)\b\w+\b",  # noqa: S106
            norm=None,
            alternate_sign=False,
            dtype=np.float32,
        )
        counts = vectorizer.transform(texts).tocsr()
        counts.data = np.log1p(counts.data)
        return _normalised(counts)

    def _config(self) -> dict[str, Any]:
        return {
            "dim": self.dim,
            "num_features": self.num_features,
            "ngrams": self.ngrams,
            "seed": self.seed,
        }

    def _arrays(self) -> dict[str, Tensor]:
        if self._components is None or self._idf is None:
            return {}
        return {
            "idf": torch.from_numpy(self._idf),
            "components": torch.from_numpy(self._components),
        }

    @classmethod
    def _restore(cls, config: dict[str, Any], arrays: dict[str, Tensor]) -> Self:
        encoder = cls(**config)
        if arrays:
            encoder._idf = arrays["idf"].numpy()
            encoder._components = arrays["components"].numpy()
        return encoder


def _normalised(matrix: Any) -> Any:
    matrix = matrix.tocsr()
    norm = np.sqrt(matrix.multiply(matrix).sum(axis=1))
    norm = np.asarray(norm).ravel()
    norm[norm == 0] = 1.0
    return (sparse.diags(1.0 / norm) @ matrix).tocsr().astype(np.float32)


class FakeTextEncoder:
    """Random unit vectors that depend on nothing but the text: for tests of what uses an encoder.

    Args:
        dim: Columns of the result.

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
            texts: Any texts.

        Returns:
            numpy.ndarray: ``(N, dim)`` float32 with rows of norm one.
        """
        result = np.empty((len(texts), self.dim), np.float32)
        for row, text in zip(result, texts, strict=True):
            name = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
            draws = np.random.Generator(np.random.Philox(int.from_bytes(name[:16], "big")))
            row[:] = draws.standard_normal(self.dim, np.float32)
            row /= np.linalg.norm(row)
        return result
