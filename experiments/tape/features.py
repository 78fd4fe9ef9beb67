"""Texts and features of TAPE, and their split."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from graphlab.tag import TextEncoder, TextGraph, check_alignment
from graphlab.tag.tape import tape_split

from .._data.stdlib import EMBEDDED, stdlib_graph
from .._data.text_graphs import (
    CORA_SEEDS,
    DOCUMENTS,
    bag_of_words,
    read_citeseer,
    read_cora,
    read_documents,
)
from .._harness.context import Context
from .answers import ask
from .presets import Config


def load(config: Config, context: Context) -> tuple[Any, dict[str, Tensor]]:
    """The graph with its features as attributes, and the split."""
    if config.dataset == "cora":
        for name in ("llm", "tuned"):
            if getattr(config, name) is not None:
                raise ValueError(f"{name} needs texts, which cora does not have; take another set")
        data: Any = read_cora(config.source, context.seed % CORA_SEEDS, config.k)
        split = cora_split(int(data.num_nodes), context.seed)
    elif config.dataset in _READ:
        data = _READ[config.dataset](config)
        data.BoW = bag_of_words(data.text, config.words)
        if config.llm is not None:
            ask(config, context, data)
        elif config.dataset == DOCUMENTS:  # the own text needs no answers
            encoder = TextEncoder(config.encoder, cache_dir=config.encoder_cache)
            data.TA = encoder.encode(data.text)
        if data.y is None:
            raise ValueError(f"{config.source} must have labels to learn from, got none")
        known = (data.y >= 0).nonzero().view(-1)
        split = {part: known[at] for part, at in tape_split(known.numel(), context.seed).items()}
    else:
        raise ValueError(f"dataset must be among cora, {', '.join(_READ)}, got {config.dataset!r}")
    if config.llm is None and "P" in data:
        check_alignment(data.P, data.y, num_classes=len(data.label_names))
    return data, split


def cora_split(count: int, seed: int) -> dict[str, Tensor]:
    """One of eight splits whose training nodes are those that the embeddings were tuned on.

    The released embeddings have seen the labels of the training nodes of four splits, and no
    others: their tuning kept the last step and never looked at validation nodes. So the same
    embeddings may be tested on the validation nodes, with the test nodes in their place.
    """
    split = tape_split(count, seed % CORA_SEEDS)
    if seed // CORA_SEEDS % 2:
        split["val"], split["test"] = split["test"], split["val"]
    return split


def _read_stdlib(config: Config) -> TextGraph:
    graph, _ = stdlib_graph(config.encoder, config.dim, config.encoder_cache)
    graph.TA = graph.x
    return graph


_READ: dict[str, Callable[[Config], TextGraph]] = {
    "citeseer": lambda config: read_citeseer(config.source, config.k),
    DOCUMENTS: lambda config: read_documents(config.source, config.edges),
    EMBEDDED: _read_stdlib,
}
