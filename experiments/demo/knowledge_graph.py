"""The demo's knowledge graph: classes of Python, their bases, modules and methods."""

from __future__ import annotations

from dataclasses import replace

from ..knowledge_graph.presets import PRESETS
from ..knowledge_graph.run import run
from .part import Means, Part


def meaning(rows: Means) -> str:
    """Shares of hidden facts among the first ten."""
    names = ("ComplEx, softmax", "frequency of tails")
    ours, table = (100 * rows[name]["hits@10"] for name in names)
    return (
        f"{ours:.0f} % of the hidden facts are among the first ten answers, {table:.0f} % by "
        "counts alone; other true answers are left out, and ties count half"
    )


PART = Part(
    name="knowledge_graph",
    title="KGEmbedding",
    data="classes of Python",
    description=(
        "Hides a quarter of what is known about Python's classes, and ranks the hidden facts among "
        "all that could stand in their place. The table of frequencies beside it knows no class at "
        "all: what it reaches is reached by how often an answer is right for anything."
    ),
    run=run,
    config=replace(PRESETS["smoke"], methods=("ComplEx, softmax",)),
    toy=replace(PRESETS["smoke"], methods=("ComplEx, softmax",), epochs=3),
    ours="ComplEx, softmax",
    baseline="frequency of tails",
    metric="mrr",
    measure="mean reciprocal rank of hidden facts",
    meaning=meaning,
    left_out={
        "UMLS, Kinship": "not trained; python -m experiments.knowledge_graph --preset umls",
        "FB15k-237, WN18RR": "take hours; --preset fb15k237, --preset wn18rr",
    },
)
