"""Pairs of subgraphs and summaries, which pretraining matches."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from graphlab.tag import (
    Limits,
    LLMClient,
    LLMSummarizer,
    Retry,
    SubgraphSampler,
    TemplateSummarizer,
)
from graphlab.tag.graphclip import SubgraphStore

from .._data.text_sets import TextSet


@dataclass(frozen=True)
class Summaries:
    """The writer of the summaries.

    Attributes:
        by (str): ``"template"`` or ``"llm"``.
        model (str): Name of the language model.
        base_url (str, optional): Its server; see :class:`LLMClient`.
        cache (str): Folder of the answers.
        max_tokens (int, optional): Most tokens of a summary.
        concurrency (int): Calls under way at a time.
        retry (Retry): Attempts, time-outs and repairs of a call.
        on_failure (str): See :class:`LLMSummarizer`.
    """

    by: str = "template"
    model: str = ""
    base_url: str | None = None
    cache: str = "data/text_cache"
    max_tokens: int | None = None
    concurrency: int = 8
    retry: Retry = field(default_factory=Retry)
    on_failure: Literal["raise", "template"] = "raise"

    def write(self, texts: list[str], store: SubgraphStore) -> list[str]:
        """One summary per subgraph.

        Raises:
            ValueError: If ``by`` is unknown, or a language model has no name.
        """
        if self.by == "template":
            return TemplateSummarizer().summarize(texts, store)
        if self.by != "llm" or not self.model:
            raise ValueError(
                f"summaries must be 'template', or 'llm' with llm_model, got {self.by!r} "
                f"with {self.model!r}"
            )
        with LLMClient(
            self.model,
            base_url=self.base_url,
            cache=Path(self.cache) / "llm_summaries.db",
            max_tokens=self.max_tokens,
            retry=self.retry,
            limits=Limits(concurrency=self.concurrency),
            progress=True,
        ) as client:
            summarizer = LLMSummarizer(client, on_failure=self.on_failure)
            return summarizer.summarize(texts, store)


def draw_subgraphs(
    graph: TextSet, features: Tensor | None, sampler: SubgraphSampler, count: int, seed: int
) -> SubgraphStore:
    """Subgraphs of at most ``count`` nodes that have a neighbour.

    Args:
        graph (TextSet): The graph.
        features (Tensor, optional): Stored embeddings; nodes with rows of zeros do not take part.
        sampler (SubgraphSampler): Draws them.
        count (int): Most subgraphs.
        seed (int): Draws the nodes.
    """
    size = len(graph.texts)
    known = torch.ones(size, dtype=torch.bool) if features is None else (features != 0).any(1)
    edges = graph.graph.edge_index
    edges = edges[:, known[edges].all(0) & (edges[0] != edges[1])]
    nodes = edges.unique()
    order = torch.randperm(nodes.numel(), generator=torch.Generator().manual_seed(seed))
    chosen = nodes[order[:count]].sort().values
    return sampler.sample(edges, size, chosen)
