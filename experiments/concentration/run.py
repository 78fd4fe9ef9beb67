"""Approximate against exact topological concentration, by columns and hops.

A seed is a random split of the edges (70/10/20) and a random matrix. Both forms of the
approximation stand beside the exact value, on training edges (nodes with two or more) and on test
edges (nodes with one or more): ``cosine`` is the paper's, ``unbiased`` inner products with the
exact formula's denominator. Rows "without noise" have the identity in place of the random matrix,
the limit of many columns: what is missing there is the formula's, not chance. ``spearman`` is the
correlation of the ranks over nodes, ``error`` the mean absolute difference, ``mean`` the mean exact
value.

    python -m experiments.concentration --preset cora --seeds 0:10
"""

from __future__ import annotations

import time
from typing import Any, NoReturn

import torch
from torch import Tensor

from graphlab.embed import approx_topological_concentration, topological_concentration
from graphlab.evaluate import correlation_table

from .._harness import runner
from .._harness.context import Context
from ..link_prediction.presets import Config as LinkConfig
from ..link_prediction.run import load
from ..link_prediction.split import Split, split_edges
from .presets import PRESETS, Config

#: Arguments of both forms by title.
FORMS: dict[str, dict[str, Any]] = {
    "cosine": {},
    "unbiased": {"phi": "dot", "normalize": "tc"},
}


def run(config: Config, context: Context) -> dict[str, dict[str, float]]:
    """Compare every width and number of hops on one split."""
    data = load(LinkConfig(config.dataset, config.root, config.source))
    split = split_edges(data, context.device)
    targets: dict[str, Tensor | None] = {"train": None, "test": split.both("test")}
    nodes = compared(split)
    rows: dict[str, dict[str, float]] = {}
    for hops in context.progress(config.hops, desc="hops"):
        begin = time.perf_counter()
        exact = topological_concentration(
            split.train, split.num_nodes, targets=targets, num_hops=hops
        )
        rows[label("exact", hops)] = {
            "seconds": time.perf_counter() - begin,
            **{f"mean, {part}": float(exact[part][nodes[part]].mean()) for part in exact},
        }
        for form, arguments in FORMS.items():
            for dim in (*config.dims, *((None,) if config.limit else ())):
                noise: dict[str, Any] = {"dim": dim, "seed": context.seed}
                if dim is None:
                    noise = {"projection_matrix": torch.eye(split.num_nodes)}
                begin = time.perf_counter()
                found = approx_topological_concentration(
                    split.train, split.num_nodes, targets=targets, num_hops=hops,
                    **arguments, **noise,
                )  # fmt: skip
                seconds = {"seconds": time.perf_counter() - begin}
                rows[label(form, hops, dim)] = quality(found, exact, nodes) | seconds
    return rows


def label(form: str, hops: int, dim: int | None = 0) -> str:
    """Name of a row."""
    words = f"{form}, {hops} hop{'s' * (hops > 1)}"
    return words if dim == 0 else f"{words}, {'without noise' if dim is None else f'd = {dim}'}"


def compared(split: Split) -> dict[str, Tensor]:
    """Nodes whose exact value is defined, by part."""
    known = torch.bincount(split.train[0], minlength=split.num_nodes)
    asked = torch.bincount(split.both("test")[0], minlength=split.num_nodes)
    return {"train": known > 1, "test": (known > 0) & (asked > 0)}


def quality(
    found: dict[str, Tensor], exact: dict[str, Tensor], nodes: dict[str, Tensor]
) -> dict[str, float]:
    """Correlations and mean absolute difference on the nodes of every part."""
    scores: dict[str, float] = {}
    for part, mask in nodes.items():
        value = found[part].double()
        table = correlation_table({"exact": exact[part]}, {"found": value}, mask)["exact"]["found"]
        scores[f"spearman, {part}"] = table["spearman"]
        scores[f"pearson, {part}"] = table["pearson"]
        scores[f"error, {part}"] = float((value - exact[part])[mask].abs().mean())
    return scores


def main() -> NoReturn:
    """Run from the command line."""
    runner.main(run, Config, PRESETS)
