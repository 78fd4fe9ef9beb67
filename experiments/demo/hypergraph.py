"""The demo's hypergraph: the script on the Davis women, and drawings of the result."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from matplotlib.figure import Figure
from torch_geometric.data.hypergraph_data import HyperGraphData

from graphlab import viz
from graphlab.hyper import HypergraphReconstructor, jaccard, project

from .._harness.context import Context
from ..hypergraph import run as hypergraph
from ..hypergraph.links import as_hypergraph
from ..hypergraph.presets import PRESETS, Config
from .part import Part


def run(config: Config, context: Context) -> dict[str, dict[str, float]]:
    """Run the script and draw target, projection and reconstruction."""
    rows = hypergraph.run(config, context)
    source, target = hypergraph.load(config, context.seed)
    nodes = target._store["num_nodes"]
    edges = project(target)
    model = HypergraphReconstructor(classifier="hgb", seed=context.seed).fit(source)
    draw(context, target, as_hypergraph(edges, nodes), model.predict(edges, nodes))
    return rows


def draw(
    context: Context, target: HyperGraphData, edges: HyperGraphData, predicted: HyperGraphData
) -> None:
    """Three drawings with the nodes at the same positions."""
    nodes = target._store["num_nodes"]
    positions = _positions(target, nodes)
    titles: dict[str, Any] = {
        "events": target,
        "what is seen: who met whom": edges,
        f"reconstructed: Jaccard {jaccard(predicted, target):.2f}": predicted,
    }
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    figure.patch.set_alpha(0.0)
    for axes, (title, data) in zip(figure.subplots(1, 3), titles.items(), strict=True):
        viz.hypergraph_drawing(data.edge_index, nodes, positions, axes)
        if data is edges:  # one kind of thing, so one colour
            for line in axes.lines:
                line.set(color="#7A7A7A", linewidth=1, alpha=0.6)
        axes.set_title(title, fontsize=10, color="#7A7A7A")
    context.figure("events_and_their_reconstruction", figure)


def _positions(data: HyperGraphData, nodes: int) -> Any:
    """Positions of the nodes in the library's layout."""
    axes = viz.hypergraph_drawing(data.edge_index, nodes, ax=Figure().subplots())
    return axes.collections[0].get_offsets()


PART = Part(
    name="hypergraph",
    title="Hypergraph reconstruction",
    data="Davis women",
    description=(
        "Learns from seven events who met in them, sees for the other seven only who met whom, and "
        "says which events there were. Seven events are few to learn from: differences between "
        "rows are smaller than their spread. docs/hypergraph.md has larger sets."
    ),
    run=run,
    config=PRESETS["davis"],
    toy=replace(
        PRESETS["davis"],
        features=("count",),
        classifiers=("hgb",),
        marioh=False,
    ),
    ours="ours, count, hgb",
    baseline="maximal cliques",
    metric="jaccard",
    measure="Jaccard index of hyperedges",
    left_out={"crime, enron and six other sets": "not embedded; python -m experiments.hypergraph"},
    seeds=3,
)
