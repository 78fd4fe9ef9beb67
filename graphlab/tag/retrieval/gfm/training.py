"""Training of the query-dependent network on questions with known documents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from graphlab._progress import Progress
from graphlab._training import finite_loss
from graphlab.ops import RelationalRows
from graphlab.tag._training_checkpoint import CHECKPOINT, load_checkpoint, save_checkpoint
from graphlab.tag.retrieval.gfm.entity_graph import EntityGraph
from graphlab.tag.retrieval.gfm.frontier import answer, background, fits, reach
from graphlab.tag.retrieval.gfm.losses import adversarial_bce, listwise_cross_entropy
from graphlab.tag.retrieval.gfm.model import QueryGNN
from graphlab.tag.retrieval.gfm.self_supervision import Examples, start_weights, targets

__all__: list[str] = []

_BINARY, _LISTWISE, _TEMPERATURE = 0.3, 0.7, 0.2  # of the release
_ACTIVATIONS = 10  # matrices (N, B, D) that a layer keeps
_MEMORY = 4 * 2**30  # bytes of them, beyond which layers are computed again

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
        every (int): Steps between checkpoints.
    """

    steps: int
    batch_size: int
    lr: float
    weight_decay: float
    seed: int
    every: int = 25


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
    history: list[Row] = []
    path = None if saved is None else saved.folder / CHECKPOINT
    if saved is not None and path is not None and path.exists():
        if saved.resume:
            weights, _, record = load_checkpoint(path, optimizer, saved.settings)
            model.load_state_dict(weights)
            history = record["history"]
        else:
            path.unlink()
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
            ended = step + 1 == schedule.steps
            if (
                saved is not None
                and path is not None
                and ((step + 1) % schedule.every == 0 or ended)
            ):
                record = {"settings": saved.settings, "history": history}
                save_checkpoint(path, model.state_dict(), optimizer, {}, record)
            if callback is not None:
                callback(row)
    model.eval()
    model.recompute = False
    return history


def _logits(
    model: QueryGNN, relations: Tensor, rows: RelationalRows, query: Tensor, start: Tensor
) -> Tensor:
    """Logits ``(B, N)``: by what each question changes where that is little, else by one run."""
    balls = [reach(rows, row.nonzero().view(-1), model.num_layers) for row in start]
    if not fits(model, rows) or any(ball is None for ball in balls):
        logits: Tensor = model(relations, query, start, rows)
        return logits
    base = background(model, relations, rows)
    parts = [
        answer(model, base, rows, query[row : row + 1], start[row : row + 1])
        for row in range(len(query))
    ]
    return torch.stack(parts)


def _step(
    model: QueryGNN, optimizer: torch.optim.Optimizer, logits: Tensor, target: Tensor, step: int
) -> Row:
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
    """Questions of every step ``(steps, batch_size)``: all once, then all again in another order."""
    generator = torch.Generator().manual_seed(schedule.seed)
    needed = schedule.steps * schedule.batch_size
    rounds = -(-needed // max(count, 1))
    parts = [torch.randperm(count, generator=generator, device="cpu") for _ in range(rounds)]
    flat = torch.cat(parts) if parts else torch.zeros(0, dtype=torch.long, device="cpu")
    return flat[:needed].view(schedule.steps, schedule.batch_size)
