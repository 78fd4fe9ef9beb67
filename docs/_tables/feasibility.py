"""Tables of the feasibility of pretraining."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from typing import Any

import numpy as np
from scipy.stats import rankdata

from _tables.common import ROOT, markdown, read, spread

FILES = {"neighbourhoods": "text_graphs", "whole graphs": "whole"}
MEASURES = ("squared distance", "least text MMD", "largest text cosine")


def _rows(preset: str) -> dict[str, Any]:
    path = f"experiments/results/feasibility_{preset}.json"
    return read(path)["rows"] if (ROOT / path).exists() else {}


def _targets(rows: dict[str, Any]) -> list[str]:
    return [name for name in rows if " -> " not in name]


def _accuracy(target: str) -> dict[str, Any] | None:
    """Zero-shot accuracy of the committed model."""
    path = f"experiments/results/graphclip_zeroshot_{target}.json"
    return read(path)["rows"]["graphclip"]["acc"] if (ROOT / path).exists() else None


def targets() -> str:
    """Distances of every target, and what the zero-shot model reaches there."""
    rows = []
    for kind, preset in FILES.items():
        table = _rows(preset)
        for target in _targets(table):
            cells = [f"{table[target][name]['mean']:.4f}" for name in ("squared distance",)]
            cells += [f"{table[target][name]['mean']:.3f}" for name in MEASURES[1:]]
            accuracy = _accuracy(target)
            rows.append([kind, target, *cells, spread(accuracy) if accuracy else ""])
    header = ["structure from", "target", "squared distance", "least MMD", "largest cosine"]
    return markdown([*header, "zero-shot accuracy"], rows)


def mixtures() -> str:
    """Weight of every source."""
    rows = []
    for kind, preset in FILES.items():
        for name, row in _rows(preset).items():
            if " -> " in name:
                source, target = name.split(" -> ")
                cells = [f"{row[key]['mean']:.3f}" for key in ("alpha", "text MMD", "text cosine")]
                distance = f"{row['squared distance']['mean']:.4f}"
                rows.append([kind, target, source, cells[0], distance, *cells[1:]])
    header = ["structure from", "target", "source", "alpha", "squared distance alone"]
    return markdown([*header, "text MMD", "text cosine"], rows)


def correlations() -> str:
    """Rank correlation of every measure with the accuracy, over the targets."""
    rows = []
    for kind, preset in FILES.items():
        table = _rows(preset)
        known = [t for t in _targets(table) if _accuracy(t) is not None]
        if len(known) < 3:
            continue
        accuracy = [_accuracy(target)["mean"] for target in known]
        for measure in MEASURES if kind == "neighbourhoods" else MEASURES[:1]:
            values = [table[target][measure]["mean"] for target in known]
            found, p = rank_correlation(values, accuracy)
            rows.append([f"{measure} ({kind})", f"{found:+.2f}", f"{p:.2f}", str(len(known))])
    return markdown(["measure", "rank correlation", "p (all orders)", "targets"], rows)


def rank_correlation(first: list[float], second: list[float]) -> tuple[float, float]:
    """Spearman's correlation, and the share of all orders that are at least as far from zero."""
    one, two = rankdata(first), rankdata(second)

    def value(order: Any) -> float:
        return float(np.corrcoef(one, np.asarray(order))[0, 1])

    found = value(two)
    every = [abs(value(order)) for order in permutations(two)]
    return found, float(np.mean([other >= abs(found) - 1e-12 for other in every]))


TABLES: dict[str, Callable[[], str]] = {
    "feasibility_targets": targets,
    "feasibility_mixtures": mixtures,
    "feasibility_correlations": correlations,
}
