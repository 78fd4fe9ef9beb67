"""Summaries of subgraphs without a language model: a sentence around frequent, telling words."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from scipy import sparse

from graphlab._checks import check_int
from graphlab._progress import track
from graphlab._repr import short_repr
from graphlab.tag._texts import check_texts
from graphlab.tag.graphclip.store import SubgraphStore

__all__ = ["TemplateSummarizer"]

_WORD = r"(?u)\b[^\W\d_]{3,}\b"
#: What is left of a root without neighbours where its words are hidden.
_NOTHING = "It has no related documents."


@short_repr
class TemplateSummarizer:
    """Sentences about the root, the topics of its subgraph, and its neighbours.

    Deterministic, and blind to labels: it is given texts and subgraphs only. Topic words have the
    largest tf-idf, summed over the nodes of the subgraph.

    Args:
        root_words (int): Words quoted of the root.
        topic_words (int): Words that describe the subgraph.
        neighbors (int): Neighbours quoted, nearest to the root in the subgraph first.
        neighbor_words (int): Words quoted of each.
        hide_root (bool): Leave out the root's sentence, and its words of three letters or more
            wherever they occur (not those with digits): what is left is what only its neighbours
            say. Too little to train on, and a harder test of a trained tower; see ``held_text`` of
            :class:`GraphTextPairs`.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Example:
        >>> import torch
        >>> from graphlab.tag import SubgraphSampler
        >>> texts = ["graph neural networks", "neural networks learn", "cooking with rice"]
        >>> store = SubgraphSampler("khop", num_hops=1).sample(torch.tensor([[0], [1]]), 3)
        >>> TemplateSummarizer(topic_words=1).summarize(texts, store)[2]
        'The central document is about: cooking with rice. Its topics are cooking.'
    """

    def __init__(
        self,
        root_words: int = 40,
        topic_words: int = 8,
        neighbors: int = 3,
        neighbor_words: int = 12,
        *,
        hide_root: bool = False,
    ) -> None:
        self.root_words = check_int(root_words, "root_words", minimum=1)
        self.topic_words = check_int(topic_words, "topic_words", minimum=0)
        self.neighbors = check_int(neighbors, "neighbors", minimum=0)
        self.neighbor_words = check_int(neighbor_words, "neighbor_words", minimum=1)
        self.hide_root = bool(hide_root)

    def summarize(self, texts: Sequence[str], store: SubgraphStore) -> list[str]:
        """Write one summary per subgraph.

        Args:
            texts (Sequence[str]): One per node of the whole graph, none blank.
            store (SubgraphStore): The subgraphs.

        Returns:
            list[str]: In the order of the store.

        Raises:
            TypeError, ValueError: If a text is missing or blank.
        """
        known = check_store_texts(texts, store)
        topics = self._topics(known, store)
        return [self._write(known, store, i, topics[i]) for i in range(len(store))]

    def _write(self, texts: Sequence[str], store: SubgraphStore, i: int, topics: list[str]) -> str:
        part = store[i]
        nodes = part.node.tolist()
        root = texts[nodes[part.root]]
        hidden = _words(root) if self.hide_root else frozenset()
        topics = [word for word in topics if word not in hidden][: self.topic_words]
        sentences = []
        if not self.hide_root:
            sentences.append(f"The central document is about: {_first(root, self.root_words)}.")
        if len(nodes) > 1 and topics:
            shared = ", ".join(topics)
            sentences.append(
                f"It sits in a group of {len(nodes)} related documents "
                f"whose shared topics are {shared}."
            )
        elif topics:
            sentences.append(f"Its topics are {', '.join(topics)}.")
        around = _nearest(part.edge_index.numpy(), part.root, len(nodes))[: self.neighbors]
        quotes = [_without(texts[nodes[k]], hidden) for k in around]
        quotes = [_first(quote, self.neighbor_words) for quote in quotes if quote]
        if quotes:
            sentences.append(f"Related documents discuss: {'; '.join(quotes)}.")
        return " ".join(sentences) or _NOTHING

    def _topics(self, texts: Sequence[str], store: SubgraphStore) -> list[list[str]]:
        """The words of largest weight of every subgraph; all of them where some will be hidden."""
        most = None if self.hide_root else self.topic_words
        if self.topic_words == 0 or not any(re.search(_WORD, text) for text in texts):
            return [[] for _ in range(len(store))]
        weights, words = _tfidf(texts)
        pointer = store.node_ptr
        member = sparse.csr_matrix(
            (np.ones(int(pointer[-1])), np.asarray(store.node), pointer),
            shape=(len(store), len(texts)),
        )
        chosen = []
        for start in track(range(0, len(store), 4096), "topic words", unit="blocks"):
            # By pieces: subgraphs times vocabulary would be the largest array here.
            rows = (member[start : start + 4096] @ weights).tocsr()
            rows.sort_indices()
            for lo, hi in zip(rows.indptr[:-1], rows.indptr[1:], strict=True):
                order = np.argsort(-rows.data[lo:hi], kind="stable")[:most]
                chosen.append([words[k] for k in rows.indices[lo:hi][order]])
        return chosen


def check_store_texts(texts: Sequence[str], store: SubgraphStore) -> Sequence[str]:
    """Texts of the nodes of a store, none of them blank.

    Raises:
        TypeError, ValueError: If a text is missing or blank, or ``store`` is none.
    """
    known = check_texts(texts)
    if not isinstance(store, SubgraphStore):
        raise TypeError(f"store must be a SubgraphStore, got {type(store).__name__}")
    last = int(store.node.max()) if store.node.size else -1
    if last >= len(known):
        raise ValueError(f"texts must cover node {last}, got {len(known)} entries")
    return known


def _tfidf(texts: Sequence[str]) -> tuple[sparse.csr_matrix, list[str]]:
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, TfidfVectorizer

    vectorizer = TfidfVectorizer(
        token_pattern=_WORD, stop_words=sorted(ENGLISH_STOP_WORDS), sublinear_tf=True
    )
    try:
        weights = vectorizer.fit_transform(texts)
    except ValueError:  # nothing but stop words
        return sparse.csr_matrix((len(texts), 0)), []
    return weights.tocsr(), list(vectorizer.get_feature_names_out())


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(_WORD, text.lower()))


def _without(text: str, hidden: frozenset[str]) -> str:
    """A text without the pieces that hold a hidden word."""
    if not hidden:
        return text
    return " ".join(piece for piece in text.split() if hidden.isdisjoint(_words(piece)))


def _first(text: str, count: int) -> str:
    return " ".join(text.split()[:count]).rstrip(" .;,:")


def _nearest(edges: np.ndarray, root: int, size: int) -> list[int]:  # type: ignore[type-arg]
    """Local ids other than the root, by distance from it, then by id."""
    distance = np.full(size, -1)
    distance[root] = 0
    frontier, hops = [root], 0
    while frontier:
        hops += 1
        reached = edges[1][np.isin(edges[0], frontier)]
        frontier = sorted({int(k) for k in reached if distance[k] < 0})
        distance[frontier] = hops
    others = np.nonzero(distance > 0)[0]
    return [int(k) for k in others[np.argsort(distance[others], kind="stable")]]
