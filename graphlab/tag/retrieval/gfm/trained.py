"""A network for one knowledge graph: trained, taken from a release, saved and loaded."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphlab._checks import warn_caller
from graphlab._estimator import Estimator, packed, unpacked
from graphlab._io import check_layers, check_writable
from graphlab._random import make_generator, seeded
from graphlab.tag._texts import text_digest
from graphlab.tag.embedding._named import check_saved, encoder_of
from graphlab.tag.retrieval.documents import DocumentId
from graphlab.tag.retrieval.gfm._parameters import check_parameters
from graphlab.tag.retrieval.gfm.entity_graph import EntityGraph, read_graph
from graphlab.tag.retrieval.gfm.linking import EntityLinker
from graphlab.tag.retrieval.gfm.model import QueryGNN
from graphlab.tag.retrieval.gfm.official import read_official
from graphlab.tag.retrieval.gfm.preparation import (
    embed_entities,
    embed_questions,
    embed_relations,
    read_queries,
)
from graphlab.tag.retrieval.gfm.reader import Reader
from graphlab.tag.retrieval.gfm.self_supervision import Examples, TripleQuestions
from graphlab.tag.retrieval.gfm.training import Saved, Schedule, train
from graphlab.tag.retrieval.names import capitalised_names
from graphlab.tag.retrieval.names import tokenize as default_tokenize
from graphlab.tag.retrieval.retriever import GraphRetriever

if TYPE_CHECKING:
    from typing_extensions import Self

__all__: list[str] = []

#: Least cosine of two embeddings of one text by one encoder, on any hardware.
_SAME_ENCODER = 0.99


class TrainedNetwork(Estimator):
    """A network on a knowledge graph, and the embeddings that it reads.

    Attributes:
        model_ (QueryGNN): The network.
        history_ (list[dict]): Losses of every step.
    """

    retriever: GraphRetriever | None
    graph: Any
    encoder: Any
    query_encoder: Any
    names: Callable[[str], list[str]] | None
    tokenize: Callable[[str], list[str]] | None
    link_threshold: float
    steps: int
    batch_size: int
    lr: float
    weight_decay: float
    two_hops: float
    seed: int

    model_: QueryGNN
    history_: list[dict[str, Any]]

    _graph: EntityGraph
    _relations: Tensor
    _entities: NDArray[np.float16]
    _swapped: bool
    _readers: dict[Any, Reader]

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
        self._check_parameters()
        graph = read_graph(self.graph)
        relations = embed_relations(graph, self._encoder())
        entities = embed_entities(graph, self._encoder(), relations.size(1))
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
            saved = Saved(folder, self._settings(graph, examples), resume)
        history = train(
            model,
            graph,
            relations,
            examples,
            vectors,
            Schedule(
                int(self.steps),
                int(self.batch_size),
                float(self.lr),
                float(self.weight_decay),
                int(self.seed),
            ),
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
            TypeError, ValueError: If a parameter or the graph is malformed, keys, shapes or
                settings are not those expected, or the encoder has another width.
        """
        self._check_parameters()
        model = read_official(path, self._network())
        graph = read_graph(self.graph)
        relations = embed_relations(graph, self._encoder(), model.in_channels)
        entities = embed_entities(graph, self._encoder(), model.in_channels)
        self._set(model, graph, relations, entities, swapped=True)
        self.history_ = []
        return self

    def _check_parameters(self) -> None:
        found = {name: encoder_of(self, name) for name in ("encoder", "query_encoder")}
        check_parameters(self.get_params(deep=False) | found)

    def _encoder(self) -> Any:
        return encoder_of(self, "encoder")

    def _network(self) -> dict[str, Any]:
        words = ("message", "aggregate", "ties")
        sizes = {name: int(getattr(self, name)) for name in ("hidden", "num_layers")}
        return sizes | {name: getattr(self, name) for name in words}

    def _settings(self, graph: EntityGraph, examples: Examples) -> dict[str, Any]:
        """What must be equal for a resume."""
        params = self.get_params(deep=False)
        own = {name: str(params[name]) for name in sorted(params) if name not in self._objects}
        encoders = {
            name: _identity(encoder_of(self, name)) for name in ("encoder", "query_encoder")
        }
        own |= {name: identity for name, identity in encoders.items() if identity is not None}
        asked = zip(examples.texts, examples.starts, examples.documents, strict=True)
        tensors = (graph.edge_index, graph.edge_type, graph.mentions)
        return own | {
            "graph": text_digest([*graph.text, *graph.relation_texts]),
            "edges": text_digest(str(tensor.tolist()) for tensor in tensors),
            "questions": text_digest(map(str, asked)),
        }

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
        self._readers = {}
        self._compare_documents(graph)
        uncovered = int((~graph.covered).sum())
        if uncovered:
            warn_caller(
                f"{uncovered} of {len(graph.documents)} documents mention no entity of the graph: "
                + ("the retriever alone ranks them" if self.retriever else "they are never found")
            )

    def _compare_documents(self, graph: EntityGraph) -> None:
        """Tell of documents that only the retriever knows; to share none is a mistake."""
        own = self.retriever
        ids = own.ids if own is not None and own.__sklearn_is_fitted__() else []
        foreign = [identity for identity in ids if identity not in graph.position]
        if not foreign:
            return
        if len(foreign) == len(ids):
            raise ValueError(
                f"retriever must index the documents of the graph, but none of its {len(ids)} ids, "
                f"such as {foreign[0]!r}, is one of the graph's, such as {graph.documents[0]!r}"
            )
        warn_caller(
            f"{len(foreign)} of {len(ids)} documents of the retriever, such as {foreign[0]!r}, are "
            "none of the graph's: the retriever alone ranks them"
        )

    def _embed_questions(self, texts: Sequence[str], width: int) -> Tensor:
        name = "encoder" if self.query_encoder is None else "query_encoder"
        return embed_questions(encoder_of(self, name), name, texts, width)

    def _linker(self, graph: EntityGraph, entities: NDArray[np.float16]) -> EntityLinker:
        own = self.retriever
        tokenize = self.tokenize or (own.tokenize if own is not None else None) or default_tokenize
        names = self.names or (own.names if own is not None else None) or capitalised_names
        width = entities.shape[1]

        def embed_names(texts: Sequence[str]) -> NDArray[np.float32]:
            return embed_questions(self._encoder(), "encoder", texts, width).numpy()

        return EntityLinker(graph.text, tokenize, names, entities, embed_names, self.link_threshold)

    # --- saved folder -----------------------------------------------------------------------------

    @classmethod
    def _check_keys(cls, config: Mapping[str, Any], source: str) -> None:
        super()._check_keys(config, source)
        check_saved(config, cls._objects, source)

    def _arrays(self) -> dict[str, Tensor]:
        self._check_fitted()
        return packed("model/", self.model_.state_dict()) | {
            "relations": self._relations,
            "entities": torch.from_numpy(self._entities),
            "swapped": torch.tensor(self._swapped, device="cpu"),
            "digest": _digest(self._graph),
        }

    def _set_arrays(self, arrays: dict[str, Tensor]) -> None:
        graph = read_graph(self.graph)
        weights = unpacked("model/", arrays)
        check_layers(self._network()["num_layers"], weights)
        width = int(weights["query_linear.weight"].size(1))
        model = QueryGNN(width, **self._network()).cpu()
        model.load_state_dict(weights)
        relations, entities = arrays["relations"], arrays["entities"].numpy()
        if not torch.equal(arrays["digest"], _digest(graph)):
            relations = embed_relations(graph, self._encoder(), width)
            entities = embed_entities(graph, self._encoder(), width)
        else:
            _check_rows(graph, relations, entities, width)
            _check_encoder(self._encoder(), graph.relation_texts, relations.numpy())
            _check_encoder(self._encoder(), graph.text, entities)
        self._set(model, graph, relations, entities, swapped=bool(arrays["swapped"]))


def _identity(encoder: Any) -> str | None:
    """What an encoder calls itself, as far as it does."""
    name = getattr(encoder, "identity", None)
    return name if isinstance(name, str) else None


def _check_encoder(encoder: Any, texts: Sequence[str], rows: NDArray[Any]) -> None:
    """Require an encoder that embeds one of the texts as it was embedded.

    Raises:
        ValueError: If it does not.
    """
    known = [int(place) for place in rows.any(axis=1).nonzero()[0]]
    # Letters outside ASCII are what the embedded encoder once read in another way.
    place = next((i for i in known if not texts[i].isascii()), known[0] if known else None)
    if place is None:
        return
    one = embed_questions(encoder, "encoder", [texts[place]], rows.shape[1])[0].numpy()
    cosine = float(one @ rows[place].astype(np.float32))
    if cosine < _SAME_ENCODER:
        raise ValueError(
            "encoder must be the one that the network was trained with, but its embedding of "
            f"{texts[place]!r:.80} has cosine {cosine:.3f} with the stored one"
        )


def _check_rows(
    graph: EntityGraph, relations: Tensor, entities: NDArray[np.float16], width: int
) -> None:
    wanted = (2 * graph.num_relations, width), (graph.num_entities, width)
    if (relations.shape, entities.shape) != wanted:
        raise ValueError(
            f"the embeddings of relations and entities must have the shapes {wanted}, got "
            f"{(tuple(relations.shape), entities.shape)}"
        )
    if relations.dtype != torch.float32 or entities.dtype != np.float16:
        kinds = f"{relations.dtype} and {entities.dtype}"
        raise TypeError(f"relations and entities must be float32 and float16, got {kinds}")


def _digest(graph: EntityGraph) -> Tensor:
    """Which texts were embedded."""
    digest = bytes.fromhex(text_digest([*graph.relation_texts, *graph.text]))
    return torch.tensor(list(digest), dtype=torch.uint8, device="cpu")
