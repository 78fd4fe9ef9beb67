"""A learned reader of knowledge graphs (GFM-RAG) beside the retriever that needs no training.

The network is trained on questions made from the triples alone; the real questions, of which it
has seen none, are asked afterwards. Rows: BM25, cosines and their sum; the walk over shared names;
the network as it was drawn; the trained network by itself, and added to the walk with the weight
.5. Seeds draw other weights and other training questions; intervals (95 %) resample the real
questions, and those of a mean over seeds are the means of theirs. The settings were frozen before
the first run, but for the ranker: the plain "idf" lost on the first seed, where entities that the
network rules out weigh against every document that mentions many, and gave way to the ranker with
which the release is trained and asked.

``triples``: ``stored``, facts that GPT-3.5 read off MuSiQue; ``names``, no language model: every
title mentions the names in its text; ``imports``, of the modules of the embedded standard library.

    python -m experiments.retrieval.gfm --preset musique --seeds 0:5
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from graphlab.datasets import MultiHopQA, python_stdlib
from graphlab.tag import (
    Document,
    GFMRetriever,
    GraphRetriever,
    TextEncoder,
    TextGraph,
    knowledge_graph,
)
from graphlab.tag.retrieval import capitalised_names

from .._harness import runner
from .._harness.context import Context
from . import presets
from .run import difference, load, scores, single_document_rankings

_MOST = 20


@dataclass(frozen=True)
class Config(presets.Config):
    """Settings of the retriever, the graph, the network and its training.

    Attributes:
        model (str): Encoder of what has no stored embedding: relations, entities and the questions
            made from triples.
        cache (str): Folder for its embeddings.
        triples (str): ``stored``, ``names`` or ``imports``.
        synonyms (float): Least cosine of phrases that are joined as equivalent.
        hidden (int): Width of the network.
        num_layers (int): Edges that a question spreads.
        message (str): ``distmult`` or ``transe``.
        aggregate (str): ``sum``, ``mean``, ``max`` or ``pna``.
        ranker (str): How entities lend their scores to documents.
        top_k (int): Entities that do.
        weight (float): Weight of the network beside the walk.
        training_steps (int): Steps of the training.
        batch_size (int): Questions per step.
        lr (float): Learning rate.
        two_hops (float): Share of training questions that need two documents.
    """

    model: str = "all-MiniLM-L6-v2"
    cache: str = "cache"
    triples: str = "stored"
    synonyms: float = 0.8
    hidden: int = 64
    num_layers: int = 3
    message: str = "distmult"
    aggregate: str = "sum"
    ranker: str = "idf_topk"
    top_k: int = 20
    weight: float = 0.5
    training_steps: int = 200
    batch_size: int = 8
    lr: float = 1e-3
    two_hops: float = 0.5


_MUSIQUE = Config()
PRESETS: dict[str, Config] = {
    "musique": _MUSIQUE,
    # Without a language model: is there anything to learn from names alone?
    "musique_names": replace(_MUSIQUE, triples="names"),
    "hotpotqa_names": replace(_MUSIQUE, dataset="hotpotqa", triples="names"),
    # Embedded and quick: shows that a figure repeats, not how good the method is.
    "smoke": Config(
        dataset="python_stdlib",
        encoder="hashing",
        model="hashing",
        triples="imports",
        hidden=16,
        num_layers=2,
        training_steps=10,
        num_bootstrap=1_000,
    ),
}


class Encoder:
    """Stored embeddings where there are some, and the model that made them for other texts."""

    def __init__(self, stored: Any, model: Any) -> None:
        self._stored, self._model = stored, model
        self.identity = f"{stored.identity}+{model.identity}"

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embeddings of any texts."""
        known = [text for text in texts if text in self._stored]
        other = [text for text in texts if text not in self._stored]
        rows: dict[str, Any] = {}
        for part, encoder in ((known, self._stored), (other, self._model)):
            if part:
                rows |= dict(zip(part, np.asarray(encoder.encode(part)), strict=True))
        return np.stack([rows[text] for text in texts])


def run(config: Config, context: Context) -> dict[str, dict[str, float]]:
    """Train one network without questions, and rank the documents of the real ones."""
    documents, questions, answers, encoder, asking = load(config)
    model = TextEncoder(config.model, cache_dir=config.cache, device="cpu")
    anything = Encoder(encoder, model) if config.encoder == "stored" else encoder
    begin = time.perf_counter()
    retriever = GraphRetriever(
        encoder,
        query_encoder=asking,
        teleport=config.teleport,
        steps=config.steps,
        power=config.power,
        fusion=config.fusion,
        max_share=config.max_share,
    ).index(documents)
    graph = facts(config, documents, model)
    context.log(0, graph_seconds=time.perf_counter() - begin, **graph.report)
    rankings = single_document_rankings(retriever, questions)
    rankings["walk"] = retriever.query_many(questions, k=_MOST).ids
    for name, steps in (("GFM untrained", 0), ("GFM", config.training_steps)):
        gfm = reader(config, graph, anything, steps, context.seed)
        begin = time.perf_counter()
        gfm.fit(callback=lambda row: context.log(row["step"] + 1, loss=row["loss"]))
        trained = time.perf_counter()
        found = gfm.query_many(questions, k=_MOST)
        rankings[name] = found.ids
        context.log(
            steps + 1,
            training_seconds=trained - begin,
            query_seconds=time.perf_counter() - trained,
            without_entity=int(found.fallback.sum()),
        )
    rankings["walk + GFM"] = gfm.set_params(retriever=retriever).query_many(questions, k=_MOST).ids
    rows = {name: scores(config, ids, answers) for name, ids in rankings.items()}
    rows["walk + GFM - walk"] = difference(
        config, rankings["walk + GFM"], rankings["walk"], answers
    )
    return rows


def reader(config: Config, graph: TextGraph, encoder: Any, steps: int, seed: int) -> GFMRetriever:
    """The network by itself."""
    return GFMRetriever(
        None,
        graph,
        encoder,
        hidden=config.hidden,
        num_layers=config.num_layers,
        message=config.message,  # type: ignore[arg-type]
        aggregate=config.aggregate,  # type: ignore[arg-type]
        ranker=config.ranker,  # type: ignore[arg-type]
        top_k=config.top_k,
        weight=config.weight,
        steps=steps,
        batch_size=config.batch_size,
        lr=config.lr,
        two_hops=config.two_hops,
        seed=seed,
    )


def facts(config: Config, documents: list[Document], model: Any) -> TextGraph:
    """The knowledge graph of the documents."""
    triples: list[tuple[str, str, str, Any]]
    if config.triples == "stored":
        triples = list(MultiHopQA(config.root, config.dataset).triples)  # type: ignore[arg-type]
    elif config.triples == "names":
        triples = [
            (d.title or str(d.id), "mentions", name, d.id)
            for d in documents
            for name in dict.fromkeys(capitalised_names(d.text))
        ]
    else:
        library = python_stdlib()
        pairs = library.edge_index.t().tolist()
        names = library.name
        triples = [(names[a], "imports", names[b], names[a]) for a, b in pairs]
    return knowledge_graph(triples, documents, synonyms=model, threshold=config.synonyms)


def main() -> NoReturn:
    """Run from the command line."""
    runner.main(run, Config, PRESETS)


if __name__ == "__main__":
    main()
