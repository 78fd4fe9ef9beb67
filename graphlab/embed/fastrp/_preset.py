"""The earlier way to ask for the semantics of Neo4j, an argument instead of a class method."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec

from graphlab._deprecation import warn_renamed

__all__: list[str] = []

P = ParamSpec("P")

#: Arguments of FastRP that have the semantics and the defaults of Neo4j's Graph Data Science.
NEO4J: dict[str, Any] = {
    "weights": (0.0, 1.0, 1.0),
    "beta": 0.0,
    "projection": "achlioptas",
    "degree": "count",
}


def with_preset(constructor: Callable[P, None]) -> Callable[P, None]:
    """The constructor, in which ``preset="neo4j"`` stands for the arguments in :data:`NEO4J`.

    Arguments that are given keep their value. The estimator is the one that ``FastRP.neo4j``
    makes: nothing but this function knows of the argument.
    """
    signature = inspect.signature(constructor)

    @functools.wraps(constructor)
    def replaced(*args: P.args, **kwargs: P.kwargs) -> None:
        named: dict[str, Any] = dict(signature.bind(*args, **kwargs).arguments)
        if named.get("preset") == "neo4j":
            warn_renamed("FastRP(preset='neo4j')", "FastRP.neo4j()")
            constructor(**(NEO4J | named | {"preset": None}))  # type: ignore[call-arg]
        else:
            constructor(*args, **kwargs)

    return replaced
