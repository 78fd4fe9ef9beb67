"""The demo's retriever: modules of the standard library that answer a question together."""

from __future__ import annotations

from dataclasses import replace

from ..retrieval.presets import PRESETS
from ..retrieval.run import run
from .part import STDLIB, Part

PART = Part(
    name="retrieval",
    title="GraphRetriever",
    data=STDLIB,
    description=(
        "Finds a module by the first paragraph of its documentation, and with it the modules that "
        "the rest of the documentation names. No language model reads the texts; the walk over "
        "shared names finds what has no word in common with the question."
    ),
    run=run,
    config=PRESETS["smoke"],
    toy=replace(PRESETS["smoke"], num_bootstrap=100),
    ours="walk, no model",
    baseline="BM25",
    metric="recall@10",
    measure="recall@10 of modules",
    left_out={
        "sentence encoder": "not used; python -m experiments.retrieval --preset smoke "
        "--encoder all-MiniLM-L6-v2",
        "HotpotQA, MuSiQue": "not searched; python -m experiments.retrieval --preset musique",
    },
)
