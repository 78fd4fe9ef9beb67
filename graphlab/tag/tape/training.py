"""The training of one member, selected by validation accuracy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from graphlab.tag.tape.adjacency import SharedAdjacency
from graphlab.tag.tape.early_stopping import EarlyStopping

__all__ = ["MemberResult", "Recipe"]

_WARMUP = 50  # epochs over which RevGAT's learning rate rises


@dataclass(frozen=True)
class Recipe:
    """How members are trained.

    Attributes:
        lr: Learning rate.
        weight_decay: Weight decay.
        epochs: Most epochs.
        patience: See :class:`EarlyStopping`.
        slow_start: RMSprop with a rising learning rate, as for RevGAT, instead of Adam.
    """

    lr: float
    weight_decay: float
    epochs: int
    patience: int
    slow_start: bool = False


@dataclass(frozen=True)
class MemberResult:
    """How the training of a member went.

    Attributes:
        best_epoch: Epoch whose parameters were kept, from 0.
        val_accuracy: Validation accuracy there.
        epochs: Epochs trained.
    """

    best_epoch: int
    val_accuracy: float
    epochs: int


def train_member(
    model: nn.Module,
    x: Tensor,
    graph: SharedAdjacency | Tensor,
    y: Tensor,
    nodes: Mapping[str, Tensor],
    recipe: Recipe,
    name: str,
) -> MemberResult:
    """Train and go back to the best epoch; labels of ``nodes["train"]`` and ``["val"]`` are read.

    Raises:
        FloatingPointError: If the loss stops being finite.
    """
    kind = torch.optim.RMSprop if recipe.slow_start else torch.optim.Adam
    optimizer: torch.optim.Optimizer = kind(
        model.parameters(), lr=recipe.lr, weight_decay=recipe.weight_decay
    )
    stopper = EarlyStopping(recipe.patience)
    train, val = nodes["train"], nodes["val"]
    best: dict[str, Tensor] = {}
    epoch = 0
    while not stopper.stopped and epoch < recipe.epochs:
        for group in optimizer.param_groups:
            rise = (epoch + 1) / _WARMUP if recipe.slow_start else 1.0
            group["lr"] = recipe.lr * min(1.0, rise)
        model.train()
        loss = F.cross_entropy(model(x, graph)[train], y[train])
        value = float(loss.detach())
        if not math.isfinite(value):
            raise FloatingPointError(
                f"the loss of member {name!r} is {value} in epoch {epoch}: "
                "lower lr or scale the feature"
            )
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        found = evaluate(model, x, graph)[val].argmax(1)
        if stopper.step(float((found == y[val]).double().mean())):
            best = {key: value.detach().clone() for key, value in model.state_dict().items()}
        epoch += 1
    model.load_state_dict(best)
    return MemberResult(stopper.best_epoch, float(stopper.best or 0.0), epoch)


@torch.no_grad()
def evaluate(model: nn.Module, x: Tensor, graph: SharedAdjacency | Tensor) -> Tensor:
    """Logits without dropout."""
    model.eval()
    logits: Tensor = model(x, graph)
    return logits
