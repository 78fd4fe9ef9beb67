"""The demo's retriever: modules of the standard library that answer a question together."""

from __future__ import annotations

from dataclasses import replace

from ..retrieval.presets import PRESETS
from ..retrieval.run import run
from .part import STDLIB, Means, Part


def meaning(rows: Means) -> str:
    """Shares of complete answers."""
    walk, words = (100 * rows[name]["all@5"] for name in ("walk, no model", "BM25"))
    return (
        f"the first five hold everything that answers in {walk:.0f} % of the questions, by words "
        f"alone in {words:.0f} %: a walk finds what the answer names and the question does not"
    )


PART = Part(
    name="retrieval",
    title="GraphRetriever",
    data=STDLIB,
    description=(
        "Finds a module by the first paragraph of its documentation, and with it the modules that "
        "the rest of the documentation names. No language model reads the texts; the walk over "
        "shared names finds what has no word in common with the question. Questions share their "
        "names with the documents, which is what the walk needs: docs/retrieval.md has questions "
        "of people."
    ),
    run=run,
    config=PRESETS["smoke"],
    toy=replace(PRESETS["smoke"], num_bootstrap=100),
    ours="walk, no model",
    baseline="BM25",
    metric="recall@10",
    measure="recall@10 of modules",
    meaning=meaning,
    left_out={
        "sentence encoder": "not used; python -m experiments.retrieval --preset smoke "
        "--encoder all-MiniLM-L6-v2",
        "HotpotQA, MuSiQue": "not searched; python -m experiments.retrieval --preset musique",
    },
)
