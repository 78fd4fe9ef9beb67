"""A text encoder that needs no model: hashed words."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from graphlab._checks import check_int, check_list, check_matrix, check_text
from graphlab._estimator import Estimator
from graphlab.tag._unicode import words

__all__ = ["HashingEncoder"]

# How texts are cut into words: 1 is the rule of scikit-learn, which takes decomposed letters apart;
# 2 puts texts into one form first. On ASCII text they agree.
_RULE = 2


class HashingEncoder(Estimator):
    r"""Embed texts by hashed words and word pairs, reduced to a few hundred numbers.

    The encoder that is always there: no download, no model, thousands of texts per second on one
    core. Before :meth:`fit` it is a fixed function: log-scaled counts of hashed words, times a
    random matrix, so texts that share words are near. After :meth:`fit` counts are weighted by
    rarity (TF-IDF) and projected on their leading singular vectors (latent semantic analysis).

    It knows words, not meanings: a sentence encoder is better wherever one can be had.

    Args:
        dim (int): Columns of the result.
        num_features (int): Buckets for words, at least ``dim``; a power of two is usual.
        ngrams (int): Longest sequence of words that counts.
        seed (int): Seed of the random matrix, and of the start of the singular vectors.

    Attributes:
        idf_ (numpy.ndarray): ``(num_features,)`` float32, weights of the buckets by rarity.
        components_ (numpy.ndarray): ``(num_features, dim)`` float32, leading singular vectors.

    Determinism: bitwise on one machine; up to rounding between machines.

    Reference: Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", ICML 2009.
        arXiv:0902.2206

    Example:
        >>> encode = HashingEncoder(dim=16).fit(["a red cat", "a blue dog", "a red dog"])
        >>> encode(["a red cat"]).shape
        (1, 16)
    """

    _rule: int = 1  # of encoders that were pickled before there was another

    def __init__(
        self, dim: int = 384, num_features: int = 2**15, ngrams: int = 2, seed: int = 0
    ) -> None:
        self.dim = dim
        self.num_features = num_features
        self.ngrams = ngrams
        self.seed = seed
        # The random matrix of an encoder that is not fitted, and the parameters it was drawn for.
        self._projection: tuple[tuple[int, int, int], np.ndarray] | None = None
        self._rule = _RULE
        # Settings and fitted directions, and the hash of both: it takes as long as forty questions.
        self._named: tuple[str, np.ndarray | None, str] | None = None

    def _check_parameters(self) -> None:
        check_int(self.dim, "dim", minimum=1)
        check_int(self.num_features, "num_features", minimum=self.dim)
        check_int(self.ngrams, "ngrams", minimum=1)
        check_int(self.seed, "seed", minimum=0, maximum=2**63 - 1)

    def fit(self, texts: Sequence[str], y: Any = None) -> HashingEncoder:
        """Learn the weights of words and the directions of a corpus; no label is used.

        Args:
            texts (Sequence[str]): The corpus, or some ten thousand texts of it. Directions that it
                is too small to have are zero columns.
            y (Any): Ignored; pipelines of scikit-learn pass it.

        Returns:
            HashingEncoder: This encoder.

        Raises:
            TypeError, ValueError: If a parameter is malformed, or there are fewer than two texts.

        Complexity: O(words dim) time.
        """
        self._check_parameters()
        texts = check_list(texts, "texts", "texts")
        if len(texts) < 2:
            raise ValueError(f"texts must hold at least two texts to fit on, got {len(texts)}")
        self._rule = _RULE
        counts = self._count(texts)
        frequency = np.bincount(counts.indices, minlength=self.num_features)
        # One is added to both counts, so that no bucket has an infinite weight, and to the
        # logarithm, so that words of every text keep some.
        idf = np.log((1.0 + len(texts)) / (1.0 + frequency)) + 1.0
        weighted = _normalised(counts @ sparse.diags(idf))
        rank = min(self.dim, len(texts) - 1)
        from sklearn.utils.extmath import randomized_svd

        _, _, vectors = randomized_svd(weighted, rank, n_iter=4, random_state=self.seed % 2**32)
        components = np.zeros((self.num_features, self.dim), np.float32)
        components[:, :rank] = vectors.T
        self.idf_, self.components_ = idf.astype(np.float32), components
        return self

    @property
    def identity(self) -> str:
        """Name of this function of texts, for caches: parameters and what was fitted."""
        settings = repr(sorted(self._config().items()))
        directions = self.components_ if self.__sklearn_is_fitted__() else None
        known = self._named
        if known is None or known[0] != settings or known[1] is not directions:
            digest = hashlib.sha256(settings.encode())
            if directions is not None:
                digest.update(self.idf_.tobytes())
                digest.update(directions.tobytes())
            known = self._named = (settings, directions, digest.hexdigest()[:32])
        return f"hashing-{self._rule}-{known[2]}"

    def transform(self, texts: Sequence[str]) -> np.ndarray:
        """Embed texts; it needs no fit.

        Args:
            texts (Sequence[str]): Any texts.

        Returns:
            numpy.ndarray: ``(N, dim)`` float32, not normalised; a text without words is zero.

        Raises:
            TypeError, ValueError: If a parameter is malformed.
        """
        if not self.__sklearn_is_fitted__():
            matrix = self._random_matrix()
            return np.asarray(self._count(texts) @ matrix, np.float32)
        weighted = _normalised(self._count(texts) @ sparse.diags(self.idf_))
        return np.asarray(weighted @ self.components_, np.float32)

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Embed texts; see :meth:`transform`.

        Args:
            texts (Sequence[str]): Any texts.

        Returns:
            numpy.ndarray: ``(N, dim)`` float32.
        """
        return self.transform(texts)

    def fit_transform(self, texts: Sequence[str], y: Any = None) -> np.ndarray:
        """Fit on texts and embed them.

        Args:
            texts (Sequence[str]): The corpus.
            y (Any): Ignored.

        Returns:
            numpy.ndarray: ``(N, dim)`` float32.
        """
        return self.fit(texts, y).transform(texts)

    def _random_matrix(self) -> np.ndarray:
        """Gaussian projection that keeps lengths in the mean, drawn once per parameters."""
        key = (self.seed, self.num_features, self.dim)
        if self._projection is None or self._projection[0] != key:
            self._check_parameters()
            rng = np.random.Generator(np.random.Philox(self.seed))
            noise = rng.standard_normal((self.num_features, self.dim), np.float32)
            self._projection = (key, noise / np.float32(np.sqrt(self.dim)))
        return self._projection[1]

    def _count(self, texts: Sequence[str]) -> Any:
        from sklearn.feature_extraction.text import HashingVectorizer

        texts = [
            check_text(text, f"texts[{i}]")
            for i, text in enumerate(check_list(texts, "texts", "texts"))
        ]
        # Words of its own, so that "C" is one and names of modules stay whole.
        vectorizer = HashingVectorizer(
            n_features=self.num_features,
            ngram_range=(1, self.ngrams),
            **(_EARLIER if self._rule == 1 else _PRESENT),
            norm=None,
            alternate_sign=False,
            dtype=np.float32,
        )
        if not texts:  # which the vectorizer does not take
            return sparse.csr_matrix(np.zeros((0, self.num_features), np.float32))
        counts = vectorizer.transform(texts).tocsr()
        counts.data = np.log1p(counts.data)
        return _normalised(counts)

    def _arrays(self) -> dict[str, Tensor]:
        if not self.__sklearn_is_fitted__():
            return {"rule": torch.tensor(self._rule, device="cpu")}
        return {
            "rule": torch.tensor(self._rule, device="cpu"),
            "idf": torch.from_numpy(self.idf_),
            "components": torch.from_numpy(self.components_),
        }

    def _set_arrays(self, arrays: dict[str, Tensor]) -> None:
        # Folders of the earlier rule do not name it.
        self._rule = int(arrays["rule"]) if "rule" in arrays else 1
        if self._rule not in (1, _RULE):
            raise ValueError(f"rule must be 1 or {_RULE}, got {self._rule}")
        if "idf" in arrays:
            rows, columns = self.num_features, self.dim
            idf = check_matrix(arrays["idf"][:, None], "idf", rows=rows, cols=1)[:, 0]
            components = check_matrix(arrays["components"], "components", rows=rows, cols=columns)
            self.idf_, self.components_ = idf.numpy(), components.numpy()


def _words(text: str) -> list[str]:
    return words(text, r"\w")


_EARLIER: dict[str, Any] = {"token_pattern": r"(?u)\b\w+\b"}
_PRESENT: dict[str, Any] = {"tokenizer": _words, "token_pattern": None, "lowercase": False}


def _normalised(matrix: Any) -> Any:
    """Rows of norm one; those without an entry stay zero."""
    matrix = matrix.tocsr()
    norm = np.sqrt(matrix.multiply(matrix).sum(axis=1))
    norm = np.asarray(norm).ravel()
    norm[norm == 0] = 1.0
    return (sparse.diags(1.0 / norm) @ matrix).tocsr().astype(np.float32)
