"""The parts of the demo, in order."""

from __future__ import annotations

from . import (
    concentration,
    fastrp,
    gaugllm,
    graphclip,
    hypergraph,
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
        retrieval,
        graphclip,
        tape,
        gaugllm,
    )
)
