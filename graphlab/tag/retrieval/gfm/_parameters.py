"""Checks of the parameters of the learned retriever."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphlab._checks import (
    check_choice,
    check_fraction,
    check_int,
    check_nonnegative,
    check_positive,
    check_real,
)
from graphlab.tag._text_encoder import encode_function
from graphlab.tag.retrieval.gfm.layer import AGGREGATIONS, MESSAGES, TIES
from graphlab.tag.retrieval.gfm.rankers import RANKERS
from graphlab.tag.retrieval.retriever import GraphRetriever

__all__: list[str] = []


def check_parameters(params: Mapping[str, Any]) -> None:
    """Require parameters of :class:`GFMRetriever` of the right kind and range.

    Raises:
        TypeError, ValueError: If one is not.
    """
    retriever = params["retriever"]
    if retriever is not None and not isinstance(retriever, GraphRetriever):
        raise TypeError(f"retriever must be a GraphRetriever, got {type(retriever).__name__}")
    encode_function(params["encoder"], also="be a name, or ")
    if params["query_encoder"] is not None:
        encode_function(params["query_encoder"], "query_encoder", also="be a name, or ")
    for name in ("names", "tokenize"):
        if params[name] is not None and not callable(params[name]):
            raise TypeError(f"{name} must be callable, got {type(params[name]).__name__}")
    check_choice(params["message"], "message", MESSAGES)
    check_choice(params["aggregate"], "aggregate", AGGREGATIONS)
    check_choice(params["ties"], "ties", TIES)
    check_choice(params["ranker"], "ranker", RANKERS)
    for name in ("hidden", "num_layers", "top_k", "batch_size"):
        check_int(params[name], name, minimum=1)
    for name in ("steps", "seed"):
        check_int(params[name], name, minimum=0)
    check_positive(params["lr"], "lr")
    for name in ("weight", "weight_decay"):
        check_nonnegative(params[name], name)
    check_fraction(params["two_hops"], "two_hops")
    if not -1 <= check_real(params["link_threshold"], "link_threshold") <= 1:
        raise ValueError(f"link_threshold must lie in [-1, 1], got {params['link_threshold']}")
