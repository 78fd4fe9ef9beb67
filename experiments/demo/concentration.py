"""The demo's diagnosis: which characters of les miserables do link predictors fail?"""

from __future__ import annotations

from dataclasses import replace

import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor

from graphlab import viz
from graphlab.evaluate import correlation_table

from .._data.graphs import les_miserables
from .._harness.context import Context
from ..link_prediction.presets import K
from ..link_prediction.scores import node_properties
from .links import Config, recalls
from .part import Means, Part

#: Properties, by the names of :func:`node_properties`.
_TITLES = {
    "tc_tr": "TC on known edges",
    "deg_tr": "degree in known edges",
    "tc_te": "TC on hidden edges (an oracle)",
}
_METHODS = ("FastRP", "common neighbours")


def run(config: Config, context: Context) -> dict[str, dict[str, float]]:
    """How well concentration and degree, known before, tell who is served badly."""
    data, _ = les_miserables()
    properties: dict[str, list[Tensor]] = {}
    served: dict[str, list[Tensor]] = {}
    for split, by_method in recalls(config, context, data):
        for name, value in node_properties(split).items():
            properties.setdefault(name, []).append(value)
        for name in _METHODS:
            served.setdefault(name, []).append(by_method[name])
    columns = {_TITLES[name]: torch.cat(properties[name]) for name in _TITLES}
    metrics = {name: torch.cat(values) for name, values in served.items()}
    table = correlation_table(columns, metrics)
    axes = viz.concentration_performance(
        columns["TC on known edges"], metrics, xlabel="topological concentration on known edges"
    )
    axes.set_title(f"Who is served well? (recall@{K})")
    context.figure("recall_by_concentration", axes)
    rows = {}
    for title, values in columns.items():
        rows[title] = warning_scores(values, metrics["FastRP"])
        rows[title] |= {f"r(recall, {name})": table[title][name]["pearson"] for name in metrics}
    everyone = metrics["FastRP"]
    rows["everyone"] = {"recall of the lowest quarter": float(everyone.nanmean())}
    return rows


def warning_scores(values: Tensor, recall: Tensor) -> dict[str, float]:
    """How well low values point to nodes that the predictor fails.

    Args:
        values (Tensor): A property that is known beforehand, ``(n,)``.
        recall (Tensor): What the predictor finds, ``(n,)``; NaN where nothing is hidden.

    Returns:
        dict[str, float]: ``failing found``, the AUC of the nodes of which less than half is found,
        and the mean recall of the quarter with the lowest values.
    """
    counted = ~(recall.isnan() | values.isnan())
    values, recall = values[counted].double(), recall[counted].double()
    failing = recall < 0.5
    both = bool(failing.any()) and not bool(failing.all())
    lowest = values.argsort(stable=True)[: max(1, values.numel() // 4)]
    auc = float(roc_auc_score(failing.numpy(), -values.numpy())) if both else 0.5
    return {"failing found": auc, "recall of the lowest quarter": float(recall[lowest].mean())}


def meaning(rows: Means) -> str:
    """Recall of those that either property points to."""
    which = "recall of the lowest quarter"
    tc, degree, everyone = (
        100 * rows[name][which]
        for name in ("TC on known edges", "degree in known edges", "everyone")
    )
    return (
        f"FastRP finds {everyone:.0f} % of what is hidden, but {tc:.0f} % for the quarter with the "
        f"lowest concentration; low degree points to a quarter with {degree:.0f} %"
    )


PART = Part(
    name="concentration",
    title="Topological concentration",
    data="les miserables",
    description=(
        "Hides a fifth of the acquaintances, many times, and asks before looking at them for which "
        "characters a link predictor (FastRP, nearest neighbours) will miss more than half: those "
        "of low concentration on known edges, or those of low degree? Concentration on hidden "
        "edges knows the answer and is an oracle."
    ),
    run=run,
    config=Config(),
    toy=replace(Config(), splits=2, dim=8),
    ours="TC on known edges",
    baseline="degree in known edges",
    metric="failing found",
    measure="AUC of finding whom the predictor fails",
    meaning=meaning,
    left_out={
        "GCN and SAGE with re-weighted messages": "need larger graphs, which are not embedded; "
        "python -m experiments.link_prediction",
    },
)
