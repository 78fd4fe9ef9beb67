"""Lexical scores of documents: BM25 from the postings of the question's words."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["BM25"]

_DENSE = 8  # words in more than this part of the documents are counted over all of them


class BM25:
    r"""BM25 over some documents.

    .. math:: \sum_{t \in q} \log\Big(1 + \frac{N - n_t + 1/2}{n_t + 1/2}\Big)
        \frac{f_{td} (k_1 + 1)}{f_{td} + k_1 (1 - b + b\, l_d / \bar l)}

    Args:
        position (ndarray): Position of every document number among the documents, or -1, int64.
        length (ndarray): Tokens of each document, in the order of the positions.
        k1 (float): Saturation of repeated words.
        b (float): Strength of the normalisation by length.

    Complexity: a query sorts the postings of its rare words, and takes O(N) for each common one.

    Reference: Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond",
        2009; the inverse document frequency is that of Lucene, which is never negative.
    """

    def __init__(
        self,
        position: NDArray[np.int64],
        length: NDArray[np.int64],
        k1: float = 1.5,
        b: float = 0.75,
    ) -> None:
        self._position = position
        self._count = length.size
        mean = float(length.mean()) if length.size else 1.0
        norm = k1 * (1 - b + b * length / max(mean, 1.0))
        self._norm: NDArray[np.float64] = norm.astype(np.float64)
        self._k1 = k1

    def scores(self, postings: Sequence[NDArray[np.int32]]) -> NDArray[np.float64]:
        """Score of every document.

        Args:
            postings (sequence): Document numbers of each word of the question, once per occurrence.

        Returns:
            ndarray: float64 ``(N,)``; 0 for a document with none of the words.
        """
        total = np.zeros(self._count)
        for posting in postings:
            position = self._position[posting]
            if posting.size * _DENSE > self._count:
                count = np.bincount(position[position >= 0], minlength=self._count)
                total += self._gain(count, self._norm, int(np.count_nonzero(count)))
            else:
                present, count = np.unique(position[position >= 0], return_counts=True)
                total[present] += self._gain(count, self._norm[present], present.size)
        return total

    def _gain(
        self, count: NDArray[np.int64], norm: NDArray[np.float64], documents: int
    ) -> NDArray[np.float64]:
        """What a word adds, where it occurs ``count`` times."""
        idf = math.log1p((self._count - documents + 0.5) / (documents + 0.5))
        gain: NDArray[np.float64] = (idf * (self._k1 + 1)) * count / (count + norm)
        return gain
