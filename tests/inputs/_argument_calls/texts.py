"""One working call of public functions of ``tag`` and ``viz``, with its arguments."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor

from graphlab import datasets, tag, viz
from graphlab.tag import embedding, feasibility, gaugllm, graphclip, llm, retrieval, tape
from graphlab.tag.retrieval import gfm
from tests.tag.graphclip._toy import WIDTH, HashEncoder, toy_model, toy_pairs
from tests.test_inputs import NODES, PLAIN, candidates, features, generator

Call = tuple[Callable[..., Any], dict[str, Any]]

X = features()
Y = torch.arange(NODES) % 2
TEXTS = [f"word {i} text" for i in range(NODES)]
VOTES = (torch.arange(len(candidates())) % 3) - 1
DOCUMENTS = {"a": "Marie Curie was born in Warsaw.", "b": "Warsaw is the capital of Poland."}


def votes() -> gaugllm.CandidateVote:
    pairs = torch.tensor([0, 0, 0]), torch.tensor([4, 5, 6])
    return gaugllm.CandidateVote(*pairs, torch.tensor([1, 0, 0]))


@cache
def network() -> Any:
    return gfm.QueryGNN(4, 4, 2)


def network_states() -> Tensor:
    return torch.ones(NODES, 2, 4)


@cache
def store() -> graphclip.SubgraphStore:
    return tag.SubgraphSampler(walk_length=6).sample(PLAIN, NODES)


@cache
def index() -> tag.GraphRetriever:
    return tag.GraphRetriever(HashEncoder()).index(DOCUMENTS)


@cache
def egos() -> retrieval.EgoGraphRetriever:
    graph = tag.TextGraph(edge_index=PLAIN, text=TEXTS)
    return retrieval.EgoGraphRetriever(HashEncoder()).fit(graph)


@cache
def questions() -> tag.GFMRetriever:
    triples = [("Rome", "is in", "Italy", 0), ("Oslo", "is in", "Norway", 1)]
    graph = tag.knowledge_graph(triples, ["Rome.", "Oslo."])
    encoder = HashEncoder()
    return tag.GFMRetriever(None, graph, encoder, hidden=4, num_layers=2, steps=1).fit()


@cache
def zero_shot() -> tag.ZeroShotNodes:
    graph = tag.TextGraph(edge_index=PLAIN, text=TEXTS)
    sampler = tag.SubgraphSampler(walk_length=6)
    return tag.ZeroShotNodes(toy_model(), encoder=HashEncoder(), sampler=sampler).fit(graph)


def squared(x: Tensor) -> Tensor:
    return x.square().sum()


def prompt() -> tape.ExplanationPrompt:
    return tape.ExplanationPrompt(["ants", "bees", "wasps"], 2)


def ranked() -> tape.RankedPredictionEncoder:
    return tape.RankedPredictionEncoder(3, 2, 4)


LISTS = {"most_similar_non_neighbors": [5], "most_dissimilar_neighbors": [1]}
SIMILAR = torch.eye(3) * 0.5 + 0.5
PAIRS = toy_pairs(12)
PART = torch.arange(6)
PE = torch.zeros(PAIRS.store.batch(PART).node.numel(), 6)

CALLS: dict[str, Callable[[], Call]] = {
    "HashingEncoder.__call__": lambda: (embedding.HashingEncoder(8), {"texts": TEXTS}),
    "HashingEncoder.transform": lambda: (embedding.HashingEncoder(8).transform, {"texts": TEXTS}),
    "HashingEncoder.fit": lambda: (embedding.HashingEncoder(8).fit, {"texts": TEXTS}),
    "HashingEncoder.fit_transform": lambda: (
        embedding.HashingEncoder(8).fit_transform,
        {"texts": TEXTS},
    ),
    "FakeTextEncoder.__call__": lambda: (embedding.FakeTextEncoder(8), {"texts": TEXTS}),
    "FakeTextEncoder.__init__": lambda: (embedding.FakeTextEncoder, {"dim": 8}),
    "TextEncoder.encode": lambda: (tag.TextEncoder(HashEncoder().encode).encode, {"texts": TEXTS}),
    "fit_mixture": lambda: (
        feasibility.fit_mixture,
        {"bases": [SIMILAR, SIMILAR.flip(0)], "target": SIMILAR, "max_rounds": 3},
    ),
    "gromov_wasserstein": lambda: (
        feasibility.gromov_wasserstein,
        {"first": SIMILAR, "second": SIMILAR, "max_iter": 5, "tol": 1e-6},
    ),
    "simplex_fit": lambda: (
        feasibility.simplex_fit,
        {"gram": SIMILAR.double(), "linear": torch.ones(3).double()},
    ),
    "centroid_cosine": lambda: (feasibility.centroid_cosine, {"first": X, "second": X}),
    "maximum_mean_discrepancy": lambda: (
        feasibility.maximum_mean_discrepancy,
        {"first": X, "second": X.flip(1)},
    ),
    "EdgeCandidates.from_lists": lambda: (
        gaugllm.EdgeCandidates.from_lists,
        {"lists": {0: LISTS}, "num_nodes": NODES, "min_del": 1},
    ),
    "degree_groups": lambda: (
        gaugllm.degree_groups,
        {"degree": torch.arange(NODES), "tail": 0.4, "head": 0.2},
    ),
    "LLMEdgeModifier.__init__": lambda: (
        gaugllm.LLMEdgeModifier,
        {"candidates": candidates(), "votes": VOTES, "p_add": 0.5, "p_del": 0.5, "seed": 0},
    ),
    "cosine_decay": lambda: (
        gaugllm.cosine_decay,
        {"step": 3, "peak": 0.1, "warmup": 2, "total": 9},
    ),
    "target_momentum": lambda: (gaugllm.target_momentum, {"step": 3, "base": 0.9, "total": 9}),
    "ContextAwareSelector.__init__": lambda: (
        gaugllm.ContextAwareSelector,
        {
            **{"in_dim": 4, "num_experts": 2, "mode": "similarity", "similarity": "dot"},
            "temperature": 0.2,
        },
    ),
    "ContextAwareSelector.forward": lambda: (
        gaugllm.ContextAwareSelector(4, 2),
        {"content": torch.ones(NODES, 2, 4), "context": torch.ones(NODES, 2, 4)},
    ),
    "CandidateVote.from_scores": lambda: (
        gaugllm.CandidateVote.from_scores,
        {
            **{"anchor": torch.tensor([0, 0]), "item": torch.tensor([1, 2])},
            **{"score": torch.tensor([0.2, 0.8]), "threshold": 0.5},
        },
    ),
    "CandidateVote.preferences": lambda: (
        votes().preferences,
        {"rate": 1.0, "generator": generator()},
    ),
    "check_alignment": lambda: (
        tag.check_alignment,
        {"ranked": torch.tensor([[1, 2], [2, 1]] * 20), "y": torch.tensor([0, 1] * 20)},
    ),
    # ---------------------------------------------------------------------------- graphclip
    "GraphCLIPEncoder.__init__": lambda: (
        graphclip.GraphCLIPEncoder,
        {
            **{"in_channels": 4, "hidden_channels": 8, "pe_channels": 4, "num_layers": 1},
            **{"walk_length": 4, "heads": 2, "out_channels": 4, "dropout": 0.1},
            **{"norm": "batch", "residual": "none", "center_channels": 8},
        },
    ),
    "GraphTextPairs.__init__": lambda: (
        graphclip.GraphTextPairs,
        {"x": PAIRS.x, "store": PAIRS.store, "text": PAIRS.text},
    ),
    "GraphTextPairs.encoding": lambda: (PAIRS.encoding, {"walk_length": 4}),
    "GraphTextPairs.share": lambda: (
        toy_pairs(12).share,
        {"walk_length": 4, "device": torch.device("cpu")},
    ),
    "GraphCLIP.embed": lambda: (
        toy_model().eval().embed,
        {"x": PAIRS.x, "batch": PAIRS.store.batch(PART), "pe": PE},
    ),
    "PromptTuner.forward": lambda: (
        graphclip.PromptTuner(toy_model(), torch.eye(2, WIDTH), num_prompts=1),
        {"x": PAIRS.x},
    ),
    "ZeroShotNodes.predict_proba": lambda: (
        zero_shot().predict_proba,
        {"class_names": ["word", "text"]},
    ),
    "adversarial_backward": lambda: (
        graphclip.pretraining.adversarial_backward,
        {
            **{"closure": squared, "x": X, "eps": 0.1, "steps": 2, "delta": torch.zeros_like(X)},
            "generator": generator(),
        },
    ),
    "feature_rms": lambda: (graphclip.pretraining.feature_rms, {"x": X}),
    "retrieval_at_1": lambda: (
        graphclip.pretraining.retrieval_at_1,
        {"model": toy_model(), "pairs": PAIRS, "index": PART},
    ),
    "SubgraphSampler.__init__": lambda: (
        tag.SubgraphSampler,
        {
            **{"method": "rwr", "walk_length": 6, "restart": 0.5, "num_hops": 2},
            **{"seed": 0, "chunk_size": 8},
        },
    ),
    "SubgraphStore.batch": lambda: (store().batch, {"index": PART}),
    "SubgraphStore.select": lambda: (store().select, {"index": PART}),
    "TemplateSummarizer.__init__": lambda: (
        graphclip.TemplateSummarizer,
        {"root_words": 4, "topic_words": 3, "neighbors": 2, "neighbor_words": 3},
    ),
    "TemplateSummarizer.summarize": lambda: (
        graphclip.TemplateSummarizer().summarize,
        {"texts": TEXTS, "store": store()},
    ),
    "PromptTuner.__init__": lambda: (
        graphclip.PromptTuner,
        {
            **{"model": toy_model(), "class_embeddings": torch.eye(2, WIDTH), "num_prompts": 1},
            **{"supcon_weight": 0.1, "epochs": 1, "lr": 1e-3, "weight_decay": 0.01, "seed": 0},
        },
    ),
    "class_probabilities": lambda: (
        graphclip.zeroshot.class_probabilities,
        {"graph_emb": X, "class_emb": torch.eye(2, 4), "scale": 100.0},
    ),
    # ------------------------------------------------------------------------- models, money
    "Price.cost": lambda: (llm.Price(1.0, 2.0).cost, {"prompt_tokens": 3, "completion_tokens": 2}),
    "Limits.least_minutes": lambda: (
        llm.Limits(requests_per_minute=5).least_minutes,
        {"calls": 3, "tokens": 9},
    ),
    "Retry.delay": lambda: (llm.Retry().delay, {"attempt": 1}),
    # ---------------------------------------------------------------------------- retrieval
    "GraphRetriever.query": lambda: (index().query, {"text": "Where was Curie born?", "k": 1}),
    "GraphRetriever.query_many": lambda: (index().query_many, {"texts": ["Curie"], "k": 1}),
    "StoredDocuments.use": lambda: (index().use, {"name": "cites", "links": [("a", "b")]}),
    "GFMRetriever.query_many": lambda: (
        questions().query_many,
        {"texts": ["Is Rome in Italy?"], "k": 2},
    ),
    "RetrievalResult.of": lambda: (
        retrieval.RetrievalResult.of,
        {"hits": [index().query("Where was Curie born?", k=1)], "k": 2},
    ),
    "EgoGraphRetriever.query": lambda: (
        egos().query,
        {"text": "word 3", "k": 2, "merge": "union"},
    ),
    "EgoGraphRetriever.query_many": lambda: (egos().query_many, {"texts": ["word 3"], "k": 2}),
    "EgoGraphRetriever.similarities": lambda: (egos().similarities, {"text": "word 3"}),
    "SoftPrune.__init__": lambda: (
        retrieval.SoftPrune,
        {
            **{"in_channels": 4, "hidden_channels": 8, "num_layers": 2},
            "difference": "absolute",
        },
    ),
    "QueryGNN.__init__": lambda: (
        gfm.QueryGNN,
        {
            **{"in_channels": 4, "hidden": 4, "num_layers": 2, "message": "distmult"},
            **{"aggregate": "sum", "ties": "even"},
        },
    ),
    "adversarial_bce": lambda: (
        gfm.adversarial_bce,
        {"logits": X, "target": (X > 0).float(), "temperature": 0.2, "reduction": "mean"},
    ),
    "listwise_cross_entropy": lambda: (
        gfm.listwise_cross_entropy,
        {"logits": X, "target": torch.ones_like(X), "reduction": "mean"},
    ),
    "gfm_phrase": lambda: (retrieval.gfm_phrase, {"phrase": "Marie  Curie!"}),
    "capitalised_names": lambda: (retrieval.capitalised_names, {"text": "Marie Curie"}),
    "tokenize": lambda: (retrieval.tokenize, {"text": "Marie Curie"}),
    # --------------------------------------------------------------------------------- tape
    "EarlyStopping.__init__": lambda: (tape.EarlyStopping, {"patience": 3}),
    "ExplanationPrompt.__init__": lambda: (
        tape.ExplanationPrompt,
        {"classes": ["ants", "bees"], "k": 2, "task": "Decide.", "max_chars": 90},
    ),
    "ExplanationPrompt.describe": lambda: (prompt().describe, {"label": 1}),
    "ExplanationPrompt.parse": lambda: (prompt().parse, {"reply": "ants, bees"}),
    "ExplanationPrompt.render": lambda: (prompt().render, {"text": "six legs"}),
    "MemberNetwork.__init__": lambda: (
        tape.MemberNetwork,
        {
            **{"kind": "gcn", "in_channels": 4, "hidden_channels": 4, "out_channels": 2},
            **{"num_layers": 2, "dropout": 0.1},
        },
    ),
    "RankedPredictionEncoder.__init__": lambda: (
        tape.RankedPredictionEncoder,
        {"num_classes": 3, "k": 2, "dim": 4},
    ),
    "RankedPredictionEncoder.forward": lambda: (ranked(), {"ids": torch.tensor([[1, 2], [3, 0]])}),
    "RevGAT.__init__": lambda: (
        tape.RevGAT,
        {
            **{"in_channels": 4, "hidden_channels": 4, "out_channels": 2, "num_layers": 2},
            **{"heads": 2, "groups": 2, "dropout": 0.1, "input_dropout": 0.1},
            "edge_dropout": 0.1,
        },
    ),
    "RankedPredictionEncoder.project": lambda: (
        ranked().project,
        {
            **{"ids": torch.tensor([[1, 2], [3, 0]]), "weight": torch.ones(5, 8)},
            "bias": torch.ones(5),
        },
    ),
    "ensemble_logits": lambda: (
        tape.ensemble_logits,
        {"logits_list": [X, X.flip(0)], "reduce": "logits", "weights": [1.0, 2.0]},
    ),
    # ------------------------------------------------------------------------------- graphs
    "TextGraph.subgraph": lambda: (
        tag.TextGraph(edge_index=PLAIN, text=TEXTS).subgraph,
        {"subset": torch.arange(3)},
    ),
    "LabelPrompt.readable": lambda: (
        datasets.label_prompt("citeseer").readable,
        {"names": ["IR", "ML"]},
    ),
    "label_prompt": lambda: (datasets.label_prompt, {"name": "cora"}),
    "DigitsKNN.__init__": lambda: (datasets.DigitsKNN, {"k": 3}),
    # ---------------------------------------------------------------------------------- viz
    "bars": lambda: (viz.bars, {"labels": ["a", "b"], "series": {"s": [1.0, 2.0]}}),
    "embedding_map": lambda: (
        viz.embedding_map,
        {"z": X, "labels": Y, "method": "pca", "seed": 0, "max_points": 5},
    ),
    "compactness_distribution": lambda: (
        viz.compactness_distribution,
        {"bounds": {"POT": X[:, 0]}, "num_bins": 4},
    ),
    "concentration_performance": lambda: (
        viz.concentration_performance,
        {"concentration": X[:, 0], "performance": {"recall": X[:, 1]}, "num_bins": 2},
    ),
    "scaling_curves": lambda: (
        viz.scaling_curves,
        {"x": [1.0, 2.0], "series": {"s": [1.0, 4.0]}},
    ),
}
