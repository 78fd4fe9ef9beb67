"""Pairs of subgraphs and summaries, which pretraining matches."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from graphlab.tag import (
    GraphTextPairs,
    LLMClient,
    LLMSummarizer,
    SubgraphSampler,
    TemplateSummarizer,
)
from graphlab.tag.graphclip import SubgraphStore

from .._data.text_sets import TextSet
from .encoder import CachedEncoder


@dataclass(frozen=True)
class Summaries:
    """The writer of the summaries.

    Attributes:
        by (str): ``"template"`` or ``"llm"``.
        model (str): Name of the language model.
        base_url (str, optional): Its server; see :class:`LLMClient`.
        cache (str): Folder of the answers.
    """

    by: str = "template"
    model: str = ""
    base_url: str | None = None
    cache: str = "data/text_cache"

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
        cache = Path(self.cache) / "llm_summaries.db"
        with LLMClient(self.model, base_url=self.base_url, cache=cache) as client:
            return LLMSummarizer(client).summarize(texts, store)


def make_pairs(
    graph: TextSet,
    x: Tensor,
    encoder: CachedEncoder,
    sampler: SubgraphSampler,
    summaries: Summaries,
    count: int,
    seed: int,
) -> GraphTextPairs:
    """At most ``count`` subgraphs of embedded nodes that have a neighbour, with their summaries."""
    known = (x != 0).any(1)
    edges = graph.graph.edge_index
    edges = edges[:, known[edges].all(0) & (edges[0] != edges[1])]
    nodes = edges.unique()
    order = torch.randperm(nodes.numel(), generator=torch.Generator().manual_seed(seed))
    chosen = nodes[order[:count]].sort().values
    store = sampler.sample(edges, x.size(0), chosen)
    return GraphTextPairs(x, store, encoder.encode(summaries.write(graph.texts, store)))
