"""The pretext tasks of SelfTask beside a graph convolutional network, over splits.

Rows: the network alone, with each task (ContextLabel with labels spread by the harmonic function,
or by iterative classification), and the spread labels alone. The weight of the task and the epoch
are chosen on validation nodes, the epoch also for the network alone; every row of a seed has the
same initial weights. ``gain`` is the difference to the network alone on the same split and seed.

    python -m experiments.pretext --preset cora --source ../shared/data --seeds 0:10
"""

from __future__ import annotations

from typing import Any, NamedTuple, NoReturn

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from graphlab.contrastive.pretext import (
    ContextLabel,
    PretextTask,
    harmonic_labels,
    ica_labels,
)
from graphlab.datasets import digits_knn
from graphlab.evaluate import labels_per_class_split

from .._data.graphs import read_graph
from .._harness import runner
from .._harness.context import Context
from .network import Network, Propagated
from .presets import PRESETS, Config
from .tasks import make_task

_VALIDATION, _TEST = 500, 1000


class Score(NamedTuple):
    """Accuracies at the epoch with the best validation accuracy."""

    validation: float
    test: float


def run(config: Config, context: Context) -> dict[str, dict[str, float]]:
    """Train every row on every split of a seed."""
    data = load(config).to(context.device)
    data.inputs = Propagated.of(data.x, data.edge_index)
    rows: dict[str, dict[str, float]] = {}
    for name in context.progress(config.splits, desc="splits"):
        rows |= _rows_of_split(config, context, data, name)
    return rows


def _rows_of_split(
    config: Config, context: Context, data: Any, name: str
) -> dict[str, dict[str, float]]:
    split = draw_split(data, name, context.seed)
    data.train_mask = torch.zeros(data.num_nodes, dtype=torch.bool, device=context.device)
    data.train_mask[split["train"]] = True
    num_classes = int(data.y.max()) + 1
    alone = train(config, context, data, split, None, 0.0)
    rows = {f"GCN, {name}": {"accuracy": alone.test, "val_accuracy": alone.validation}}
    rows |= _spread_labels(config, data, split, name)
    tasks = [f"context by {source}" for source in config.sources] + list(config.tasks)
    for title in tasks:
        task = make_task(title, num_classes, config).to(context.device)
        task.setup(data, generator=torch.Generator().manual_seed(context.seed))
        best = max(
            ((train(config, context, data, split, task, w), w) for w in config.weights),
            key=lambda found: found[0].validation,
        )
        rows[f"GCN + {title}, {name}"] = {
            "accuracy": best[0].test,
            "val_accuracy": best[0].validation,
            "weight": best[1],
            "gain": best[0].test - alone.test,
        }
    return rows


def _spread_labels(
    config: Config, data: Any, split: dict[str, Tensor], name: str
) -> dict[str, dict[str, float]]:
    """How often labels that are spread over the graph are right, without any network."""
    known = torch.where(data.train_mask, data.y, -1)
    rows = {}
    for source in config.sources:
        if source == "harmonic":
            spread = harmonic_labels(data.edge_index, known).label
        else:
            spread = ica_labels(data.x, data.edge_index, known).label
        right = (spread == data.y)[split["test"]]
        rows[f"{source} labels alone, {name}"] = {"accuracy": float(right.double().mean())}
    return rows


def train(
    config: Config,
    context: Context,
    data: Any,
    split: dict[str, Tensor],
    task: PretextTask | None,
    weight: float,
) -> Score:
    """Train one network, alone or beside a task; the head of the task begins anew."""
    with torch.random.fork_rng():
        torch.manual_seed(context.seed)
        num_classes = int(data.y.max()) + 1
        model = Network(config, data.num_features, num_classes).to(context.device)
        parts = nn.ModuleList([model])
        seen, inputs = data, data.inputs
        if task is not None:
            task.head.reset_parameters()
            parts.append(task)
            seen = task.perturb(data)
            if seen is not data:
                inputs = Propagated.of(seen.x, seen.edge_index)
        torch.manual_seed(context.seed)  # with and without a task, dropout begins alike
        optimizer = torch.optim.Adam(
            parts.parameters(), lr=config.lr, weight_decay=config.weight_decay
        )
        best = Score(-1.0, 0.0)
        for epoch in range(config.epochs):
            parts.train()
            optimizer.zero_grad()
            h, logits = model(inputs, seen.edge_index)
            loss = F.cross_entropy(logits[split["train"]], data.y[split["train"]])
            if task is not None:
                if config.correct_every and epoch % config.correct_every == 0:
                    _correct(task, h, context)
                loss = loss + weight * task.loss(h)
            loss.backward()
            optimizer.step()
            best = max(best, evaluate(model, data, split), key=lambda score: score.validation)
    return best


def _correct(task: PretextTask, h: Tensor, context: Context) -> None:
    if isinstance(task, ContextLabel):
        task.correct(h.detach(), generator=context.generator)


@torch.no_grad()
def evaluate(model: Network, data: Any, split: dict[str, Tensor]) -> Score:
    """Accuracies of the current weights."""
    model.eval()
    right = model(data.inputs, data.edge_index)[1].argmax(1) == data.y
    return Score(*(float(right[split[part]].double().mean()) for part in ("val", "test")))


def draw_split(data: Any, name: str, seed: int) -> dict[str, Tensor]:
    """Nodes of the three parts; at most 500 validate and 1,000 test, as in the published split."""
    if name == "public":
        masks = {"train": data.public_train, "val": data.val_mask, "test": data.test_mask}
        return {part: mask.nonzero()[:, 0] for part, mask in masks.items()}
    per_class = 20 if name == "random" else int(name.partition(" ")[0])
    parts = labels_per_class_split(data.y.cpu(), per_class, 0, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    rest = parts["test"][torch.randperm(parts["test"].numel(), generator=generator)]
    found = {
        "train": parts["train"],
        "val": rest[:_VALIDATION],
        "test": rest[_VALIDATION : _VALIDATION + _TEST],
    }
    return {part: nodes.to(data.y.device) for part, nodes in found.items()}


def load(config: Config) -> Any:
    """The graph; rows of its features are divided by their sum."""
    if config.dataset == "digits":
        data = digits_knn()
    else:
        data = read_graph(config.dataset, config.root, config.source)
        data.public_train = data.train_mask
    data.x = data.x / data.x.sum(1, keepdim=True).clamp(min=1e-12)
    return data


def main() -> NoReturn:
    """Run from the command line."""
    runner.main(run, Config, PRESETS)
