"""Retrieve documents by a network that learned which entities answer a question."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from graphlab._checks import warn_caller
from graphlab._plain_ids import plain_id
from graphlab.tag._texts import check_question, check_texts
from graphlab.tag.retrieval._options import most_documents
from graphlab.tag.retrieval.documents import DocumentId, is_id
from graphlab.tag.retrieval.gfm.fusion import Ranked
from graphlab.tag.retrieval.gfm.layer import Aggregation, Message, Ties
from graphlab.tag.retrieval.gfm.rankers import Ranker
from graphlab.tag.retrieval.gfm.reader import Reader
from graphlab.tag.retrieval.gfm.result import GFMHit, GFMResult
from graphlab.tag.retrieval.gfm.trained import TrainedNetwork
from graphlab.tag.retrieval.retriever import GraphRetriever
from graphlab.tag.text_graph import TextGraph

__all__ = ["GFMRetriever"]

_CACHED = 4  # restricted graphs that are kept


class GFMRetriever(TrainedNetwork):
    r"""Retrieve documents by a graph network over the knowledge graph of what they state (GFM-RAG).

    A question starts at the entities it names and spreads along the relations; entities that the
    network holds for answers lend their scores to the documents that mention them. These are added
    to the scores of a :class:`~graphlab.tag.GraphRetriever`, which needs no training:

    .. math:: \text{score} = z(\text{retriever}) + \text{weight} \cdot z(\text{network})

    It learns without questions: :meth:`fit` makes its own from the triples of the graph. Relations
    enter by the embeddings of their texts, so that a trained network reads other graphs as well.

    A question that names no entity, or no word that the encoder knows, is answered by the retriever
    alone, and so is the score of a
    document that mentions none; both are told and flagged.

    Args:
        retriever (GraphRetriever, optional): Indexed; None ranks by the network alone.
        graph (TextGraph): Of :func:`~graphlab.tag.knowledge_graph`, over the same documents.
        encoder (TextEncoder, object, function or str): Anything with ``encode(list[str]) ->
            (N, F)``, such a function, or the name of one for :class:`~graphlab.tag.TextEncoder`,
            for relations and entities.
        query_encoder (object, function or str, optional): Encoder of questions, where these need
            another one.
        names (callable, optional): From a question to the names in it; by default that of the
            retriever, else :func:`~graphlab.tag.retrieval.capitalised_names`.
        tokenize (callable, optional): From a text to its words; by default that of the retriever.
        hidden (int): Width of the states.
        num_layers (int): Edges that a question spreads.
        message (str): ``"distmult"`` or ``"transe"``; see :class:`QueryGNN`.
        aggregate (str): ``"sum"``, ``"mean"``, ``"max"`` or ``"pna"``.
        ties (str): ``"even"`` or ``"reference"``.
        ranker (str): How entities lend their scores: ``"simple"``, ``"idf"``, ``"topk"`` or
            ``"idf_topk"`` (as the release does); see :func:`document_scores`.
        top_k (int): Entities that count, for the last two.
        weight (float): Weight of the network.
        link_threshold (float): Least cosine of a name in a question and the entity taken for it,
            where none has its words.
        steps (int): Steps of the training; 0 leaves the network as it was drawn.
        batch_size (int): Questions per step.
        lr (float): Learning rate of AdamW.
        weight_decay (float): Of AdamW.
        two_hops (float): Share of its own questions that need two documents.
        seed (int): Of the weights and of its own questions.

    Attributes:
        model_ (QueryGNN): The network.
        history_ (list[dict]): Losses of every step.

    Raises:
        TypeError, ValueError: By :meth:`fit`, if a parameter or the graph is malformed.

    Complexity: a step takes O(batch_size num_layers (E hidden + N hidden^2)); a question only what
        lies within ``num_layers`` edges of its entities, beside O(N hidden).

    Reference: Luo et al., "GFM-RAG: Graph Foundation Model for Retrieval Augmented Generation",
        NeurIPS 2025, arXiv 2502.01113. The fusion and the training without questions are ours.

    Example:
        >>> from graphlab.tag import HashingEncoder, knowledge_graph
        >>> documents = {
        ...     "a": "Marie Curie was born in Warsaw.",
        ...     "b": "Warsaw is the capital of Poland.",
        ...     "c": "Oslo is the capital of Norway.",
        ... }
        >>> triples = [
        ...     ("Marie Curie", "born in", "Warsaw", "a"),
        ...     ("Warsaw", "capital of", "Poland", "b"),
        ...     ("Oslo", "capital of", "Norway", "c"),
        ... ]
        >>> graph = knowledge_graph(triples, documents)
        >>> retriever = GraphRetriever().index(documents)
        >>> gfm = GFMRetriever(retriever, graph, HashingEncoder(16), hidden=8, steps=5)
        >>> sorted(hit.id for hit in gfm.fit().query("Which country is Warsaw in?", k=2))
        ['a', 'b']
    """

    _objects: ClassVar[tuple[str, ...]] = (
        "retriever",
        "graph",
        "encoder",
        "query_encoder",
        "names",
        "tokenize",
    )
    _read_later: ClassVar[frozenset[str]] = frozenset({"ranker", "top_k", "weight"})

    def __init__(
        self,
        retriever: GraphRetriever | None,
        graph: TextGraph,
        encoder: Any,
        *,
        query_encoder: Any = None,
        names: Callable[[str], list[str]] | None = None,
        tokenize: Callable[[str], list[str]] | None = None,
        hidden: int = 512,
        num_layers: int = 6,
        message: Message = "distmult",
        aggregate: Aggregation = "sum",
        ties: Ties = "even",
        ranker: Ranker = "idf_topk",
        top_k: int = 20,
        weight: float = 0.5,
        link_threshold: float = 0.7,
        steps: int = 200,
        batch_size: int = 8,
        lr: float = 1e-3,
        weight_decay: float = 0.01,
        two_hops: float = 0.5,
        seed: int = 0,
    ) -> None:
        self.retriever = retriever
        self.graph = graph
        self.encoder = encoder
        self.query_encoder = query_encoder
        self.names = names
        self.tokenize = tokenize
        self.hidden = hidden
        self.num_layers = num_layers
        self.message = message
        self.aggregate = aggregate
        self.ties = ties
        self.ranker = ranker
        self.top_k = top_k
        self.weight = weight
        self.link_threshold = link_threshold
        self.steps = steps
        self.batch_size = batch_size
        self.lr = lr
        self.weight_decay = weight_decay
        self.two_hops = two_hops
        self.seed = seed

    # --- questions --------------------------------------------------------------------------------

    def query(
        self,
        text: str,
        k: int | None = None,
        *,
        allow: Collection[DocumentId] | None = None,
        explain: bool = False,
    ) -> list[GFMHit]:
        """Documents that answer a question.

        Args:
            text (str): The question.
            k (int, optional): Most documents, by default 5; all where there are fewer.
            allow (collection, optional): Ids of the documents that may be used; by default all. Of
                the graph only what they state is left.
            explain (bool): Also name the entities of a document that score best.

        Returns:
            list[GFMHit]: Best first; of equal scores the lower id. Fewer than k where there are
            fewer, or fewer are allowed; none, with a warning, where nothing matches.

        Raises:
            NotFittedError: If there is no trained network.
            TypeError, ValueError: If an argument is malformed or out of range.
            KeyError: If ``allow`` names an unknown id.
            FloatingPointError: If a score is NaN or infinite.
        """
        check_question(text)
        return self._search([text], self._limit(k), allow, explain)[0][0]

    def query_many(
        self,
        texts: Sequence[str],
        k: int | None = None,
        *,
        allow: Collection[DocumentId] | None = None,
    ) -> GFMResult:
        """Documents that answer each of several questions.

        Args:
            texts (sequence of str): Questions ``(B,)``.
            k (int, optional): Documents per question, as for :meth:`query`.
            allow (collection, optional): As for :meth:`query`.

        Returns:
            GFMResult: Ids and scores, and which questions the retriever answered alone.

        Raises:
            NotFittedError, TypeError, ValueError, KeyError, FloatingPointError: As :meth:`query`.
        """
        limit = self._limit(k)
        rows, alone = self._search(texts, limit, allow, False)
        scores = torch.full((len(rows), limit), -torch.inf, device="cpu")
        for place, row in enumerate(rows):
            scores[place, : len(row)] = scores.new_tensor([hit.score for hit in row])
        flags = torch.tensor(alone, dtype=torch.bool, device="cpu")
        return GFMResult([[hit.id for hit in row] for row in rows], scores, flags)

    def stats(self) -> dict[str, int]:
        """Sizes of what is searched.

        Returns:
            dict[str, int]: ``documents``, ``without_entity`` (those that mention none, or that the
            graph lacks), ``entities``, ``relations``, ``edges`` and ``weights`` of the network.

        Raises:
            NotFittedError: If there is no trained network.
        """
        self._check_fitted()
        ids, graph = self._ids(None), self._graph
        covered = sum(bool(graph.covered[graph.position[i]]) for i in ids if i in graph.position)
        return {
            "documents": len(ids),
            "without_entity": len(ids) - covered,
            "entities": graph.num_entities,
            "relations": graph.num_relations,
            "edges": int(graph.edge_type.numel()),
            "weights": sum(p.numel() for p in self.model_.parameters()),
        }

    def _ids(self, allow: Collection[DocumentId] | None) -> list[DocumentId]:
        """Ids of the documents that may be found, sorted."""
        if self.retriever is not None:
            known: Collection[DocumentId] = self.retriever.ids
        else:
            known = [
                i for i, own in zip(self._graph.documents, self._graph.covered, strict=True) if own
            ]
        if allow is None:
            return sorted(known)  # type: ignore[type-var]
        if isinstance(allow, (str, bytes)) or not isinstance(allow, Collection):
            raise TypeError(f"allow must be a list of ids, got {type(allow).__name__}")
        wanted = [plain_id(identity) for identity in allow]
        every = set(known) | set(self._graph.documents)
        unknown = [i for i in wanted if not is_id(i) or i not in every]
        if unknown:
            raise KeyError(f"allow must be known, but {unknown[:5]} are not")
        return sorted(set(wanted) & set(known))  # type: ignore[type-var]

    def _limit(self, k: int | None) -> int:
        """Documents per question, of which there are no more than documents."""
        self._check_fitted()
        return most_documents(k, len(self._ids(None)))

    def _search(
        self,
        texts: Sequence[str],
        k: int,
        allow: Collection[DocumentId] | None,
        explain: bool,
    ) -> tuple[list[list[GFMHit]], list[bool]]:
        self._check_parameters()
        questions = list(check_texts(texts))
        ids = self._ids(allow)
        reader = self._reader(None if allow is None else ids)
        vectors = self._embed_questions(questions, self._relations.size(1))
        readings = reader.read(questions, vectors, self.ranker, self.top_k)
        base: Sequence[NDArray[np.float64] | None] = [None] * len(questions)
        if self.retriever is not None:
            _, base = self.retriever._all_scores(questions, None if allow is None else ids)
        position = self._graph.position
        places = np.array([position.get(i, -1) for i in ids], dtype=np.int64)
        ranked = Ranked(ids, places, self.weight)
        rows = [
            ranked.hits(reader, plain, reading, k, explain)
            for plain, reading in zip(base, readings, strict=True)
        ]
        alone = [reading is None for reading in readings]
        self._tell(rows, alone)
        return rows, alone

    def _tell(self, rows: list[list[GFMHit]], alone: list[bool]) -> None:
        empty = sum(not row for row in rows)
        lost = sum(alone) - sum(not row and own for row, own in zip(rows, alone, strict=True))
        if empty:
            warn_caller(
                f"{empty} of {len(rows)} questions name no entity and match no document: they get "
                "no answer"
            )
        if lost:
            warn_caller(
                f"{lost} of {len(rows)} questions name no entity of the graph: the retriever "
                "answers them alone"
            )

    def _reader(self, allow: list[DocumentId] | None) -> Reader:
        key = None if allow is None else tuple(allow)
        if key not in self._readers:
            while len(self._readers) > _CACHED:
                del self._readers[next(k for k in self._readers if k is not None)]
            graph = self._graph if allow is None else self._graph.restricted(allow)
            relations = self._relations
            if self._swapped:
                relations = relations.roll(graph.num_relations, 0)
            linker = self._linker(graph, self._entities)
            self._readers[key] = Reader(self.model_, relations, graph, linker)
        return self._readers[key]
