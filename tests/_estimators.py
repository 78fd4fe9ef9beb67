"""Every public estimator: how it is made, fitted and used on a small graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from graphlab import contrastive, embed, hyper, tag
from graphlab._estimator import Estimator
from graphlab.tag import graphclip, retrieval
from tests._graphs import planted
from tests.tag.graphclip._toy import WIDTH, HashEncoder, toy_model

DATA = planted(dim=WIDTH)
X, EDGES = DATA.x, DATA.edge_index
FEW = torch.arange(30)


@dataclass(frozen=True)
class Entry:
    """How to make and use an estimator of a class.

    Attributes:
        params: Arguments of the constructor, made once.
        other: A parameter and a value that is neither its default nor in ``params``.
        fit: Fits it; None where there is nothing to fit.
        uses: What it gives, by name.
        ready: Whether it gives that before a fit as well.
        saved: Whether it can be saved.
    """

    params: dict[str, Any]
    other: tuple[str, Any] | None
    fit: Callable[..., Any] | None
    uses: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    ready: bool = False
    saved: bool = True


def _hyperedges() -> Tensor:
    """Triangles and pairs, each of them three nodes on from the last."""
    rows = [[i % 30, (i + 1) % 30, (i + 4) % 30][: 2 + i % 2] for i in range(0, 90, 3)]
    pairs = [(node, row) for row, nodes in enumerate(rows) for node in nodes]
    return torch.tensor(pairs).T


def _graphclip() -> dict[str, Any]:
    model, sampler = toy_model(), graphclip.SubgraphSampler(walk_length=8, seed=0)
    store = sampler.sample(EDGES, 60, FEW)
    return {"model": model, "sampler": sampler, "store": store}


TEXTS = [f"{word} {number}" for word in ("red", "blue", "green") for number in range(5)]
HYPEREDGES = _hyperedges()
PROJECTED = hyper.project(HYPEREDGES, 30)
CLIQUES = hyper.maximal_cliques(PROJECTED, 30)
WEIGHTED = hyper.project(HYPEREDGES, 30, weighted=True)
CLIP = _graphclip()
TEXT_GRAPH = tag.TextGraph(edge_index=EDGES, text=[f"{TEXTS[i % 15]} {i // 15}" for i in range(60)])
WORDS = ["red", "blue", "green"]
LABELLED = (X, CLIP["store"], DATA.y[FEW])

ENTRIES: dict[type[Estimator], Entry] = {
    contrastive.SCGC: Entry(
        {"in_channels": WIDTH, "num_clusters": 3, "hidden_channels": (6,), "epochs": 2},
        ("alpha", 0.5),
        lambda e, **options: e.fit(X, EDGES, **options),
        {"predict": lambda e: e.predict(), "embed": lambda e: e.embed(X)},
    ),
    embed.FastRP: Entry(
        {"dim": 8},
        ("beta", -0.5),
        lambda e: e.fit(EDGES, 60),
        {"transform": lambda e: e.transform(), "columns": lambda e: e.columns(0, 4)},
    ),
    embed.KGEmbedding: Entry(
        {
            "num_nodes": 60,
            "num_relations": 2,
            "hidden_channels": 4,
            "train_config": embed.KGETrainConfig(epochs=2),
        },
        ("gamma", 2.0),
        lambda e, **options: e.fit(EDGES, EDGES[0] % 2, **options),
        {
            "query": lambda e: e.query(FEW, FEW % 4).detach(),
            "topk": lambda e: e.topk(FEW, FEW % 4, 3)[0],
        },
        ready=True,  # it has a table from the start
    ),
    embed.PPR: Entry(
        {"teleport": 0.2},
        ("tol", 1e-6),
        lambda e: e.fit(EDGES, 60),
        {"query": lambda e: e.query([0, 7])},
    ),
    embed.PPRFingerprints: Entry(
        {"walk_length": 40},
        ("expansions", 3),
        lambda e: e.fit(EDGES, 60),
        {"query": lambda e: e.query([0, 7])},
    ),
    embed.NodeEmbedding: Entry(
        {"graph": DATA, "model": embed.FastRP(dim=8)},
        None,
        lambda e: e.fit(torch.arange(60)),
        {"transform": lambda e: torch.from_numpy(e.transform(torch.arange(60)))},
    ),
    hyper.BayesianMDL: Entry({}, ("num_sweeps", 7), None),
    hyper.CliqueCover: Entry({}, None, None, {"predict": lambda e: e.predict(PROJECTED, 30)}),
    hyper.CliqueSampler: Entry(
        {"beta": 20},
        ("tie_break", "cheapest"),
        lambda e: e.fit(HYPEREDGES, 30, CLIQUES),
        {"sample": lambda e: e.sample(CLIQUES)},
    ),
    hyper.HypergraphReconstructor: Entry(
        {"classifier": "lr", "beta": 40},
        ("features", "motif"),
        lambda e: e.fit(HYPEREDGES, 30),
        {
            "predict": lambda e: e.predict(PROJECTED, 30),
            "predict_proba": lambda e: e.predict_proba(PROJECTED, 30)[-1],
        },
    ),
    hyper.Marioh: Entry(
        {"classifier": "lr"},
        ("decay", 0.1),
        lambda e: e.fit(HYPEREDGES, 30),
        {"predict": lambda e: e.predict(WEIGHTED[0], 30, WEIGHTED[1])},
    ),
    hyper.MaxCliqueBaseline: Entry({}, None, None, {"predict": lambda e: e.predict(PROJECTED, 30)}),
    tag.GAugLLM: Entry(
        {"epochs": 3, "out_channels": 8, "view_features": (X, X.flip(1))},
        ("lr", 0.1),
        lambda e, **options: e.fit(DATA, **options),
        {"transform": lambda e: e.transform(DATA)},
    ),
    tag.HashingEncoder: Entry(
        {"dim": 8},
        ("ngrams", 1),
        lambda e: e.fit(TEXTS),
        {"call": lambda e: torch.from_numpy(e(TEXTS))},
        ready=True,  # words have directions, drawn at random
    ),
    tag.GraphCLIPPipeline: Entry(
        {
            "encoder": HashEncoder(),
            "sampler": CLIP["sampler"],
            "config": tag.PretrainConfig(epochs=2, batch_size=16),
            "hidden_channels": 16,
            "num_layers": 1,
        },
        ("pairs", 30),
        lambda e, **options: e.fit(TEXT_GRAPH, **options),
        {"predict": lambda e: e.predict(TEXT_GRAPH, WORDS)},
    ),
    tag.LinkPredictor: Entry(
        {"model": CLIP["model"], "sampler": CLIP["sampler"]},
        None,
        None,
        {"predict": lambda e: e.predict(X, EDGES, torch.tensor([[0, 1], [2, 3]]))},
    ),
    tag.GFMRetriever: Entry(
        {
            "retriever": None,
            "graph": tag.knowledge_graph(
                [("Curie", "born in", "Warsaw", "a"), ("Warsaw", "lies in", "Poland", "b")],
                {"a": "Curie was born in Warsaw.", "b": "Warsaw lies in Poland."},
            ),
            "encoder": tag.HashingEncoder(8),
            "hidden": 4,
            "num_layers": 2,
            "steps": 2,
            "batch_size": 2,
        },
        ("weight", 0.25),
        lambda e, **options: e.fit(**options),
        {"query": lambda e: e.query_many(["Where was Curie born?"], k=2).scores},
    ),
    tag.GraphRetriever: Entry(
        {"steps": 4},
        ("power", 4.0),
        lambda e: e.fit(TEXTS),
        {"query": lambda e: e.query_many(["red 3", "blue"], k=4).scores},
    ),
    retrieval.EgoGraphRetriever: Entry(
        {"encoder": tag.TextEncoder("hashing"), "num_hops": 1},
        ("direction", "in"),
        lambda e: e.fit(tag.TextGraph(edge_index=EDGES, text=[f"node {i}" for i in range(60)])),
        {"query": lambda e: e.similarities("node 3")},
        saved=False,
    ),
    tag.PromptTuner: Entry(
        {"model": CLIP["model"], "class_embeddings": torch.eye(3, WIDTH), "epochs": 2},
        ("num_prompts", 2),
        lambda e, **options: e.fit(*LABELLED, **options),
        {"predict": lambda e: e.predict(X, CLIP["store"])},
        ready=True,  # it is the zero-shot classifier
    ),
    tag.TAPE: Entry(
        {"features": {"X": X}, "epochs": 3, "hidden_channels": 4, "num_layers": 2},
        ("lr", 0.5),
        lambda e, **options: e.fit(DATA, **options),
        {"predict": lambda e: e.predict(), "predict_proba": lambda e: e.predict_proba()},
    ),
    tag.ZeroShotClassifier: Entry(
        {"model": CLIP["model"], "encoder": HashEncoder(), "class_names": ["a", "b", "c"]},
        ("mix", "own"),
        None,  # the class sentences are embedded on first use
        {"predict": lambda e: e.predict(X, CLIP["store"])},
    ),
    tag.ZeroShotNodes: Entry(
        {"model": CLIP["model"], "encoder": HashEncoder(), "sampler": CLIP["sampler"]},
        ("mix", "own"),
        lambda e: e.fit(TEXT_GRAPH),
        {
            "predict": lambda e: e.predict(WORDS),
            "predict_proba": lambda e: e.predict_proba(WORDS),
            "evaluate": lambda e: torch.tensor(
                list(next(iter(e.evaluate(torch.arange(60) % 3, WORDS).values())).values())
            ),
        },
    ),
}


def made(cls: type[Estimator], **params: Any) -> Any:
    return cls(**ENTRIES[cls].params | params)


def fitted(cls: type[Estimator]) -> Any:
    """One that was fitted, where there is something to fit."""
    estimator, entry = made(cls), ENTRIES[cls]
    return entry.fit(estimator) if entry.fit else estimator


def objects_of(cls: type[Estimator]) -> dict[str, Any]:
    """What a load takes beside the folder."""
    given = ENTRIES[cls].params
    return {name: given[name] for name in cls._objects if name in given}
