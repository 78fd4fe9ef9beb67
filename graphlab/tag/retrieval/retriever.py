"""Retrieve documents that answer together, by a walk over the names they share."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphlab._checks import (
    check_choice,
    check_fraction,
    check_int,
    check_nonnegative,
    check_positive,
)
from graphlab._estimator import Estimator
from graphlab.tag._texts import check_texts
from graphlab.tag.retrieval import _storage
from graphlab.tag.retrieval._corpus import Corpus, Tokenize
from graphlab.tag.retrieval._ranking import best, seed_shares, standardized
from graphlab.tag.retrieval._snapshot import GraphOptions, Snapshot
from graphlab.tag.retrieval._vectors import embed
from graphlab.tag.retrieval.documents import Document, DocumentId, read_documents
from graphlab.tag.retrieval.names import capitalised_names
from graphlab.tag.retrieval.names import tokenize as default_tokenize
from graphlab.tag.retrieval.result import Hit, RetrievalResult
from graphlab.tag.text_graph.text_graph import TextGraph

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["GraphRetriever"]

_GRAPHS = ("phrases", "titles")
_QUESTIONS = 32  # questions that are computed together
_CACHED = 8  # snapshots of permitted documents that are kept


class GraphRetriever(Estimator):
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
        encoder (TextEncoder or object, optional): Anything with ``encode(list[str]) -> (N, D)``, or
            such a function; by default no embedding is used at all.
        query_encoder (object, optional): Encoder of questions, where these need another one (such
            as a prefix ``"query: "``).
        names (callable, optional): From a text to the names it mentions; by default
            :func:`capitalised_names`.
        tokenize (callable, optional): From a text to its words, for scripts other than Latin; by
            default :func:`tokenize`.
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

    def _check(self) -> None:
        for name in ("encoder", "query_encoder"):
            value = getattr(self, name)
            if value is not None and not callable(getattr(value, "encode", value)):
                raise TypeError(
                    f"{name} must have a method encode or be a function of texts, got "
                    f"{type(value).__name__}"
                )
        if self.query_encoder is not None and self.encoder is None:
            raise ValueError("query_encoder needs an encoder of the documents")
        for name in ("names", "tokenize"):
            value = getattr(self, name)
            if value is not None and not callable(value):
                raise TypeError(f"{name} must be callable, got {type(value).__name__}")
        if isinstance(self.graphs, str) or not self.graphs:
            raise ValueError(f"graphs must name at least one of {_GRAPHS}, got {self.graphs!r}")
        for graph in self.graphs:
            check_choice(graph, "graphs", _GRAPHS)
        if not 0 < check_fraction(self.teleport, "teleport") < 1:
            raise ValueError(f"teleport must lie strictly between 0 and 1, got {self.teleport}")
        check_int(self.steps, "steps", minimum=1, maximum=10_000)
        check_positive(self.power, "power")
        check_nonnegative(self.fusion, "fusion")
        check_fraction(self.max_share, "max_share")
        check_int(self.max_phrase, "max_phrase", minimum=1, maximum=64)
        if self.num_seeds is not None:
            check_int(self.num_seeds, "num_seeds", minimum=1)
        check_choice(self.dtype, "dtype", ("float16", "float32"))

    # --- documents --------------------------------------------------------------------------------

    def index(self, documents: Any) -> Self:
        """Index documents, in place of those that are there.

        Args:
            documents (mapping or iterable): Mapping from id to text or :class:`Document`, or an
                iterable of documents, of other objects with ``id``, ``text`` and perhaps ``title``,
                of pairs (id, text), or of texts, whose ids are then 0, 1, ...

        Returns:
            Self: This retriever.

        Raises:
            TypeError: If a document is none of these, or ids are of several types.
            ValueError: If a text is empty, an id repeats, or an embedding is malformed; the earlier
                index stays.
        """
        self._check()
        corpus = self._empty()
        found = read_documents(documents)
        corpus.replace([], found, self._embed(found, None))
        self._set(corpus)
        return self

    def fit(self, documents: Any, y: Any = None) -> Self:
        """Index documents: :meth:`index` under the name that estimators share.

        Args:
            documents (mapping or iterable): As for :meth:`index`.
            y (Any): Not used.

        Returns:
            Self: This retriever.

        Raises:
            TypeError, ValueError: As :meth:`index`.
        """
        return self.index(documents)

    def _empty(self) -> Corpus:
        words, names = self.tokenize or default_tokenize, self.names or capitalised_names
        return Corpus(words, names, self.max_phrase, self.dtype)

    def _set(self, corpus: Corpus) -> None:
        self.corpus_ = corpus
        self._snapshots: dict[bytes, Snapshot] = {}

    def _embed(self, documents: Sequence[Document], width: int | None) -> NDArray[Any] | None:
        if self.encoder is None or not documents:
            return None
        texts = [document.full_text for document in documents]
        return embed(self.encoder, texts, "encoder", width, self.dtype)

    def add(self, documents: Any) -> Self:
        """Add documents; all of them, or none if one is refused.

        Args:
            documents (mapping or iterable): As for :meth:`index`.

        Returns:
            Self: This retriever.

        Raises:
            NotFittedError: If nothing was indexed.
            TypeError, ValueError: As :meth:`index`, and if an id is known already.
        """
        self._check_fitted()
        found = read_documents(documents, self.corpus_.kind)
        known = [d.id for d in found if d.id in self.corpus_.number]
        if known:
            raise ValueError(
                f"documents must have new ids, but {known[:5]} are known: use update to replace "
                "them"
            )
        self.corpus_.replace([], found, self._embed(found, self.corpus_.vectors.width))
        self._snapshots = {}
        return self

    def remove(self, ids: Iterable[DocumentId]) -> Self:
        """Remove documents; all of them, or none if one is unknown.

        Args:
            ids (iterable): Their ids.

        Returns:
            Self: This retriever.

        Raises:
            NotFittedError: If nothing was indexed.
            KeyError: If an id is unknown.
            ValueError: If an id is listed twice.
        """
        self._check_fitted()
        wanted = self._known(ids, "ids")
        self.corpus_.replace(wanted, [], None)
        self._snapshots = {}
        return self

    def _known(self, ids: Iterable[DocumentId], name: str) -> list[DocumentId]:
        if isinstance(ids, (str, bytes)) or not isinstance(ids, Iterable):
            raise TypeError(f"{name} must be a list of ids, got {type(ids).__name__}")
        wanted = list(ids)
        unknown = [
            i for i in wanted if not isinstance(i, (str, int)) or i not in self.corpus_.number
        ]
        if unknown:
            raise KeyError(f"{name} must be known, but {unknown[:5]} are not")
        if len(set(wanted)) != len(wanted):
            raise ValueError(f"{name} must be distinct")
        return wanted

    def update(self, documents: Any) -> Self:
        """Insert documents, replacing those with the same ids; all of them, or none.

        Links that :meth:`use` gave to a replaced document go with it.

        Args:
            documents (mapping or iterable): As for :meth:`index`.

        Returns:
            Self: This retriever.

        Raises:
            NotFittedError: If nothing was indexed.
            TypeError, ValueError: As :meth:`index`.
        """
        self._check_fitted()
        found = read_documents(documents, self.corpus_.kind)
        vectors = self._embed(found, self.corpus_.vectors.width)
        known = [d.id for d in found if d.id in self.corpus_.number]
        self.corpus_.replace(known, found, vectors)
        self._snapshots = {}
        return self

    def use(self, name: str, links: Iterable[tuple[DocumentId, DocumentId]]) -> Self:
        """Join documents by links of another kind, such as citations, in both directions.

        Args:
            name (str): Name of the kind; used again, it replaces the earlier links.
            links (iterable of pairs): Ids of the documents that each link joins; together they
                weigh as much as the shared phrases.

        Returns:
            Self: This retriever.

        Raises:
            NotFittedError: If nothing was indexed.
            TypeError, ValueError: If a name or pair is malformed.
            KeyError: If an id is unknown.
        """
        self._check_fitted()
        if not isinstance(name, str) or not name or name in _GRAPHS:
            raise ValueError(f"name must be a name other than {_GRAPHS}, got {name!r}")
        pairs = [tuple(pair) for pair in links]
        wrong = [pair for pair in pairs if len(pair) != 2]
        if wrong:
            raise ValueError(f"links must be pairs of ids, got {wrong[0]!r}")
        self._known({identity for pair in pairs for identity in pair}, "links")
        self.corpus_.links[name] = pairs  # type: ignore[assignment]
        self._snapshots = {}
        return self

    # --- what is there ----------------------------------------------------------------------------

    def __len__(self) -> int:
        self._check_fitted()
        return len(self.corpus_.documents)

    def __contains__(self, identity: object) -> bool:
        self._check_fitted()
        return isinstance(identity, (str, int)) and identity in self.corpus_.number

    def __getitem__(self, identity: DocumentId) -> Document:
        (known,) = self._known([identity], "identity")
        return self.corpus_.documents[self.corpus_.number[known]]

    @property
    def ids(self) -> list[DocumentId]:
        """Ids of the documents, sorted."""
        self._check_fitted()
        return sorted(self.corpus_.number)  # type: ignore[type-var]

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
            is_document=torch.arange(count) < len(documents),
        )

    # --- questions --------------------------------------------------------------------------------

    def query(
        self,
        text: str,
        k: int = 5,
        *,
        allow: Collection[DocumentId] | None = None,
        explain: bool = False,
    ) -> list[Hit]:
        """Documents that answer a question.

        Args:
            text (str): The question.
            k (int): Documents, at most as many as there are.
            allow (collection, optional): Ids of the documents that may be used; by default all.
            explain (bool): Also name the phrases through which the walk came.

        Returns:
            list[Hit]: Best first; of equal scores the lower id. Fewer than k where fewer are
            allowed; none, with a warning, where nothing in the documents matches.

        Raises:
            NotFittedError: If nothing was indexed.
            TypeError, ValueError: If an argument is malformed or out of range.
            KeyError: If ``allow`` names an unknown id.
        """
        if not isinstance(text, str):
            raise TypeError(f"text must be str, got {type(text).__name__}")
        return self._search([text], k, allow, explain)[0]

    def query_many(
        self, texts: Sequence[str], k: int = 5, *, allow: Collection[DocumentId] | None = None
    ) -> RetrievalResult:
        """Documents that answer each of several questions, computed together.

        Args:
            texts (sequence of str): Questions ``(B,)``.
            k (int): Documents per question, at most as many as there are.
            allow (collection, optional): Ids of the documents that may be used; by default all.

        Returns:
            RetrievalResult: Ids, scores and seeds; the answers of :meth:`query`.

        Raises:
            NotFittedError: If nothing was indexed.
            TypeError, ValueError: If an argument is malformed or out of range.
            KeyError: If ``allow`` names an unknown id.
        """
        return RetrievalResult.of(self._search(texts, k, allow, False), k)

    def _search(
        self, texts: Sequence[str], k: int, allow: Collection[DocumentId] | None, explain: bool
    ) -> list[list[Hit]]:
        self._check_fitted()
        self._check()
        questions = check_texts(texts)
        check_int(k, "k", minimum=1)
        snapshot = self._snapshot(allow)
        if k > len(self):
            raise ValueError(f"k must be at most {len(self)}, the number of documents, got {k}")
        hits: list[list[Hit]] = []
        for first in range(0, len(questions), _QUESTIONS):
            part = questions[first : first + _QUESTIONS]
            hits += self._answer(part, min(k, snapshot.num_documents), snapshot, explain)
        unanswered = sum(not row for row in hits)
        if unanswered:
            warnings.warn(
                f"{unanswered} of {len(questions)} questions share no word with any document and "
                "get no answer",
                UserWarning,
                stacklevel=3,
            )
        return hits

    def _answer(
        self, questions: list[str], k: int, snapshot: Snapshot, explain: bool
    ) -> list[list[Hit]]:
        """Answers to some questions, of which memory holds all scores at once."""
        lexical = [snapshot.bm25.scores(self.corpus_.question_postings(q)) for q in questions]
        dense = self._cosines(questions, snapshot)
        kinds = zip(lexical, strict=True) if dense is None else zip(dense, lexical, strict=True)
        seeds = [seed_shares(scores, self.power, self.num_seeds) for scores in kinds]
        start = torch.from_numpy(np.stack(seeds, axis=1).astype(np.float32))
        walks = np.ascontiguousarray(snapshot.walk(start, self.teleport, self.steps).numpy().T)
        rows: list[list[Hit]] = []
        for i, walk in enumerate(walks):
            own = walk[: snapshot.num_documents].astype(np.float64)
            cosine = np.zeros_like(own) if dense is None else dense[i]
            score = standardized(np.log(own + 1e-9))
            if dense is not None:
                score += self.fusion * standardized(cosine)
            order = best(score, k).tolist() if seeds[i].any() else []
            hits = []
            for position in order:
                via = snapshot.via(walk, position) if explain else ()
                values = (score, cosine, lexical[i], seeds[i], own)
                one, two, three, four, five = (float(value[position]) for value in values)
                hits.append(Hit(snapshot.ids[position], one, two, three, four, five, via))
            rows.append(hits)
        return rows

    def _cosines(
        self, questions: list[str], snapshot: Snapshot
    ) -> list[NDArray[np.float64]] | None:
        if self.encoder is None or snapshot.rows is None:
            return None
        name = "encoder" if self.query_encoder is None else "query_encoder"
        vectors = embed(getattr(self, name), questions, name, self.corpus_.vectors.width)
        found = self.corpus_.vectors.products(snapshot.rows, vectors)
        return [row.astype(np.float64) for row in found]

    def _snapshot(self, allow: Collection[DocumentId] | None) -> Snapshot:
        self._check_fitted()
        if allow is None and b"" in self._snapshots:
            return self._snapshots[b""]
        corpus = self.corpus_
        documents = corpus.ordered()
        if allow is not None:
            chosen = {corpus.number[i] for i in self._known(set(allow), "allow")}
            documents = [number for number in documents if number in chosen]
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
            options = GraphOptions(tuple(self.graphs), self.max_share)
            self._snapshots[key] = Snapshot(corpus, documents, options)
        return self._snapshots[key]

    # --- saved folder -----------------------------------------------------------------------------

    def _arrays(self) -> dict[str, Tensor]:
        self._check_fitted()
        return _storage.arrays(self.corpus_, getattr(self.encoder, "identity", None))

    def _set_arrays(self, arrays: dict[str, Tensor]) -> None:
        self._check()
        corpus = self._empty()
        _storage.fill(corpus, arrays, getattr(self.encoder, "identity", None))
        self._set(corpus)
