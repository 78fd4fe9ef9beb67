"""Training of one member, selected by validation accuracy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from graphlab._progress import Progress
from graphlab._training import Callback, finite_loss, linear_warmup
from graphlab.tag.tape.early_stopping import EarlyStopping
from graphlab.tag.tape.graph_view import GraphView, logits_of

__all__ = ["MemberResult", "Recipe"]

_WARMUP = 50  # epochs over which RevGAT's learning rate rises


@dataclass(frozen=True)
class Recipe:
    """Settings of the training of every member.

    Attributes:
        lr (float): Learning rate.
        weight_decay (float): Weight decay.
        epochs (int): Most epochs.
        patience (int): See :class:`EarlyStopping`.
        slow_start (bool): RMSprop with a rising learning rate, as for RevGAT, instead of Adam.
    """

    lr: float
    weight_decay: float
    epochs: int
    patience: int
    slow_start: bool = False


@dataclass(frozen=True)
class MemberResult:
    """Outcome of the training of a member.

    Attributes:
        best_epoch (int): Epoch whose parameters were kept, from 0.
        val_accuracy (float): Validation accuracy there.
        epochs (int): Epochs trained.
    """

    best_epoch: int
    val_accuracy: float
    epochs: int


def member_result(rows: Sequence[Mapping[str, Any]]) -> MemberResult:
    """Outcome of a training out of its rows: of several best epochs the latest was kept."""
    best = max(rows, key=lambda row: (row["val_accuracy"], row["epoch"]))
    return MemberResult(best["epoch"], best["val_accuracy"], len(rows))


def train_member(
    model: nn.Module,
    view: GraphView,
    y: Tensor,
    num_classes: int,
    nodes: Mapping[str, Tensor],
    recipe: Recipe,
    name: str,
    callback: Callback | None,
) -> list[dict[str, Any]]:
    """Train and go back to the best epoch; labels of ``nodes["train"]`` and ``["val"]`` are read.

    Args:
        model (nn.Module): Trained in place.
        view (GraphView): The graph with the feature of the member.
        y (Tensor): Labels ``(N,)``.
        num_classes (int): Number of classes C.
        nodes (Mapping[str, Tensor]): Nodes of the parts ``train`` and ``val``.
        recipe (Recipe): Settings.
        name (str): Name of the member.
        callback (callable, optional): Called with the row of every epoch.

    Returns:
        list[dict]: The rows: ``member``, ``epoch``, ``loss`` and ``val_accuracy``.

    Raises:
        FloatingPointError: If the loss stops being finite.
        TypeError, ValueError: If the model does not return ``(N, C)``.
    """
    kind = torch.optim.RMSprop if recipe.slow_start else torch.optim.Adam
    optimizer: torch.optim.Optimizer = kind(
        model.parameters(), lr=recipe.lr, weight_decay=recipe.weight_decay
    )
    stopper = EarlyStopping(recipe.patience)
    train, val = nodes["train"], nodes["val"]
    warmup = _WARMUP if recipe.slow_start else 0
    rows: list[dict[str, Any]] = []
    epoch, progress = 0, Progress(recipe.epochs, f"TAPE, member {name}", unit="epochs")
    while not stopper.stopped and epoch < recipe.epochs:
        # RMSprop's first steps have no second moments yet: RevGAT's rate rises while they form.
        for group in optimizer.param_groups:
            group["lr"] = recipe.lr * linear_warmup(epoch, 1.0, warmup, first=1)
        model.train()
        value = _epoch(model, view, y, num_classes, train, optimizer, epoch, name)
        # A forward of its own, because that of the step has dropout and batch statistics.
        correct = view.logits(model, num_classes, val).argmax(1) == y[val]
        accuracy = float(correct.double().mean())
        stopper.step(accuracy, model.state_dict())
        rows.append({"member": name, "epoch": epoch, "loss": value, "val_accuracy": accuracy})
        if callback is not None:
            callback(rows[-1])
        epoch += 1
        progress.update(note=f"validation accuracy {accuracy:.3f}")
    progress.close()
    model.load_state_dict(stopper.weights)
    model.eval()
    return rows


def _epoch(
    model: nn.Module,
    view: GraphView,
    y: Tensor,
    num_classes: int,
    train: Tensor,
    optimizer: torch.optim.Optimizer,
    epoch: int,
    name: str,
) -> float:
    """A step per piece of the graph; the mean loss of the nodes."""
    losses, counts = [], []
    for piece in view.training(train, epoch):
        logits = logits_of(model, piece.x, piece.graph, num_classes)
        loss = F.cross_entropy(logits[piece.row], y[piece.node])
        value = finite_loss(
            loss, f"epoch {epoch}", "lower lr or scale the feature", of=f"member {name!r}"
        )
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(value)
        counts.append(piece.node.numel())
    if len(losses) == 1:
        return losses[0]
    return sum(v * n for v, n in zip(losses, counts, strict=True)) / sum(counts)
