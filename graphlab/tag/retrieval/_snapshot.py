"""The graph of documents and phrases at one moment, ready for questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphlab._sorted import distinct
from graphlab.ops import SparseRows, propagate_merge
from graphlab.tag.retrieval._corpus import Corpus
from graphlab.tag.retrieval.lexical import BM25

__all__: list[str] = []

_LINKS_PER_TITLE = 1_000


@dataclass(frozen=True)
class GraphOptions:
    """Which links documents have.

    Attributes:
        graphs (tuple[str, ...]): Kinds of links, of ``"phrases"`` and ``"titles"``.
        max_share (float): A phrase in more than this share of the documents joins nothing.
    """

    graphs: tuple[str, ...]
    max_share: float


class Snapshot:
    """Documents in the order of their ids, phrases behind them, and the links between all.

    Everything follows from the documents and their order alone, so that two indexes of the same
    documents have the same bits here, whatever their history.

    Args:
        corpus (Corpus): All documents.
        documents (sequence of int): Numbers of those that take part, in order.
        options (GraphOptions): Which links documents have.

    Attributes:
        numbers (ndarray): Numbers of the documents, int64 ``(N,)``.
        ids (list): Their ids.
        rows (ndarray, optional): Where their embeddings are, int64 ``(N,)``.
        phrases (ndarray): Numbers of the phrases that join documents, int64 ``(P,)``.
        adjacency (csr_array): Symmetric weights ``(N + P, N + P)``.
        bm25 (BM25): Lexical scores.

    Complexity: O(tokens + occurrences of phrases), with a sort.
    """

    def __init__(
        self,
        corpus: Corpus,
        documents: Sequence[int],
        options: GraphOptions,
    ) -> None:
        index = corpus.index
        self._index = index
        self._options = options
        self.numbers = np.asarray(documents, dtype=np.int64)
        self.ids = [corpus.documents[number].id for number in documents]
        embedded = corpus.vectors.width is not None
        self.rows = corpus.vectors.positions(documents) if embedded else None
        count = self.numbers.size
        position = np.full(index.size, -1, dtype=np.int64)
        position[self.numbers] = np.arange(count)
        length = np.array([len(index.entries[d].tokens) for d in documents], dtype=np.int64)
        self.bm25 = BM25(position, length)
        found = index.occurrences(documents)
        frequency = np.bincount(found.phrase, minlength=len(index.keys))
        # A phrase in all documents tells nothing: its inverse document frequency is 0.
        most = min(max(3.0, options.max_share * count), count - 1)
        joins = (frequency >= 2) & (frequency <= most) & ("phrases" in options.graphs)
        self.phrases = index.order(joins.nonzero()[0])
        blocks = []
        if "phrases" in options.graphs:
            blocks.append(self._phrase_block(found.document, found.phrase, frequency))
        if "titles" in options.graphs:
            blocks.append(self._title_block(found.document, found.phrase, found.title, frequency))
        for pairs in corpus.link_numbers().values():
            ends = position[pairs]
            blocks.append(self._pairs(ends[:, (ends >= 0).all(axis=0)]))
        self.adjacency = _balanced(blocks, count + self.phrases.size)

    @property
    def num_documents(self) -> int:
        """Number of documents N."""
        return int(self.numbers.size)

    def _phrase_block(
        self,
        document: NDArray[np.int64],
        phrase: NDArray[np.int64],
        frequency: NDArray[np.int64],
    ) -> sp.coo_array:
        """Documents and the phrases in them, by the inverse document frequency."""
        column = np.full(len(self._index.keys), -1, dtype=np.int64)
        column[self.phrases] = np.arange(self.phrases.size)
        kept = column[phrase] >= 0
        row, col = document[kept], column[phrase[kept]] + self.num_documents
        weight = np.log(self.num_documents / frequency[phrase[kept]])
        return self._symmetric(row, col, weight)

    def _title_block(
        self,
        document: NDArray[np.int64],
        phrase: NDArray[np.int64],
        title: NDArray[np.int64],
        frequency: NDArray[np.int64],
    ) -> sp.coo_array:
        """Documents that contain the title of another one."""
        # Titles such as "Introduction" would join everything to everything.
        owners = np.bincount(title[title >= 0], minlength=frequency.size)
        most = max(_LINKS_PER_TITLE, self._options.max_share * self.num_documents)
        joins = np.append((owners > 0) & (owners * frequency <= most), False)  # last: no title
        phrase, document = phrase[joins[phrase]], document[joins[phrase]]
        order = np.argsort(phrase, kind="stable")
        phrase, document = phrase[order], document[order]
        titled = joins[title].nonzero()[0]
        first = np.searchsorted(phrase, title[titled])
        size = np.searchsorted(phrase, title[titled], side="right") - first
        entry = np.repeat(first - (size.cumsum() - size), size) + np.arange(size.sum())
        return self._pairs(np.stack([document[entry], np.repeat(titled, size)]))

    def _pairs(self, ends: NDArray[np.int64]) -> sp.coo_array:
        """Links of weight 1 between documents, each once, none to itself."""
        low, high = ends.min(axis=0), ends.max(axis=0)
        key = distinct((low * self.num_documents + high)[low != high])
        first, second = np.divmod(key, max(self.num_documents, 1))
        return self._symmetric(first, second, np.ones(key.size))

    def _symmetric(
        self, row: NDArray[np.int64], col: NDArray[np.int64], weight: NDArray[np.float64]
    ) -> sp.coo_array:
        size = self.num_documents + self.phrases.size
        both = (np.concatenate([row, col]), np.concatenate([col, row]))
        return sp.coo_array((np.concatenate([weight, weight]), both), shape=(size, size))

    @cached_property
    def _transition(self) -> SparseRows:
        """Rows of the transposed transition matrix."""
        degree = self._degree
        inverse = np.divide(1.0, degree, out=np.zeros_like(degree), where=degree > 0)
        matrix = sp.csr_array(self.adjacency @ sp.diags_array(inverse))
        return SparseRows(
            torch.from_numpy(matrix.indptr.astype(np.int64)),
            torch.from_numpy(matrix.indices.astype(np.int32)),
            torch.from_numpy(matrix.data.astype(np.float32)),
        )

    def walk(self, seeds: Tensor, teleport: float, steps: int) -> Tensor:
        """Random walks with restart.

        Args:
            seeds (Tensor): Where they start, float32 ``(N, B)``, columns sum to 1.
            teleport (float): Probability of a return.
            steps (int): Steps after which they end where they are.

        Returns:
            Tensor: Where they are, float32 ``(N + P, B)``.
        """
        start = torch.zeros(self.adjacency.shape[0], seeds.size(1), device=seeds.device)
        start[: self.num_documents] = seeds
        keep = 1.0 - teleport
        coefficients = [teleport * keep**k for k in range(steps)] + [keep**steps]
        return propagate_merge(start, self._transition, coefficients=coefficients)

    def via(self, walk: NDArray[np.float32], document: int, count: int = 5) -> tuple[str, ...]:
        """Phrases through which most of a walk came to a document.

        Args:
            walk (ndarray): Where the walk is ``(N + P,)``.
            document (int): Position of the document.
            count (int): Phrases, at most.
        """
        start, end = self.adjacency.indptr[document : document + 2]
        neighbor, weight = self.adjacency.indices[start:end], self.adjacency.data[start:end]
        joined = neighbor >= self.num_documents
        neighbor, weight = neighbor[joined], weight[joined]
        flow = walk[neighbor] * weight / self._degree[neighbor]
        best: NDArray[np.int64] = np.argsort(-flow, kind="stable")[:count]
        best = best[flow[best] > 0]
        return tuple(self._index.text(self.phrases[neighbor[best] - self.num_documents].tolist()))

    @cached_property
    def _degree(self) -> NDArray[np.float64]:
        return np.asarray(self.adjacency.sum(axis=1), dtype=np.float64)


def _balanced(blocks: Sequence[sp.coo_array], size: int) -> sp.csr_array:
    """Sum of kinds of links, scaled so that each sums to what the first does."""
    # Of the entries: scipy would look for repetitions, which there are none of within a kind.
    sums = [float(block.data.sum()) for block in blocks]
    unit = next((value for value in sums if value > 0), 1.0)
    total = sp.csr_array((size, size))
    for block, value in zip(blocks, sums, strict=True):
        if value > 0:
            total = total + block.tocsr() * (unit / value)
    total.sort_indices()
    return total
