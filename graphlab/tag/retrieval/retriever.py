"""Retrieve documents that answer together, by a walk over the names they share."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from graphlab.tag._texts import check_question, check_texts
from graphlab.tag.embedding._named import encoder_of
from graphlab.tag.retrieval._corpus import Tokenize
from graphlab.tag.retrieval._options import most_documents
from graphlab.tag.retrieval._ranking import Ranking, Scored, hits_of, score_all
from graphlab.tag.retrieval._snapshot import Snapshot
from graphlab.tag.retrieval._stored import StoredDocuments
from graphlab.tag.retrieval._vectors import embed
from graphlab.tag.retrieval.documents import DocumentId
from graphlab.tag.retrieval.result import Hit, RetrievalResult
from graphlab.tag.text_graph.text_graph import TextGraph

__all__ = ["GraphRetriever"]

_QUESTIONS = 32  # questions that are computed together
_CACHED = 8  # snapshots of permitted documents that are kept


class GraphRetriever(StoredDocuments):
    r"""Retrieve documents by a random walk over the names they share; no language model reads them.

    Documents are joined by the phrases that both contain, of those that some document proposes (its
    title, and the names in its text), and by titles that occur in other documents. A question
    starts a walk with restart at the documents that resemble it, by words (BM25) and, with an
    encoder, by embedding; where the walk stays long is what answers it *together*.

    .. math:: \text{score} = z(\log p) + \text{fusion} \cdot z(\cos)

    Documents are added, removed and replaced one by one, exactly: the answers are those of an index
    built anew, whatever the order (to the rounding of the products of embeddings). ``allow``
    restricts a query to some documents, exactly as if the others did not exist.

    Args:
        encoder (TextEncoder, object, function or str, optional): Anything with
            ``encode(list[str]) -> (N, D)``, such a function, or the name of one for
            :class:`TextEncoder`; by default no embedding is used at all.
        query_encoder (object, function or str, optional): Encoder of questions, where these need
            another one (such as a prefix ``"query: "``). A question in which it knows no word is
            answered by words alone.
        names (callable, optional): From a text to the names it mentions; by default
            :func:`capitalised_names`.
        tokenize (callable, optional): From a text to its words, for scripts that put no
            spaces between words; by default :func:`tokenize`.
        graphs (tuple[str, ...]): Kinds of links: ``"phrases"``, ``"titles"`` or both.
        teleport (float): Probability that the walk returns to its start, strictly between 0 and 1.
        steps (int): Steps of the walk.
        power (float): Exponent of the scores that start the walk: the larger, the fewer documents.
        fusion (float): Weight of the cosines in the final score; without an encoder it is 0.
        max_share (float): A phrase in more than this share of the documents joins nothing (three
            documents are never too many). A title that would make more links than this share of
            the documents (or 1,000) makes none.
        max_phrase (int): Longest phrase in words.
        num_seeds (int, optional): Documents that may start the walk; all by default.
        dtype (str): ``"float16"`` or ``"float32"``, in which embeddings are kept.

    Attributes:
        corpus_ (Corpus): The documents and their phrases.

    Raises:
        TypeError, ValueError: By :meth:`index`, if a parameter is malformed or out of range.

    Complexity: a document takes O(its tokens); memory is about 8 bytes a token, 4 a phrase in it,
        and 2 a column of its embedding, beside its text. The first query after a change sorts all
        phrase occurrences; a query then takes O(N D + steps * occurrences).

    Example:
        >>> retriever = GraphRetriever().index(
        ...     {
        ...         "a": "Marie Curie was born in Warsaw.",
        ...         "b": "Warsaw is the capital of Poland.",
        ...         "c": "Bananas are rich in potassium.",
        ...     }
        ... )
        >>> [hit.id for hit in retriever.query("Where was Curie born?", k=2)]
        ['a', 'b']
    """

    _objects: ClassVar[tuple[str, ...]] = ("encoder", "query_encoder", "names", "tokenize")
    _read_later: ClassVar[frozenset[str]] = frozenset(
        {"teleport", "steps", "power", "fusion", "num_seeds"}
    )

    def __init__(
        self,
        encoder: Any = None,
        *,
        query_encoder: Any = None,
        names: Tokenize | None = None,
        tokenize: Tokenize | None = None,
        graphs: tuple[Literal["phrases", "titles"], ...] = ("phrases", "titles"),
        teleport: float = 0.3,
        steps: int = 6,
        power: float = 8.0,
        fusion: float = 0.5,
        max_share: float = 0.02,
        max_phrase: int = 8,
        num_seeds: int | None = None,
        dtype: Literal["float16", "float32"] = "float16",
    ) -> None:
        self.encoder = encoder
        self.query_encoder = query_encoder
        self.names = names
        self.tokenize = tokenize
        self.graphs = graphs
        self.teleport = teleport
        self.steps = steps
        self.power = power
        self.fusion = fusion
        self.max_share = max_share
        self.max_phrase = max_phrase
        self.num_seeds = num_seeds
        self.dtype = dtype

    # --- what is there ---------------------------------------------------------------------------

    def stats(self) -> dict[str, int]:
        """Sizes of the index.

        Returns:
            dict[str, int]: ``documents``, ``tokens``, ``vocabulary``, ``proposed_phrases``,
            ``phrases`` (those that join documents), ``links`` and ``vector_bytes``.
        """
        snapshot = self._snapshot(None)
        entries = self.corpus_.index.entries.values()
        return {
            "documents": len(self),
            "tokens": sum(len(entry.tokens) for entry in entries),
            "vocabulary": len(self.corpus_.index.vocabulary),
            "proposed_phrases": len(self.corpus_.index.phrases),
            "phrases": int(snapshot.phrases.size),
            "links": int(snapshot.adjacency.nnz),
            "vector_bytes": self.corpus_.vectors.num_bytes,
        }

    def graph(self) -> TextGraph:
        """The documents and the phrases that join them, as one graph.

        Returns:
            TextGraph: Documents in the order of :attr:`ids`, then phrases; ``text``, ``edge_index``
            in both directions, ``edge_weight``, and ``is_document`` (a mask).
        """
        snapshot = self._snapshot(None)
        documents = [self.corpus_.documents[int(n)].full_text for n in snapshot.numbers]
        phrases = self.corpus_.index.text(snapshot.phrases.tolist())
        matrix = snapshot.adjacency.tocoo()
        count = len(documents) + len(phrases)
        return TextGraph(
            edge_index=torch.from_numpy(np.stack([matrix.row, matrix.col]).astype(np.int64)),
            edge_weight=torch.from_numpy(matrix.data.astype(np.float32)),
            text=documents + phrases,
            is_document=torch.arange(count, device="cpu") < len(documents),
        )

    # --- questions --------------------------------------------------------------------------------

    def query(
        self,
        text: str,
        k: int | None = None,
        *,
        allow: Collection[DocumentId] | None = None,
        explain: bool = False,
    ) -> list[Hit]:
        """Documents that answer a question.

        Args:
            text (str): The question.
            k (int, optional): Most documents, by default 5; all where there are fewer.
            allow (collection, optional): Ids of the documents that may be used; by default all.
            explain (bool): Also name the phrases through which the walk came.

        Returns:
            list[Hit]: Best first; of equal scores the lower id. Fewer than k where there are fewer,
            or fewer are allowed; none, with a warning, where nothing in the documents matches.

        Raises:
            NotFittedError: If nothing was indexed.
            TypeError, ValueError: If an argument is malformed or out of range.
            KeyError: If ``allow`` names an unknown id.
        """
        check_question(text)
        return self._search([text], self._limit(k), allow, explain)[0]

    def query_many(
        self,
        texts: Sequence[str],
        k: int | None = None,
        *,
        allow: Collection[DocumentId] | None = None,
    ) -> RetrievalResult:
        """Documents that answer each of several questions, computed together.

        Args:
            texts (sequence of str): Questions ``(B,)``.
            k (int, optional): Most documents per question, by default 5; all where there are fewer.
            allow (collection, optional): Ids of the documents that may be used; by default all.

        Returns:
            RetrievalResult: Ids, scores and seeds; the answers of :meth:`query`.

        Raises:
            NotFittedError: If nothing was indexed.
            TypeError, ValueError: If an argument is malformed or out of range.
            KeyError: If ``allow`` names an unknown id.
        """
        limit = self._limit(k)
        return RetrievalResult.of(self._search(texts, limit, allow, False), limit)

    def _limit(self, k: int | None) -> int:
        """Documents per question, of which there are no more than documents."""
        return most_documents(k, len(self))

    def _search(
        self, texts: Sequence[str], k: int, allow: Collection[DocumentId] | None, explain: bool
    ) -> list[list[Hit]]:
        self._check_fitted()
        self._check_parameters()
        questions = list(check_texts(texts))
        snapshot = self._snapshot(allow)
        most = min(k, snapshot.num_documents)
        hits: list[list[Hit]] = []
        for first in range(0, len(questions), _QUESTIONS):
            scored = self._scored(questions[first : first + _QUESTIONS], snapshot)
            hits += [hits_of(snapshot, row, most, explain) for row in scored]
        unanswered = sum(not row for row in hits)
        if unanswered:
            warnings.warn(
                f"{unanswered} of {len(questions)} questions share no word with any document and "
                "get no answer",
                UserWarning,
                stacklevel=3,
            )
        return hits

    def _scored(self, questions: list[str], snapshot: Snapshot) -> list[Scored]:
        """Scores of all documents for some questions, of which memory holds all at once."""
        lexical = [snapshot.bm25.scores(self.corpus_.question_postings(q)) for q in questions]
        dense: list[NDArray[np.float64]] | None = None
        if self.encoder is not None and snapshot.rows is not None:
            name = "encoder" if self.query_encoder is None else "query_encoder"
            vectors = embed(encoder_of(self, name), questions, name, self.corpus_.vectors.width)
            products = self.corpus_.vectors.products(snapshot.rows, vectors)
            dense = [row.astype(np.float64) for row in products]
        rule = Ranking(self.teleport, self.steps, self.power, self.fusion, self.num_seeds)
        return score_all(snapshot, lexical, dense, rule)

    def _all_scores(
        self, questions: list[str], allow: Collection[DocumentId] | None
    ) -> tuple[list[DocumentId], list[NDArray[np.float64] | None]]:
        """Ids of the allowed documents, sorted, and their scores per question.

        None stands for the scores of a question that matches nothing.
        """
        snapshot = self._snapshot(allow)
        found: list[NDArray[np.float64] | None] = []
        for first in range(0, len(questions), _QUESTIONS):
            for row in self._scored(questions[first : first + _QUESTIONS], snapshot):
                found.append(row.score if row.seeds.any() else None)
        return list(snapshot.ids), found

    def _snapshot(self, allow: Collection[DocumentId] | None) -> Snapshot:
        self._check_fitted()
        if allow is None and b"" in self._snapshots:
            return self._snapshots[b""]
        corpus = self.corpus_
        allowed = None if allow is None else set(self._known(allow, "allow", repeats=True))
        documents = corpus.ordered(allowed)
        if not documents:
            raise ValueError(
                "documents must be indexed first, got none"
                if allow is None
                else "allow must name at least one document"
            )
        key = b"" if allow is None else np.array(documents, dtype=np.int64).tobytes()
        if key not in self._snapshots:
            while len(self._snapshots) >= _CACHED:
                del self._snapshots[next(k for k in self._snapshots if k != b"")]
            self._snapshots[key] = Snapshot(corpus, documents, self._graph_options)
        return self._snapshots[key]
