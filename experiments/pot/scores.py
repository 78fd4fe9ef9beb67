"""Scores of POT: probes under both protocols, and certified compactness."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch_geometric.data import Data

from graphlab.contrastive import TwoViewModel
from graphlab.contrastive.pot import compactness_bound, pairing_target
from graphlab.evaluate import linear_probe

from .._data.graphs import PUBLIC_SPLIT
from .._harness.context import Context
from .certificates import layers_of
from .presets import Config

PROTOCOLS = ("honest", "paper")


PROBE_STEPS = 3000  # of the released probe


PAPER = "chosen on test, scored on validation nodes"


Split = dict[str, Tensor]


def honest(z: Tensor, data: Data, split: Split) -> dict[str, float]:
    """Scores on test nodes; nothing was chosen by them."""
    result = linear_probe(z.cpu(), data.y.cpu(), split, normalize="auto")
    return {
        "f1_micro": result.accuracy,
        "f1_macro": result.macro_f1,
        "val_accuracy": result.val_accuracy,
    }


def as_published(z: Tensor, data: Data, split: Split, swap: bool, seed: int) -> dict[str, float]:
    """The released probe: steps of Adam, and the checkpoint that is best on one part of the nodes.

    With ``swap`` that part is the test nodes and the validation nodes are scored.
    """
    from sklearn.metrics import f1_score

    z, y = F.normalize(z.detach()).cpu(), data.y.cpu()
    classifier = nn.Linear(z.size(1), int(y.max()) + 1)
    generator = torch.Generator().manual_seed(seed)
    nn.init.xavier_uniform_(classifier.weight, generator=generator)
    nn.init.zeros_(classifier.bias)
    optimizer = torch.optim.Adam(classifier.parameters(), lr=0.01)
    chosen_on, scored_on = ("test", "val") if swap else ("val", "test")
    best, scores = -1.0, (0.0, 0.0)
    for step in range(PROBE_STEPS):
        loss = F.cross_entropy(classifier(z[split["train"]]), y[split["train"]])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (step + 1) % 20:  # the released probe looks every 20 steps
            continue
        with torch.no_grad():
            predicted = classifier(z).argmax(1)
        accuracy = float((predicted == y)[split[chosen_on]].double().mean())
        if accuracy > best:
            truth, pred = y[split[scored_on]].numpy(), predicted[split[scored_on]].numpy()
            f1 = [f1_score(truth, pred, average=a, zero_division=0) for a in ("micro", "macro")]
            best, scores = accuracy, (float(f1[0]), float(f1[1]))
    return {"f1_micro": scores[0], "f1_macro": scores[1]}


def expected_budget(model: TwoViewModel, data: Data) -> Tensor:
    """Expected drops per node of the view that drops more, ``(N,)``."""
    budgets: list[Tensor] = [
        drop.expected_budget(data.edge_index, data.num_nodes)  # type: ignore[attr-defined]
        for drop in model.drop_edge
    ]
    return torch.maximum(*budgets)


@torch.no_grad()
def compactness(config: Config, model: TwoViewModel, data: Data) -> Tensor:
    """Certified similarity to the own embedding minus that to the others, in units of its length.

    The bound is ``budget`` whatever the method was trained with, for the larger drop rate; positive
    means that no augmentation within the budget makes the node look like the average other one.
    """
    z = model.embed(data.x, data.edge_index)
    budget = expected_budget(model, data)
    layers, slope = layers_of(model)
    bound = compactness_bound(
        data.x,
        data.edge_index,
        layers,
        pairing_target(z),
        budget,
        negative_slope=slope,
        bound="budget",
        directed=True,
    )
    # Embeddings have no common scale: only in units of their length do methods compare.
    scaled: Tensor = bound / z.norm(dim=1).clamp(min=1e-12)
    return scaled


def scored(
    config: Config, context: Context, z: Tensor, data: Data, splits: dict[str, Split]
) -> dict[str, dict[str, float]]:
    """Scores on every split, and under the paper's protocol if it is asked for."""
    entry = {name: honest(z, data, split) for name, split in splits.items()}
    if config.protocol == "paper":
        swap = config.dataset in PUBLIC_SPLIT
        entry["paper"] = as_published(z, data, splits["honest"], swap, context.seed)
    return entry


def candidates(config: Config, method: str) -> dict[str, tuple[float, float]]:
    """Kappa and factor on the learning rate of every run of a method, by the run's name."""
    if method != "none":
        return {f"{method} {kappa:g}": (kappa, 1.0) for kappa in sorted(config.kappas)}
    if config.host_rates == (1.0,):
        return {"none 0": (0.0, 1.0)}
    return {f"none lr*{rate:g}": (0.0, rate) for rate in sorted(config.host_rates)}


def best(config: Config, runs: dict[str, Any], method: str, split: str = "honest") -> str:
    """The run of a method with the best validation accuracy; ties go to the smaller setting."""
    keys = list(candidates(config, method))
    return max(keys, key=lambda key: runs[key][split]["val_accuracy"])
