"""The demo's hypergraph: which modules are imported together, from pairs alone."""

from __future__ import annotations

from dataclasses import replace

from ..hypergraph.presets import PRESETS
from ..hypergraph.run import run
from .part import STDLIB, Means, Part, points


def meaning(rows: Means) -> str:
    """The gain by learning, and what weights add."""
    ours, cover, marioh = (
        rows[name]["jaccard"]
        for name in ("ours, count, mlp", "clique cover", "MARIOH (sees weights)")
    )
    return (
        f"learning from the other half adds {points(ours, cover)} to the best that learns nothing; "
        f"where it is known how many modules import a pair together, MARIOH reaches {marioh:.3f}"
    )


PART = Part(
    name="hypergraph",
    title="Hypergraph reconstruction",
    data=f"import sets of {STDLIB}",
    description=(
        "A hyperedge is the set of modules that one module imports. Learns from a random half of "
        "the sets, sees for the other half only which pairs of modules are imported together, and "
        "says which sets there were. MARIOH, which graphlab has as well, also sees how often."
    ),
    run=run,
    config=PRESETS["imports"],
    toy=replace(PRESETS["davis"], features=("count",), classifiers=("mlp",), link_prediction=False),
    ours="ours, count, mlp",
    baseline="clique cover",
    metric="jaccard",
    measure="Jaccard index of hyperedges",
    meaning=meaning,
    left_out={"crime, enron and six other sets": "not embedded; python -m experiments.hypergraph"},
    seeds=3,
)
