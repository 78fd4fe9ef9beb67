"""The demo's diagnosis: which characters of les miserables do link predictors serve well?"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from graphlab import viz
from graphlab.evaluate import correlation_table

from .._data.graphs import les_miserables
from .._harness.context import Context
from ..link_prediction.presets import K
from ..link_prediction.scores import node_properties
from .links import Config, recalls
from .part import Part


def run(config: Config, context: Context) -> dict[str, dict[str, float]]:
    """Correlation of recall with concentration and with degree on the known edges."""
    data, _ = les_miserables()
    properties: dict[str, list[Tensor]] = {}
    served: dict[str, list[Tensor]] = {}
    for split, by_method in recalls(config, context, data):
        for name, value in node_properties(split).items():
            properties.setdefault(name, []).append(value)
        for name in ("FastRP", "common neighbours"):
            served.setdefault(name, []).append(by_method[name])
    columns = {name: torch.cat(values) for name, values in properties.items()}
    metrics = {name: torch.cat(values) for name, values in served.items()}
    titles = {
        "tc_tr": "TC on known edges",
        "deg_tr": "degree in known edges",
        "tc_te": "TC on hidden edges (an oracle)",
    }
    table = correlation_table({name: columns[name] for name in titles}, metrics)
    axes = viz.concentration_performance(
        columns["tc_tr"], metrics, xlabel="topological concentration on known edges"
    )
    axes.set_title(f"Who is served well? (recall@{K})")
    context.figure("recall_by_concentration", axes)
    return {
        title: {f"r(recall, {method})": table[name][method]["pearson"] for method in metrics}
        for name, title in titles.items()
    }


PART = Part(
    name="concentration",
    title="Topological concentration",
    data="les miserables",
    description=(
        "Asks which characters the predictors above serve well: correlation over characters of "
        "recall with concentration on known edges, beside plain degree. Concentration on hidden "
        "edges knows the answer and is an oracle."
    ),
    run=run,
    config=Config(),
    toy=replace(Config(), splits=2, dim=8),
    ours="TC on known edges",
    baseline="degree in known edges",
    metric="r(recall, FastRP)",
    measure="correlation with FastRP's recall",
    left_out={
        "GCN and SAGE with re-weighted messages": "need larger graphs, which are not embedded; "
        "python -m experiments.link_prediction",
    },
)
