"""Parameters of the retriever, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphlab._checks import (
    check_choice,
    check_fraction,
    check_int,
    check_nonnegative,
    check_positive,
)
from graphlab.tag._text_encoder import encode_function

__all__: list[str] = []

_DOCUMENTS = 5  # that a question gets by default

GRAPHS = ("phrases", "titles")


def most_documents(k: int | None, count: int) -> int:
    """Documents of a question out of ``count``; room for one where there is none."""
    wanted = _DOCUMENTS if k is None else check_int(k, "k", minimum=1)
    return max(min(wanted, count), 1)


def check_options(params: Mapping[str, Any]) -> None:
    """Check the parameters of :class:`graphlab.tag.GraphRetriever`, by name.

    Raises:
        TypeError, ValueError: If one is malformed or out of range.
    """
    for name in ("encoder", "query_encoder"):
        if params[name] is not None:
            encode_function(params[name], name, also="be a name, or ")
    if params["query_encoder"] is not None and params["encoder"] is None:
        raise ValueError("query_encoder needs an encoder of the documents")
    for name in ("names", "tokenize"):
        value = params[name]
        if value is not None and not callable(value):
            raise TypeError(f"{name} must be callable, got {type(value).__name__}")
    graphs = params["graphs"]
    if isinstance(graphs, str) or not graphs:
        raise ValueError(f"graphs must name at least one of {GRAPHS}, got {graphs!r}")
    for graph in graphs:
        check_choice(graph, "graphs", GRAPHS)
    teleport = params["teleport"]
    if not 0 < check_fraction(teleport, "teleport") < 1:
        raise ValueError(f"teleport must lie strictly between 0 and 1, got {teleport}")
    check_int(params["steps"], "steps", minimum=1, maximum=10_000)
    check_positive(params["power"], "power")
    check_nonnegative(params["fusion"], "fusion")
    check_fraction(params["max_share"], "max_share")
    check_int(params["max_phrase"], "max_phrase", minimum=1, maximum=64)
    if params["num_seeds"] is not None:
        check_int(params["num_seeds"], "num_seeds", minimum=1)
    check_choice(params["dtype"], "dtype", ("float16", "float32"))
