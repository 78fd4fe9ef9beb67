"""The parts of the demo, in order."""

from __future__ import annotations

from . import (
    concentration,
    fastrp,
    gaugllm,
    graphclip,
    hypergraph,
    knowledge_graph,
    pamc,
    pot,
    retrieval,
    tape,
)

PARTS = tuple(
    module.PART
    for module in (
        pamc,
        pot,
        fastrp,
        concentration,
        hypergraph,
        knowledge_graph,
        retrieval,
        graphclip,
        tape,
        gaugllm,
    )
)
