"""The graph, its split, and what a model gives: stored, written by template, or asked for."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from graphlab._random import seeded
from graphlab.tag import (
    Limits,
    LLMClient,
    PromptExperts,
    Retry,
    SubgraphSampler,
    TemplateSummarizer,
    TextEncoder,
    TextGraph,
)
from graphlab.tag.gaugllm import (
    CandidateVote,
    ContextAwareSelector,
    EdgeCandidates,
    fit_selector,
    labels_per_class_split,
    propose_edge_candidates,
    vote_edges,
)
from graphlab.tag.tape import tape_split

from .._data.llm_outputs import Stored, read_stored
from .._data.stdlib import EMBEDDED, stdlib_graph, stored_nothing
from .._data.text_graphs import DOCUMENTS, read_documents
from .presets import Config


@dataclass(frozen=True)
class Assistance:
    """Features and votes of the language model.

    Attributes:
        plain (Tensor): Features without it, ``(N, F)``.
        views (tuple[Tensor, Tensor]): Features of both views with it.
        candidates (EdgeCandidates): Pairs it was asked about.
        votes (CandidateVote): Its votes.
        origin (str): Where it comes from, for the titles.
    """

    plain: Tensor
    views: tuple[Tensor, Tensor]
    candidates: EdgeCandidates
    votes: CandidateVote
    origin: str


def similarity_assistance(
    config: Config, stored: Stored, views: tuple[Tensor, Tensor], origin: str
) -> Assistance:
    """Similarities of the judged pairs as votes."""
    votes = CandidateVote.from_scores(
        stored.candidates.src, stored.candidates.dst, stored.similarity, config.threshold
    )
    return Assistance(stored.x, views, stored.candidates, votes, origin)


def stored_assistance(config: Config, stored: Stored) -> Assistance:
    """Stored predictions beside the features of the second view, stored similarities as votes."""
    # The j-th guess of the model counts 1 / j; column 0 collects "no guess" and is dropped.
    rank = 1 / torch.arange(1, stored.ranked.size(1) + 1)
    predicted = torch.zeros(stored.ranked.size(0), stored.num_classes + 1)
    predicted.scatter_reduce_(1, stored.ranked, rank.expand_as(stored.ranked), "amax")
    predicted = predicted[:, 1:]
    # Zeros in the first view: both must have the same width.
    plain = torch.cat([stored.x, torch.zeros_like(predicted)], dim=1)
    views = plain, torch.cat([stored.x, predicted], dim=1)
    return similarity_assistance(config, stored, views, "stored")


def documents(config: Config) -> tuple[TextGraph, TextEncoder]:
    """A text graph without stored answers, with embedded texts as features, and its encoder."""
    if config.dataset == EMBEDDED:
        return stdlib_graph(config.encoder, config.dim, config.encoder_cache, config.tokens)
    graph, encoder = read_documents(config.data, config.edges), _encoder(config)
    if graph.y is None:
        raise ValueError(f"{config.data} must have labels to score by, got none")
    graph.x = encoder.encode(graph.text)
    return graph, encoder


def template_assistance(
    config: Config, stored: Stored, graph: TextGraph, encoder: TextEncoder, seed: int
) -> Assistance:
    """Summaries by template for the second view, similarities of the texts as votes."""
    roots = SubgraphSampler("khop", num_hops=1, seed=seed)
    store = roots.sample(graph.edge_index, int(graph.num_nodes))
    summaries = encoder.encode(TemplateSummarizer().summarize(graph.text, store))
    return similarity_assistance(config, stored, (stored.x, summaries), "templates")


def _encoder(config: Config) -> TextEncoder:
    return TextEncoder(config.encoder, cache_dir=config.encoder_cache)


def _client(config: Config, max_tokens: int | None) -> LLMClient:
    return LLMClient(
        str(config.llm_model),
        base_url=config.llm_url,
        cache=config.llm_cache,
        max_tokens=max_tokens,
        limits=Limits(concurrency=config.llm_concurrency),
        retry=Retry(timeout=config.llm_timeout),
    )


def asked_assistance(config: Config, stored: Stored, seed: int) -> Assistance:
    """Texts and votes of a language model at an endpoint."""
    if stored.texts is None:
        raise ValueError(f"{config.dataset} has no texts to show to a language model")
    if config.llm_model is None:
        raise ValueError("llm_model must name a model")
    with _client(config, config.llm_max_tokens) as client:
        experts = PromptExperts(
            client,
            config.experts,
            label_names=stored.class_names,
            num_neighbors=config.llm_neighbors,
            max_chars=config.llm_max_chars,
            max_neighbor_chars=config.llm_neighbor_chars,
        )
        written = experts.run(stored.texts, stored.edge_index)
    content, context = written.encode(_encoder(config))
    size = config.num_candidates
    asked = propose_edge_candidates(content[:, 0], stored.edge_index, size, size)
    with _client(config, config.llm_vote_tokens) as client:
        votes = vote_edges(client, asked, stored.texts, max_chars=config.llm_vote_chars)
    with seeded(seed, torch.device("cpu")):
        selector = ContextAwareSelector(content.size(2), len(written.names), similarity="cosine")
    fused = fit_selector(
        selector, content, context, stored.edge_index, epochs=config.selector_epochs, seed=seed
    )
    raw = content[:, 0]
    return Assistance(raw, (raw, fused.x), asked, votes, ", ".join(written.names))


def read(config: Config, seed: int) -> tuple[Stored, Assistance]:
    """The graph, and what helps it."""
    if config.dataset not in (EMBEDDED, DOCUMENTS):
        stored = read_stored(config.data, config.dataset, config.features, seed)
        if config.llm_model is not None:
            return stored, asked_assistance(config, stored, seed)
        return stored, stored_assistance(config, stored)
    graph, encoder = documents(config)
    stored = stored_nothing(graph, config.num_candidates)
    if config.llm_model is not None:
        return stored, asked_assistance(config, stored, seed)
    return stored, template_assistance(config, stored, graph, encoder, seed)


def split(config: Config, stored: Stored, seed: int) -> dict[str, Tensor]:
    """Nodes for training, validation and test of the probe."""
    if config.dataset in (EMBEDDED, DOCUMENTS):  # too few for 20 of every class
        known = (stored.y >= 0).nonzero().view(-1)
        return {part: known[at] for part, at in tape_split(known.numel(), seed).items()}
    if stored.parts is None:
        return labels_per_class_split(stored.y, 20, 30, seed=seed)
    # The encoder of these features has seen labels: test nodes are those it has not.
    hidden = {
        name: torch.full_like(stored.y, -1).index_copy_(0, nodes, stored.y[nodes])
        for name, nodes in stored.parts.items()
    }
    return {
        "train": labels_per_class_split(hidden["train"], 20, 0, seed=seed)["train"],
        "val": labels_per_class_split(hidden["val"], 30, 0, seed=seed)["train"],
        "test": stored.parts["test"],
    }
