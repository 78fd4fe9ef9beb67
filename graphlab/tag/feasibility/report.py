"""Is a target near the graphs that a model is, or would be, pretrained on?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from graphlab._checks import check_matrix
from graphlab._checks.graph_objects import check_data
from graphlab._repr import short_repr
from graphlab.evaluate import linear_probe
from graphlab.tag._text_encoder import AnyEncoder
from graphlab.tag.feasibility.fit import fit_mixture
from graphlab.tag.feasibility.graphon import GraphonMethod, graphon
from graphlab.tag.feasibility.gromov import gromov_wasserstein
from graphlab.tag.feasibility.texts import (
    centroid_cosine,
    maximum_mean_discrepancy,
    sampled_rows,
)

__all__ = ["FeasibilityReport", "SourceReport", "feasibility"]


@short_repr
@dataclass(frozen=True)
class SourceReport:
    """What :func:`feasibility` found about one source.

    Attributes:
        alpha (float): Its weight in the nearest mixture of structures.
        squared_distance (float): Squared Gromov-Wasserstein distance of its structure alone.
        text_mmd (float): Maximum mean discrepancy between its texts and the target's; NaN without
            texts.
        text_cosine (float): Cosine of the mean rows; NaN without texts.
        probe_gap (float): Accuracy on the target of a linear probe on the source's frozen model
            minus that on the target's own features; NaN without a model.
    """

    alpha: float
    squared_distance: float
    text_mmd: float
    text_cosine: float
    probe_gap: float


@short_repr
@dataclass(frozen=True)
class FeasibilityReport:
    """Outcome of :func:`feasibility`.

    Attributes:
        squared_distance (float): Squared Gromov-Wasserstein distance between the target and the
            nearest mixture of the sources. The problem is not convex: it is an upper bound.
        lower_bound (float): At most the squared distance of this mixture.
        starts (tuple[float, ...]): Squared distance that each start of the fit ended at.
        sources (dict[str, SourceReport]): By name of the source.
    """

    squared_distance: float
    lower_bound: float
    starts: tuple[float, ...]
    sources: dict[str, SourceReport]

    def table(self) -> str:
        """The sources as a table in Markdown, nearest mixture first."""
        rows = [
            "| source | alpha | squared distance | text MMD | text cosine | probe gap |",
            "|---|---|---|---|---|---|",
        ]
        order = sorted(self.sources.items(), key=lambda item: (-item[1].alpha, item[0]))
        for name, source in order:
            values = (
                source.alpha,
                source.squared_distance,
                source.text_mmd,
                source.text_cosine,
                source.probe_gap,
            )
            cells = [f"{value:.4f}" if value == value else "-" for value in values]
            rows.append(f"| {' | '.join([name, *cells])} |")
        return "\n".join(rows)


def feasibility(
    sources: Mapping[str, Any],
    target: Any,
    *,
    encoder: AnyEncoder | None = None,
    models: Mapping[str, Callable[[Any], Tensor]] | None = None,
    resolution: int = 32,
    method: GraphonMethod = "blocks",
    num_egos: int | None = 1000,
    num_hops: int = 2,
    max_nodes: int = 200,
    num_texts: int = 1000,
    seed: int = 0,
) -> FeasibilityReport:
    """Compare a target with the sources of a pretraining: structure, texts, and a linear probe.

    Structure is compared as W2PGNN does, by the Gromov-Wasserstein distance between the target's
    graphon and the nearest convex combination of the sources' (:func:`fit_mixture`). It says
    nothing about texts, which decide most of the transfer of a model such as GraphCLIP: they have
    distances of their own. A model that exists already is best judged by a probe.

    Args:
        sources (mapping): Name and graph of every source: :class:`graphlab.tag.TextGraph`, or
            ``Data``.
        target (TextGraph or Data): The graph to be served.
        encoder (object or function, optional): Anything with ``encode(list[str]) -> (N, D)``, such
            as :class:`graphlab.tag.TextEncoder`, or such a function. Without it the rows of ``x``
            are compared where all graphs have the same number of columns.
        models (mapping, optional): Frozen models of some sources: functions from the target to
            embeddings ``(N, D)``. The target then needs ``x`` and ``y`` (-1 where unknown); the
            split of the probe is drawn from ``seed``.
        resolution (int): Steps of the graphons, see :func:`graphon`, as the next four.
        method (str): See there.
        num_egos (int, optional): See there; None compares whole graphs.
        num_hops (int): See there.
        max_nodes (int): See there.
        num_texts (int): Nodes of every graph whose texts are compared.
        seed (int): Seed of all samples.

    Returns:
        FeasibilityReport: Distances of structure, texts and probes, by source.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed; if a graph has no edge or,
            with an encoder, no texts.

    Warns:
        UserWarning: As :func:`graphon` and :func:`fit_mixture`.

    Complexity: that of :func:`graphon` for every graph; O(k resolution**3) a step of the fit.

    Source: Cao et al., "When to pre-train graph neural networks? From data generation
    perspective", KDD 2023.
    """
    if not isinstance(sources, Mapping) or not sources:
        raise TypeError(f"sources must be a mapping of names to graphs, got {sources!r:.60}")
    for name, graph in sources.items():
        if not isinstance(name, str):
            raise TypeError(f"sources must have str as names, got {name!r}")
        check_data(graph, f"sources[{name!r}]")
    check_data(target, "target")
    unknown = sorted(set(models or ()) - set(sources))
    if unknown:
        raise ValueError(f"models must belong to sources, got {unknown}")

    def steps(graph: Any) -> Tensor:
        return graphon(
            graph,
            resolution=resolution,
            method=method,
            num_egos=num_egos,
            num_hops=num_hops,
            max_nodes=max_nodes,
            seed=seed,
        )

    bases = {name: steps(graph) for name, graph in sources.items()}
    goal = steps(target)
    fit = fit_mixture(list(bases.values()), goal)
    texts = _text_distances(sources, target, encoder, num_texts, seed)
    gaps = _probe_gaps(models or {}, target, seed)
    reports = {}
    for (name, base), weight in zip(bases.items(), fit.alpha, strict=True):
        alone = gromov_wasserstein(base, goal).squared_distance
        gap = gaps.get(name, float("nan"))
        reports[name] = SourceReport(float(weight), alone, *texts[name], gap)
    return FeasibilityReport(fit.squared_distance, fit.lower_bound, fit.starts, reports)


def _text_distances(
    sources: Mapping[str, Any], target: Any, encoder: Any, number: int, seed: int
) -> dict[str, tuple[float, float]]:
    """Discrepancy and cosine by source; NaN where there is nothing to compare."""
    if encoder is None and not _same_columns([*sources.values(), target]):
        return dict.fromkeys(sources, (float("nan"), float("nan")))
    goal = sampled_rows(target, encoder, "target", number, seed)
    found = {}
    for name, graph in sources.items():
        rows = sampled_rows(graph, encoder, f"sources[{name!r}]", number, seed)
        found[name] = maximum_mean_discrepancy(rows, goal), centroid_cosine(rows, goal)
    return found


def _same_columns(graphs: list[Any]) -> bool:
    features = [getattr(graph, "x", None) for graph in graphs]
    widths = {x.size(1) if isinstance(x, Tensor) and x.dim() == 2 else None for x in features}
    return len(widths) == 1 and None not in widths


def _probe_gaps(
    models: Mapping[str, Callable[[Any], Tensor]], target: Any, seed: int
) -> dict[str, float]:
    """Accuracy of a probe on every model, minus that on the features of the target."""
    if not models:
        return {}
    for name in ("x", "y"):
        if not isinstance(getattr(target, name, None), Tensor):
            raise ValueError(f"target must have {name} where models are given")
    labelled = (target.y >= 0).nonzero()[:, 0]

    def accuracy(rows: Tensor) -> float:
        return linear_probe(rows[labelled], target.y[labelled], seed=seed).accuracy

    own, gaps = accuracy(target.x), {}
    for name, model in models.items():
        with torch.no_grad():
            rows = model(target)
        rows = check_matrix(rows, f"models[{name!r}](target)", rows=target.num_nodes)
        gaps[name] = accuracy(rows) - own
    return gaps
