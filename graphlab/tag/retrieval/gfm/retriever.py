"""Retrieve documents by a network that learned which entities answer a question."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphlab._checks import check_int, warn_caller
from graphlab._estimator import Estimator, packed, unpacked
from graphlab._io import check_writable
from graphlab._random import make_generator, seeded
from graphlab.tag._texts import check_texts, text_digest
from graphlab.tag.retrieval.documents import DocumentId, is_id, plain_id
from graphlab.tag.retrieval.gfm._parameters import check_parameters
from graphlab.tag.retrieval.gfm.entity_graph import EntityGraph, read_graph
from graphlab.tag.retrieval.gfm.fusion import Ranked
from graphlab.tag.retrieval.gfm.layer import Aggregation, Message, Ties
from graphlab.tag.retrieval.gfm.linking import EntityLinker
from graphlab.tag.retrieval.gfm.model import QueryGNN
from graphlab.tag.retrieval.gfm.official import read_official
from graphlab.tag.retrieval.gfm.preparation import (
    embed_entities,
    embed_questions,
    embed_relations,
    read_queries,
)
from graphlab.tag.retrieval.gfm.rankers import Ranker
from graphlab.tag.retrieval.gfm.reader import Reader
from graphlab.tag.retrieval.gfm.result import GFMHit, GFMResult
from graphlab.tag.retrieval.gfm.self_supervision import TripleQuestions
from graphlab.tag.retrieval.gfm.training import Saved, Schedule, train
from graphlab.tag.retrieval.names import capitalised_names
from graphlab.tag.retrieval.names import tokenize as default_tokenize
from graphlab.tag.retrieval.retriever import GraphRetriever
from graphlab.tag.text_graph import TextGraph

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["GFMRetriever"]

_DOCUMENTS = 5  # that a question gets by default
_CACHED = 4  # restricted graphs that are kept


class GFMRetriever(Estimator):
    r"""Retrieve documents by a graph network over the knowledge graph of what they state (GFM-RAG).

    A question starts at the entities it names and spreads along the relations; entities that the
    network holds for answers lend their scores to the documents that mention them. These are added
    to the scores of a :class:`~graphlab.tag.GraphRetriever`, which needs no training:

    .. math:: \text{score} = z(\text{retriever}) + \text{weight} \cdot z(\text{network})

    It learns without questions: :meth:`fit` makes its own from the triples of the graph. Relations
    enter by the embeddings of their texts, so that a trained network reads other graphs as well.

    A question that names no entity is answered by the retriever alone, and so is the score of a
    document that mentions none; both are told and flagged.

    Args:
        retriever (GraphRetriever, optional): Indexed; None ranks by the network alone.
        graph (TextGraph): Of :func:`~graphlab.tag.knowledge_graph`, over the same documents.
        encoder (TextEncoder or object): Anything with ``encode(list[str]) -> (N, F)``, for
            relations and entities.
        query_encoder (object, optional): Encoder of questions, where these need another one.
        names (callable, optional): From a question to the names in it; by default that of the
            retriever, else :func:`~graphlab.tag.retrieval.capitalised_names`.
        tokenize (callable, optional): From a text to its words; by default that of the retriever.
        hidden (int): Width of the states.
        num_layers (int): Edges that a question spreads.
        message (str): ``"distmult"`` or ``"transe"``; see :class:`QueryGNN`.
        aggregate (str): ``"sum"``, ``"mean"``, ``"max"`` or ``"pna"``.
        ties (str): ``"even"`` or ``"reference"``.
        ranker (str): How entities lend their scores: ``"simple"``, ``"idf"``, ``"topk"`` or
            ``"idf_topk"``; see :func:`document_scores`.
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
        >>> gfm = GFMRetriever(retriever, graph, HashingEncoder(16), hidden=8, num_layers=2, steps=5)
        >>> [hit.id for hit in gfm.fit().query("Of which country is Curie's town?", k=2)]
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
    model_: QueryGNN
    history_: list[dict[str, Any]]

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
        ranker: Ranker = "idf",
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

    # --- training ---------------------------------------------------------------------------------

    def fit(
        self,
        queries: Iterable[tuple[str, Collection[DocumentId]]] | None = None,
        *,
        directory: str | os.PathLike[str] | None = None,
        resume: bool = True,
        callback: Callable[[dict[str, Any]], None] | None = None,
        progress: bool | None = None,
    ) -> Self:
        """Train the network, by default on questions made from the triples of the graph.

        Args:
            queries (iterable, optional): Questions, each with the ids of the documents that answer
                it together.
            directory (path, optional): Folder for a checkpoint every 25 steps.
            resume (bool): Whether to go on from a checkpoint found there, which must have the same
                parameters, graph and questions; otherwise it is removed.
            callback (callable, optional): Called with the row of every step.
            progress (bool, optional): Whether progress is shown; after five seconds when missing.

        Returns:
            Self: This retriever.

        Raises:
            TypeError, ValueError: If a parameter, the graph or a question is malformed, an encoder
                returns other rows than it should, or no question names an entity.
            KeyError: If a question names an unknown document.
            NonFiniteLossError: If the loss is NaN or infinite.

        A warning tells how many documents mention no entity, and how many questions name none.
        """
        check_parameters(self.get_params(deep=False))
        graph = read_graph(self.graph)
        relations = embed_relations(graph, self.encoder)
        entities = embed_entities(graph, self.encoder, relations.size(1))
        if queries is None:
            count, generator = self.steps * self.batch_size, make_generator(self.seed)
            examples = TripleQuestions(graph, self.two_hops).draw(count, generator)
        else:
            examples = read_queries(queries, graph, self._linker(graph, entities))
        vectors = self._embed_questions(examples.texts, relations.size(1))
        with seeded(self.seed, torch.device("cpu")):
            model = QueryGNN(relations.size(1), **self._network()).cpu()
        saved = None
        if directory is not None:
            folder = check_writable(directory, "directory", folder=True)
            content = {
                "parameters": {k: repr(v) for k, v in sorted(self._config().items())},
                "graph": text_digest([*graph.text, *graph.relation_texts]),
                "edges": text_digest(
                    [str(graph.edge_index.tolist()), str(graph.mentions.tolist())]
                ),
                "questions": text_digest(
                    [f"{t} {d}" for t, d in zip(examples.texts, examples.documents, strict=True)]
                ),
            }
            saved = Saved(folder, content, resume)
        history = train(
            model,
            graph,
            relations,
            examples,
            vectors,
            Schedule(self.steps, self.batch_size, self.lr, self.weight_decay, self.seed),
            saved=saved,
            callback=callback,
            progress=progress,
        )
        self._set(model, graph, relations, entities, swapped=False)
        self.history_ = history
        return self

    def load_official_checkpoint(self, path: str | os.PathLike[str]) -> Self:
        """Take the weights of the authors' release instead of training.

        ``hidden``, ``num_layers``, ``message`` and ``aggregate`` must be those of the release (512,
        6, distmult and sum for the published one), and ``encoder`` the one it was trained with. The
        kernels of the release pass messages against the direction of the edges, so the vectors of
        the relations and of their reverses are exchanged.

        Args:
            path (path): ``model.pth`` or its folder.

        Returns:
            Self: This retriever.

        Raises:
            FileNotFoundError: If there is no such file.
            TypeError, ValueError: If a parameter or the graph is malformed, keys, shapes or settings
                are not those expected, or the encoder has another width.
        """
        check_parameters(self.get_params(deep=False))
        model = read_official(path, self._network())
        graph = read_graph(self.graph)
        relations = embed_relations(graph, self.encoder, model.in_channels)
        entities = embed_entities(graph, self.encoder, model.in_channels)
        self._set(model, graph, relations, entities, swapped=True)
        self.history_ = []
        return self

    def _network(self) -> dict[str, Any]:
        names = ("hidden", "num_layers", "message", "aggregate", "ties")
        return {name: getattr(self, name) for name in names}

    def _set(
        self,
        model: QueryGNN,
        graph: EntityGraph,
        relations: Tensor,
        entities: NDArray[np.float16],
        *,
        swapped: bool,
    ) -> None:
        self.model_ = model.eval()
        self._graph, self._relations, self._entities = graph, relations, entities
        self._swapped = swapped
        self._readers: dict[Any, Reader] = {}
        uncovered = int((~graph.covered).sum())
        if uncovered:
            warn_caller(
                f"{uncovered} of {len(graph.documents)} documents mention no entity of the graph: "
                + ("the retriever alone ranks them" if self.retriever else "they are never found")
            )

    def _embed_questions(self, texts: Sequence[str], width: int) -> Tensor:
        name = "encoder" if self.query_encoder is None else "query_encoder"
        return embed_questions(getattr(self, name), name, texts, width)

    def _linker(self, graph: EntityGraph, entities: NDArray[np.float16]) -> EntityLinker:
        own = self.retriever
        tokenize = self.tokenize or (own.tokenize if own is not None else None) or default_tokenize
        names = self.names or (own.names if own is not None else None) or capitalised_names
        width = entities.shape[1]

        def embed_names(texts: Sequence[str]) -> NDArray[np.float32]:
            return embed_questions(self.encoder, "encoder", texts, width).numpy()

        return EntityLinker(graph.text, tokenize, names, entities, embed_names, self.link_threshold)

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
            k (int, optional): Documents, at most as many as there are; by default 5, or all where
                there are fewer.
            allow (collection, optional): Ids of the documents that may be used; by default all. Of
                the graph only what they state is left.
            explain (bool): Also name the entities of a document that score best.

        Returns:
            list[GFMHit]: Best first; of equal scores the lower id. Empty, with a warning, where
            nothing matches.

        Raises:
            NotFittedError: If there is no trained network.
            TypeError, ValueError: If an argument is malformed or out of range.
            KeyError: If ``allow`` names an unknown id.
            FloatingPointError: If a score is NaN or infinite.
        """
        if not isinstance(text, str):
            raise TypeError(f"text must be str, got {type(text).__name__}")
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
        """Documents per question; a k that is given must be possible."""
        self._check_fitted()
        count = len(self._ids(None))
        if k is None:
            return max(min(_DOCUMENTS, count), 1)
        check_int(k, "k", minimum=1)
        if k > count > 0:
            raise ValueError(f"k must be at most {count}, the number of documents, got {k}")
        return k

    def _search(
        self,
        texts: Sequence[str],
        k: int,
        allow: Collection[DocumentId] | None,
        explain: bool,
    ) -> tuple[list[list[GFMHit]], list[bool]]:
        check_parameters(self.get_params(deep=False))
        questions = check_texts(texts)
        ids = self._ids(allow)
        reader = self._reader(None if allow is None else ids)
        vectors = self._embed_questions(questions, self._relations.size(1))
        readings = reader.read(questions, vectors)
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
            self._readers[key] = Reader(
                self.model_, relations, graph, linker, self.ranker, self.top_k
            )
        return self._readers[key]

    # --- saved folder -----------------------------------------------------------------------------

    def _arrays(self) -> dict[str, Tensor]:
        self._check_fitted()
        return packed("model/", self.model_.state_dict()) | {
            "relations": self._relations,
            "entities": torch.from_numpy(self._entities),
            "swapped": torch.tensor(self._swapped, device="cpu"),
            "digest": _digest(self._graph),
        }

    def _set_arrays(self, arrays: dict[str, Tensor]) -> None:
        check_parameters(self.get_params(deep=False))
        graph = read_graph(self.graph)
        weights = unpacked("model/", arrays)
        width = int(weights["query_linear.weight"].size(1))
        model = QueryGNN(width, **self._network()).cpu()
        model.load_state_dict(weights)
        relations, entities = arrays["relations"], arrays["entities"].numpy()
        if not torch.equal(arrays["digest"], _digest(graph)):
            relations = embed_relations(graph, self.encoder, width)
            entities = embed_entities(graph, self.encoder, width)
        self._set(model, graph, relations, entities, swapped=bool(arrays["swapped"]))


def _digest(graph: EntityGraph) -> Tensor:
    """Which texts were embedded."""
    digest = bytes.fromhex(text_digest([*graph.relation_texts, *graph.text]))
    return torch.tensor(list(digest), dtype=torch.uint8, device="cpu")
