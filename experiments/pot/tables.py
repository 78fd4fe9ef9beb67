"""Rows and pictures of POT."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab import viz

from .._data.graphs import PUBLIC_SPLIT
from .._harness.context import Context
from .presets import POT_METHODS, Config
from .scores import PAPER

TITLES = {"none": "", **{name: f" + POT {name}" for name in POT_METHODS}}


def host_title(config: Config) -> str:
    """Name of the host."""
    return {"progcl": "ProGCL"}.get(config.host, config.host.upper())


def in_words(config: Config, key: str) -> str:
    """Name of a run in the pictures."""
    method, setting = key.split()
    title = f"{host_title(config)}{TITLES[method]}"
    if TITLES[method]:
        return f"{title}, kappa {setting}"
    return title if setting == "0" else f"{title}, {setting}"


def table(
    config: Config, runs: dict[str, Any], chosen: dict[str, dict[str, str]]
) -> dict[str, dict[str, float]]:
    """Rows by title; ``chosen`` holds the run of every method, by split."""
    rows: dict[str, dict[str, float]] = {}
    for split, keys in chosen.items():
        mark = "" if split == "honest" else f", {split} split"
        for key, title in _titles(config, keys).items():
            rows[f"{title}{mark}"] = runs[key][split] | runs[key].get("state", {})
    if config.protocol == "paper":
        mark = PAPER if config.dataset in PUBLIC_SPLIT else "released probe"
        titles = _titles(config, chosen["honest"])
        rows |= {f"{title} [{mark}]": dict(runs[key]["paper"]) for key, title in titles.items()}
    return rows


def every_run(config: Config, runs: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Rows of all runs on the first split, by title and kappa."""
    return {
        in_words(config, key) if "state" in run and "kappa" in run["state"] else key: run["honest"]
        | run.get("state", {})
        for key, run in runs.items()
    }


def _titles(config: Config, keys: dict[str, str]) -> dict[str, str]:
    """Titles by run."""
    titled = {"features": "features", "untrained encoder": "untrained encoder"}
    return titled | {key: f"{host_title(config)}{TITLES[method]}" for method, key in keys.items()}


def draw(context: Context, data: Data, bounds: dict[str, Tensor]) -> None:
    """Pictures of the certified compactness: its distribution, and by degree."""
    axes = viz.compactness_distribution(bounds)
    axes.set_title("Certified compactness of nodes")
    context.figure("compactness", axes)
    degree = torch.bincount(data.edge_index[1].cpu(), minlength=data.num_nodes)
    group = degree.clamp(min=1).double().log2().floor().long().clamp(max=6)
    present = [int(g) for g in group.unique()]
    labels = [f"{2**g}-{2 ** (g + 1) - 1}" if g < 6 else "64+" for g in present]
    labels = ["1" if label == "1-1" else label for label in labels]
    share = {
        name: [float((bound[group == g] > 0).double().mean()) for g in present]
        for name, bound in bounds.items()
    }
    axes = viz.bars(labels, share, ylabel="share of nodes with a positive bound")
    axes.set_xlabel("degree")
    axes.set_title("Certified nodes by degree")
    context.figure("certified_by_degree", axes)
