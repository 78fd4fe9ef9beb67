"""The steps that ask a language model, end to end on a few documents."""

from __future__ import annotations

import warnings

import torch

from graphlab.tag import (
    ExplanationGenerator,
    ExplanationPrompt,
    LLMClient,
    LLMSummarizer,
    PromptExperts,
    SubgraphSampler,
)
from graphlab.tag.gaugllm import apply_all_votes, propose_edge_candidates, vote_edges

CLASSES = ["Cooking", "Football", "Astronomy"]
TEXTS = [
    "Fry the onions in butter, add rice and broth, and stir until the risotto is creamy.",
    "Whisk eggs with sugar and flour and bake the cake for forty minutes.",
    "The striker scored twice in the final and the team won the league.",
    "The goalkeeper saved a penalty in the last minute of the match.",
    "The telescope shows a comet near the planet Jupiter.",
    "A supernova in a distant galaxy outshines all of its stars.",
]
EDGES = torch.tensor([[0, 1, 2, 3, 4, 5, 0, 3], [1, 0, 3, 2, 5, 4, 3, 0]])


def part(count: int):
    """The first documents and the edges among them."""
    return TEXTS[:count], EDGES[:, (count > EDGES).all(0)]


def explanations(client: LLMClient):
    prompt = ExplanationPrompt(CLASSES, k=1)
    table = ExplanationGenerator(client, prompt).run(TEXTS)
    assert len(table) == len(TEXTS)
    assert table.ranked_predictions().shape == (len(TEXTS), 1)
    assert len(table.texts(fallback=TEXTS)) == len(TEXTS)
    return table


def votes(client: LLMClient, count: int = 6):
    texts, edges = part(count)
    x = torch.eye(3).repeat_interleave(2, 0)[:count] + 0.1
    candidates = propose_edge_candidates(x, edges, num_del=1, num_add=1, min_del=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a small model leaves some out
        found = vote_edges(client, candidates, texts, max_chars=100)
    assert apply_all_votes(edges, candidates, found).size(0) == 2
    return found


def views(client: LLMClient, count: int = 6):
    own, edges = part(count)
    experts = PromptExperts(client, label_names=CLASSES, num_neighbors=2, max_neighbor_chars=100)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        texts = experts.run(own, edges)
    assert texts.names == ("raw", "idr", "sas", "sar")
    assert all(text.strip() for group in texts.content.values() for text in group)
    return texts


def summaries(client: LLMClient, count: int = 6):
    texts, edges = part(count)
    store = SubgraphSampler("khop", num_hops=1).sample(edges, count)
    found = LLMSummarizer(client, on_failure="template").summarize(texts, store)
    assert len(found) == count and all(text.strip() for text in found)
    return found
