"""Draws docs/images/hypergraph.png: a hypergraph, its projection, and two reconstructions.

python docs/hypergraph_picture.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch_geometric.data.hypergraph_data import HyperGraphData

from graphlab import viz
from graphlab.hyper import HypergraphReconstructor, MaxCliqueBaseline, jaccard, project

POINTS = np.array([[0, 1], [0, 0], [1, 0.5], [2, 1], [2, 0], [3, 0.5], [4, 0.5]])
TRUTH = [(0, 1, 2), (0, 1), (2, 3), (3, 4), (2, 4), (3, 4, 5), (5, 6)]


def hypergraph(sets: list[tuple[int, ...]], copies: int = 1) -> HyperGraphData:
    """Disjoint copies of a small hypergraph."""
    node, edge = [], []
    for copy in range(copies):
        for number, members in enumerate(sets):
            node += [v + copy * len(POINTS) for v in members]
            edge += [number + copy * len(sets)] * len(members)
    return HyperGraphData(
        edge_index=torch.tensor([node, edge]),
        num_nodes=copies * len(POINTS),
        num_hyperedges=copies * len(sets),
    )


def draw(ax: Any, data: HyperGraphData, title: str) -> None:
    """Regions and lines of the library, under the title."""
    viz.hypergraph_drawing(data.edge_index, len(POINTS), POINTS, ax, padding=0.03)
    ax.set_title(title, fontsize=9, color="#7A7A7A")


def finish(ax: Any, title: str) -> None:
    """Nodes and title."""
    ax.scatter(*POINTS.T, s=28, color="#7A7A7A", zorder=3, clip_on=False)
    ax.set_title(title, fontsize=9, color="#7A7A7A")
    ax.set_aspect("equal")
    ax.margins(0.08)
    ax.axis("off")


def main() -> None:
    """Write the picture."""
    from matplotlib.figure import Figure

    truth = hypergraph(TRUTH)
    edges, nodes = project(truth), len(POINTS)
    model = HypergraphReconstructor(beta=400, classifier="hgb").fit(hypergraph(TRUTH, 40))
    figure = Figure(figsize=(9, 1.7), layout="constrained")
    axes = figure.subplots(1, 4)
    draw(axes[0], truth, "hypergraph\n")
    for u, v in edges.t().tolist():
        axes[1].plot(*POINTS[[u, v]].T, color="#7A7A7A", linewidth=1)
    finish(axes[1], "its projection:\nwhat is seen")
    predicted = MaxCliqueBaseline().predict(edges, nodes)
    draw(axes[2], predicted, f"maximal cliques:\nJaccard {jaccard(predicted, truth):.2f}")
    learned = model.predict(edges, nodes)
    draw(axes[3], learned, f"learned from like ones:\nJaccard {jaccard(learned, truth):.2f}")
    target = Path(__file__).parent / "images" / "hypergraph.png"
    figure.savefig(target, dpi=160, bbox_inches="tight", transparent=True)


if __name__ == "__main__":
    main()
