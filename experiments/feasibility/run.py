"""How near the targets of GraphCLIP are to the graphs that it is pretrained on.

For every target the nearest mixture of the sources' graphons (structure), and the distance of the
texts. Nothing is trained and no label is read. Whether a distance orders what a model reaches is
another question: the table in the docs sets both beside each other, and with four targets a rank
correlation says next to nothing.

    python -m experiments.feasibility --preset text_graphs --data ../shared/data/text_graphs
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import Tensor

from graphlab.tag import TextEncoder
from graphlab.tag.feasibility import FeasibilityReport, feasibility

from .._data.text_sets import EMBEDDED, load_text_set
from .._harness import runner
from .._harness.context import Context
from .presets import PRESETS, Config


class RememberingEncoder:
    """Embeds every text once: a source is compared with several targets."""

    def __init__(self, model: str) -> None:
        self._encoder = TextEncoder(model)
        self._rows: dict[str, Tensor] = {}

    def encode(self, texts: Sequence[str]) -> Tensor:
        """Rows of the texts, float32."""
        new = [text for text in dict.fromkeys(texts) if text not in self._rows]
        if new:
            self._rows.update(zip(new, self._encoder.encode(new), strict=True))
        return torch.stack([self._rows[text] for text in texts])


def run(config: Config, context: Context) -> dict[str, dict[str, float]]:
    """Distances of every target from its sources."""
    encoder = RememberingEncoder(config.encoder)
    names = dict.fromkeys((*config.sources, *config.targets))
    graphs = {name: load(name, config.data) for name in names}
    rows: dict[str, dict[str, float]] = {}
    for step, target in enumerate(context.progress(config.targets, desc="targets")):
        report = feasibility(
            {name: graphs[name] for name in config.sources if name != target},
            graphs[target],
            encoder=encoder,
            resolution=config.resolution,
            method=config.method,
            num_egos=config.num_egos,
            num_hops=config.num_hops,
            max_nodes=config.max_nodes,
            num_texts=config.num_texts,
            seed=context.seed,
        )
        context.log(step, squared_distance=report.squared_distance)
        rows[target] = _summary(report)
        for name, source in report.sources.items():
            rows[f"{name} -> {target}"] = {
                "alpha": source.alpha,
                "squared distance": source.squared_distance,
                "text MMD": source.text_mmd,
                "text cosine": source.text_cosine,
            }
    return rows


def _summary(report: FeasibilityReport) -> dict[str, float]:
    """Structure of the mixture, and the texts of the nearest source."""
    return {
        "squared distance": report.squared_distance,
        "lower bound": report.lower_bound,
        "worst start": max(report.starts),
        "least text MMD": min(source.text_mmd for source in report.sources.values()),
        "largest text cosine": max(source.text_cosine for source in report.sources.values()),
    }


def load(name: str, data: str) -> Any:
    """A text graph; ``python_stdlib.even`` and ``.odd`` are halves of the standard library."""
    if not name.startswith(f"{EMBEDDED}."):
        return load_text_set(name if name == EMBEDDED else Path(data) / name).graph
    graph = load_text_set(EMBEDDED).graph
    first = ("even", "odd").index(name.removeprefix(f"{EMBEDDED}."))
    return graph.subgraph(torch.arange(first, len(graph.text), 2))


def main() -> NoReturn:
    """Run from the command line."""
    runner.main(run, Config, PRESETS)
