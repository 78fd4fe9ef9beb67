"""Training of the query-dependent network on questions with known documents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from graphlab._progress import Progress
from graphlab._random import random_order
from graphlab._training import finite_loss
from graphlab._training_checkpoint import (
    CHECKPOINT,
    load_checkpoint,
    rows_of,
    save_checkpoint,
    taking_up,
)
from graphlab.ops import RelationalRows
from graphlab.tag.retrieval.gfm.entity_graph import EntityGraph
from graphlab.tag.retrieval.gfm.frontier import answer, background, reach, worthwhile
from graphlab.tag.retrieval.gfm.losses import adversarial_bce, listwise_cross_entropy
from graphlab.tag.retrieval.gfm.model import QueryGNN
from graphlab.tag.retrieval.gfm.self_supervision import Examples, start_weights, targets

__all__: list[str] = []

_BINARY, _LISTWISE, _TEMPERATURE = 0.3, 0.7, 0.2  # of the release
_ACTIVATIONS = 10  # matrices (N, B, D) that a layer keeps
_MEMORY = 4 * 2**30  # bytes of them, beyond which layers are computed again
_EVERY = 25  # steps between checkpoints

Row = dict[str, Any]


@dataclass(frozen=True)
class Schedule:
    """How a network is trained.

    Attributes:
        steps (int): Steps.
        batch_size (int): Questions per step.
        lr (float): Learning rate of AdamW.
        weight_decay (float): Of AdamW.
        seed (int): Of the order of the questions.
    """

    steps: int
    batch_size: int
    lr: float
    weight_decay: float
    seed: int


@dataclass(frozen=True)
class Saved:
    """Where a training is kept.

    Attributes:
        folder (Path): Folder of the checkpoint.
        settings (dict): What must be equal for a resume.
        resume (bool): Whether to go on from what is there.
    """

    folder: Path
    settings: dict[str, Any]
    resume: bool

    def restore(self, model: QueryGNN, optimizer: torch.optim.Optimizer) -> list[Row]:
        """Go on from the checkpoint, if there is one; the rows of the steps that were done."""
        path = self.folder / CHECKPOINT
        if not path.exists():
            return []
        if not self.resume:
            path.unlink()
            return []
        weights, _, record = load_checkpoint(path, optimizer, self.settings)
        with taking_up(path):
            model.load_state_dict(weights)
            return rows_of(record, "step", "loss")

    def keep(self, model: QueryGNN, optimizer: torch.optim.Optimizer, history: list[Row]) -> None:
        """Replace the checkpoint."""
        record = {"settings": self.settings, "history": history}
        save_checkpoint(self.folder / CHECKPOINT, model.state_dict(), optimizer, {}, record)


def train(
    model: QueryGNN,
    graph: EntityGraph,
    relations: Tensor,
    examples: Examples,
    queries: Tensor,
    schedule: Schedule,
    *,
    saved: Saved | None = None,
    callback: Callable[[Row], None] | None = None,
    progress: bool | None = None,
) -> list[Row]:
    """Train a network in place; one row per step is returned.

    Args:
        model (QueryGNN): The network.
        graph (EntityGraph): The graph.
        relations (Tensor): Embeddings of the edge types ``(2 R, F)``.
        examples (Examples): Questions.
        queries (Tensor): Their embeddings ``(n, F)``.
        schedule (Schedule): How.
        saved (Saved, optional): Where it is kept.
        callback (callable, optional): Called with every row.
        progress (bool, optional): See :class:`graphlab._progress.Progress`.
    """
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=schedule.lr, weight_decay=schedule.weight_decay
    )
    history = [] if saved is None else saved.restore(model, optimizer)
    size = graph.num_entities * schedule.batch_size * model.hidden
    model.recompute = 4 * _ACTIVATIONS * model.num_layers * size > _MEMORY
    order = _order(len(examples), schedule)
    device = next(model.parameters()).device
    rows, relations = graph.rows.to(device), relations.to(device)
    model.train()
    with Progress(schedule.steps, "GFM", unit="step", done=len(history), shown=progress) as bar:
        for step in range(len(history), schedule.steps):
            chosen = order[step].tolist()
            start = start_weights(graph, [examples.starts[i] for i in chosen])
            target = targets(graph, [examples.documents[i] for i in chosen])
            logits = _logits(model, relations, rows, queries[chosen].to(device), start.to(device))
            row = _step(model, optimizer, logits, target.to(device), step)
            history.append(row)
            bar.update(note=f"loss {row['loss']:.3f}")
            if saved is not None and ((step + 1) % _EVERY == 0 or step + 1 == schedule.steps):
                saved.keep(model, optimizer, history)
            if callback is not None:
                callback(row)
    model.eval()
    model.recompute = False
    return history


def _logits(
    model: QueryGNN, relations: Tensor, rows: RelationalRows, query: Tensor, start: Tensor
) -> Tensor:
    """Logits ``(B, N)``: by what the questions change where that is little, else by one run."""
    balls = reach(rows, start, model.num_layers)
    if worthwhile(model, rows, balls, len(query), kept=False):
        return answer(model, background(model, relations, rows), rows, query, start, balls)
    logits: Tensor = model(relations, query, start, rows)
    return logits


def _step(
    model: QueryGNN, optimizer: torch.optim.Optimizer, logits: Tensor, target: Tensor, step: int
) -> Row:
    finite_loss(logits.detach().abs().max(), f"step {step}")
    binary = adversarial_bce(logits, target, temperature=_TEMPERATURE)
    listwise = listwise_cross_entropy(logits, target)
    loss = _BINARY * binary + _LISTWISE * listwise
    value = finite_loss(loss, f"step {step}")
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    return {
        "step": step,
        "loss": value,
        "binary": float(binary.detach()),
        "listwise": float(listwise.detach()),
    }


def _order(count: int, schedule: Schedule) -> Tensor:
    """Questions of every step ``(steps, batch_size)``: all once, then all in another order."""
    generator = torch.Generator().manual_seed(schedule.seed)
    needed = schedule.steps * schedule.batch_size
    rounds = -(-needed // max(count, 1))
    parts = [random_order(count, generator, "cpu") for _ in range(rounds)]
    flat = torch.cat(parts) if parts else torch.zeros(0, dtype=torch.long, device="cpu")
    return flat[:needed].view(schedule.steps, schedule.batch_size)
