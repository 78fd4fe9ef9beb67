"""Python's standard library as a text graph whose texts are embedded without any download."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from graphlab.tag import HashingEncoder, TextEncoder, TextGraph
from graphlab.tag.gaugllm import propose_edge_candidates

from .llm_outputs import Stored
from .text_sets import EMBEDDED, stdlib

__all__ = ["EMBEDDED", "stored_nothing", "text_graph"]


@cache
def _embedded(dim: int) -> tuple[TextEncoder, Tensor]:
    # Embedded once: several systems share it.
    data = stdlib()
    encoder = TextEncoder(HashingEncoder(dim, num_features=2**14).fit(data.text))
    return encoder, encoder.encode(data.text)


def text_graph(dim: int) -> tuple[TextGraph, TextEncoder]:
    """Modules with docstrings, imports and chapters, and an encoder that needs no download."""
    data, (encoder, x) = stdlib(), _embedded(dim)
    graph = TextGraph.from_data(data, data.text)
    graph.x = x
    return graph, encoder


def stored_nothing(graph: TextGraph, num_candidates: int) -> Stored:
    """A text graph with unit features and no language model: similarities of its texts."""
    asked = propose_edge_candidates(graph.x, graph.edge_index, num_candidates, num_candidates)
    return Stored(
        graph.x,
        graph.y,
        graph.edge_index,
        torch.zeros(int(graph.num_nodes), len(graph.label_names), dtype=torch.long),
        asked,
        (graph.x[asked.src] * graph.x[asked.dst]).sum(1).clamp(0, 1),
        graph.text,
        tuple(graph.label_names),
        len(graph.label_names),
        None,
    )
