"""The documents of a retriever: indexed, changed one by one, saved and loaded."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from numpy.typing import NDArray
from torch import Tensor

from graphlab._estimator import Estimator
from graphlab._feature_rows import FeatureRows
from graphlab._plain_ids import plain_id
from graphlab.tag.embedding._named import check_saved, encoder_of
from graphlab.tag.retrieval import _corpus_arrays
from graphlab.tag.retrieval._corpus import Corpus, Tokenize
from graphlab.tag.retrieval._metadata import storable
from graphlab.tag.retrieval._options import GRAPHS, check_options
from graphlab.tag.retrieval._snapshot import GraphOptions, Snapshot
from graphlab.tag.retrieval._vectors import embed, stored, tell_zeros
from graphlab.tag.retrieval.documents import (
    Document,
    DocumentId,
    is_id,
    read_documents,
)
from graphlab.tag.retrieval.names import capitalised_names, is_foreign
from graphlab.tag.retrieval.names import tokenize as default_tokenize

if TYPE_CHECKING:
    from typing_extensions import Self

__all__: list[str] = []


class StoredDocuments(Estimator):
    """Documents that come and go; a change that is refused changes nothing.

    Attributes:
        corpus_ (Corpus): The documents and their phrases.
    """

    _fit_name: ClassVar[str] = "index"

    encoder: Any
    names: Tokenize | None
    tokenize: Tokenize | None
    graphs: Any
    max_share: float
    max_phrase: int
    dtype: Any
    corpus_: Corpus

    _graph_options: GraphOptions
    _snapshots: dict[bytes, Snapshot]

    def _check_parameters(self) -> None:
        found = {name: encoder_of(self, name) for name in ("encoder", "query_encoder")}
        check_options(self.get_params(deep=False) | found)

    def index(self, documents: Any, *, vectors: FeatureRows | None = None) -> Self:
        """Index documents, in place of those that are there.

        Args:
            documents (mapping, table or iterable): Mapping from id to text or :class:`Document`, a
                data frame with columns ``id``, ``text`` and perhaps ``title`` and ``metadata``, a
                Series of texts whose index holds the ids, or an iterable of documents, of other
                objects or dicts with these fields, of pairs (id, text), or of texts, whose ids are
                then 0, 1, ...
            vectors (Tensor or EmbeddingStore, optional): Embeddings of the documents by ``encoder``
                where they are at hand, ``(N, D)`` in the order of the documents; it then embeds the
                questions alone.

        Returns:
            Self: This retriever.

        Raises:
            TypeError: If a document is none of these, ids are of several types, or metadata is
                nothing that JSON can hold.
            ValueError: If a text is empty, an id repeats, or an embedding is malformed; the earlier
                index stays.
            ImportError, OSError: If an encoder is named and cannot be loaded.

        Warns:
            UserWarning: If documents have no word that the encoder knows: they are found by their
                words and links alone. If letters are such as the default ``tokenize`` and ``names``
                do little with.
        """
        self._check_parameters()
        corpus = self._empty()
        found = storable(read_documents(documents))
        corpus.replace([], found, self._embed(found, None, vectors))
        self._set(corpus)
        self._tell_unread(found)
        return self

    def fit(self, documents: Any, y: Any = None, *, vectors: FeatureRows | None = None) -> Self:
        """Index documents: :meth:`index` under the name that estimators share.

        Args:
            documents (mapping or iterable): As for :meth:`index`.
            y (Any): Not used.
            vectors (Tensor or EmbeddingStore, optional): As for :meth:`index`.

        Returns:
            Self: This retriever.

        Raises:
            TypeError, ValueError: As :meth:`index`.
        """
        return self.index(documents, vectors=vectors)

    def _tell_unread(self, documents: Sequence[Document]) -> None:
        if self.tokenize is not None:
            return
        foreign = [document.id for document in documents if is_foreign(document.full_text)]
        if foreign:
            warnings.warn(
                f"{len(foreign)} of {len(documents)} documents are mostly in letters without "
                "capitals, in which the default names finds nothing and the default tokenize takes "
                f"spaces alone for the ends of words, the first is {foreign[0]!r}: give "
                "tokenize=... and names=... for their script",
                UserWarning,
                stacklevel=3,
            )

    def _empty(self) -> Corpus:
        words, names = self.tokenize or default_tokenize, self.names or capitalised_names
        return Corpus(words, names, self.max_phrase, self.dtype)

    def _set(self, corpus: Corpus) -> None:
        self.corpus_ = corpus
        # Of the index: what is set later must not decide over some of its questions alone.
        self._graph_options = GraphOptions(tuple(self.graphs), self.max_share)
        self._snapshots = {}

    def _embed(
        self, documents: Sequence[Document], width: int | None, vectors: FeatureRows | None = None
    ) -> NDArray[Any] | None:
        if vectors is not None and self.encoder is None:
            raise ValueError("vectors need the encoder that made them, for the questions")
        if self.encoder is None or not documents:
            return None
        if vectors is not None:
            rows = stored(vectors, len(documents), width, self.dtype)
        else:
            texts = [document.full_text for document in documents]
            rows = embed(encoder_of(self, "encoder"), texts, "encoder", width, self.dtype)
        # The documents that come first show whether the encoder works at all.
        ids = [document.id for document in documents]
        then = "they are found by their words and links alone"
        tell_zeros(rows, ids, "documents", then, several=width is None)
        return rows

    def _embed_more(
        self, documents: Sequence[Document], vectors: FeatureRows | None
    ) -> NDArray[Any] | None:
        """Embeddings of documents beside those that are there: of all documents, or of none.

        Raises:
            ValueError: If an encoder was given, or taken away, since the documents were indexed.
        """
        width = self.corpus_.vectors.width
        if self.corpus_.documents and (width is None) != (self.encoder is None):
            how = "without an encoder" if width is None else "with an encoder"
            raise ValueError(
                f"encoder must be that of the index, which was made {how}, got "
                f"{self.encoder!r:.80}: index all documents again"
            )
        return self._embed(documents, width, vectors)

    def add(self, documents: Any, *, vectors: FeatureRows | None = None) -> Self:
        """Add documents; all of them, or none if one is refused.

        Args:
            documents (mapping or iterable): As for :meth:`index`.
            vectors (Tensor or EmbeddingStore, optional): As for :meth:`index`.

        Returns:
            Self: This retriever.

        Raises:
            NotFittedError: If nothing was indexed.
            TypeError, ValueError: As :meth:`index`, and if an id is known already.
        """
        self._check_fitted()
        found = storable(read_documents(documents, self.corpus_.kind))
        known = [d.id for d in found if d.id in self.corpus_.number]
        if known:
            raise ValueError(
                f"documents must have new ids, but {known[:5]} are known: use update to replace "
                "them"
            )
        rows = self._embed_more(found, vectors)
        self.corpus_.replace([], found, rows)
        self._snapshots = {}
        self._tell_unread(found)
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

    def _known(
        self, ids: Iterable[DocumentId], name: str, *, repeats: bool = False
    ) -> list[DocumentId]:
        if isinstance(ids, (str, bytes)) or not isinstance(ids, Iterable):
            raise TypeError(f"{name} must be a list of ids, got {type(ids).__name__}")
        wanted = [plain_id(identity) for identity in ids]
        unknown = [i for i in wanted if not is_id(i) or i not in self.corpus_.number]
        if unknown:
            raise KeyError(f"{name} must be known, but {unknown[:5]} are not")
        if not repeats and len(set(wanted)) != len(wanted):
            raise ValueError(f"{name} must be distinct")
        return wanted

    def update(self, documents: Any, *, vectors: FeatureRows | None = None) -> Self:
        """Insert documents, replacing those with the same ids; all of them, or none.

        Links that :meth:`use` gave to a replaced document go with it.

        Args:
            documents (mapping or iterable): As for :meth:`index`.
            vectors (Tensor or EmbeddingStore, optional): As for :meth:`index`.

        Returns:
            Self: This retriever.

        Raises:
            NotFittedError: If nothing was indexed.
            TypeError, ValueError: As :meth:`index`.
        """
        self._check_fitted()
        found = storable(read_documents(documents, self.corpus_.kind))
        rows = self._embed_more(found, vectors)
        known = [d.id for d in found if d.id in self.corpus_.number]
        self.corpus_.replace(known, found, rows)
        self._snapshots = {}
        self._tell_unread(found)
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
        if not isinstance(name, str) or not name or name in GRAPHS:
            raise ValueError(f"name must be a name other than {GRAPHS}, got {name!r}")
        if hasattr(links, "itertuples"):  # a frame, which would give the names of its columns
            links = links.itertuples(index=False, name=None)
        if isinstance(links, str) or not isinstance(links, Iterable):
            raise TypeError(f"links must be pairs of ids, got {type(links).__name__}")
        given = list(links)
        wrong = [pair for pair in given if not _is_pair(pair)]
        if wrong:
            raise ValueError(f"links must be pairs of ids, got {wrong[0]!r}")
        pairs = [tuple(plain_id(identity) for identity in pair) for pair in given]
        self._known([i for pair in pairs for i in pair], "links", repeats=True)
        self.corpus_.links[name] = pairs  # type: ignore[assignment]
        self._snapshots = {}
        return self

    # --- what is there ----------------------------------------------------------------------------

    def __len__(self) -> int:
        self._check_fitted()
        return len(self.corpus_.documents)

    def __contains__(self, identity: object) -> bool:
        self._check_fitted()
        identity = plain_id(identity)
        return is_id(identity) and identity in self.corpus_.number

    def __getitem__(self, identity: DocumentId) -> Document:
        (known,) = self._known([identity], "identity")
        return self.corpus_.documents[self.corpus_.number[known]]

    @property
    def ids(self) -> list[DocumentId]:
        """Ids of the documents, sorted."""
        self._check_fitted()
        return sorted(self.corpus_.number)  # type: ignore[type-var]

    # --- saved folder -----------------------------------------------------------------------------

    @classmethod
    def _check_keys(cls, config: Mapping[str, Any], source: str) -> None:
        super()._check_keys(config, source)
        check_saved(config, cls._objects, source)

    def _arrays(self) -> dict[str, Tensor]:
        self._check_fitted()
        return _corpus_arrays.arrays(self.corpus_, self._identity())

    def _set_arrays(self, arrays: dict[str, Tensor]) -> None:
        corpus = self._empty()
        _corpus_arrays.fill(corpus, arrays, self._identity())
        self._set(corpus)

    def _identity(self) -> str | None:
        name: str | None = getattr(encoder_of(self, "encoder"), "identity", None)
        return name


def _is_pair(pair: Any) -> bool:
    return isinstance(pair, Iterable) and not isinstance(pair, str) and len(tuple(pair)) == 2
