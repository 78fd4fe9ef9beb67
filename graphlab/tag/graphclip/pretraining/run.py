"""Epochs of a pretraining: order, validation, the best weights, the checkpoint."""

from __future__ import annotations

from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from graphlab._distributed import is_distributed, rank
from graphlab._io import sweep_stale
from graphlab._progress import Progress
from graphlab._training import BestWeights
from graphlab._training_checkpoint import CHECKPOINT, load_checkpoint, save_checkpoint
from graphlab.tag.graphclip.model import GraphCLIP
from graphlab.tag.graphclip.pairs import GraphTextPairs, digest_of
from graphlab.tag.graphclip.pretraining.batches import epoch_batches, split_pairs
from graphlab.tag.graphclip.pretraining.checks import (
    batch_size,
    check_contrast,
    check_fit,
    check_patience,
)
from graphlab.tag.graphclip.pretraining.config import PretrainConfig
from graphlab.tag.graphclip.pretraining.retrieval import retrieval_scores
from graphlab.tag.graphclip.pretraining.step import TrainingStep

Row = dict[str, float]


class PretrainingRun:
    """One pretraining and how far it is.

    Args:
        model (GraphCLIP): Changed in place.
        pairs (GraphTextPairs): Training data.
        config (PretrainConfig): Settings.
        directory (Path, optional): Folder of the checkpoint.

    Attributes:
        epoch (int): Epochs done.
        stopped (bool): True once patience has ended the run.
        history (list[dict]): The row of every epoch.
        best (BestWeights): Weights of the best epoch by the selection; empty where none is made.

    Raises:
        ValueError: If the parts do not fit together; see :func:`pretrain`.
    """

    def __init__(
        self,
        model: GraphCLIP,
        pairs: GraphTextPairs,
        config: PretrainConfig,
        directory: Path | None,
    ) -> None:
        check_fit(model, pairs)
        self.model, self.pairs, self.config, self.directory = model, pairs, config, directory
        self.train, self.held = split_pairs(pairs.store.center, config.val_fraction, config.seed)
        self.batch_size = batch_size(config.batch_size, self.train.numel())
        check_contrast(pairs.text_id[self.train])
        check_patience(config.patience, self.held.numel(), config.selection)
        self.step = TrainingStep(model, pairs, config, self.batch_size)
        self.epoch, self.stopped = 0, False
        self.history: list[Row] = []
        self.best = BestWeights()
        _broadcast(model)

    @cached_property
    def digest(self) -> str:
        """Name of the data; only checkpoints need it."""
        return digest_of(self.pairs)

    @property
    def settings(self) -> dict[str, Any]:
        """Settings that must be equal for a resume; the number of epochs shapes the schedule."""
        data = {"pairs": len(self.pairs), "nodes": int(self.pairs.store.node.shape[0])}
        loss = {name: self.model.config[name] for name in ("loss", "max_scale")}
        tower = self.model.config["graph_model"]
        return {**asdict(self.config), **tower, **loss, **data, "data": self.digest}

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return self.train.numel() // self.batch_size

    def advance(self, progress: Progress) -> Row:
        """Train one epoch, validate, write the checkpoint."""
        batches = epoch_batches(self.train, self.batch_size, self.config.seed, self.epoch)
        first, steps = self.epoch * len(batches), self.config.epochs * len(batches)
        self.model.train()
        total = 0.0
        for i, index in enumerate(batches):
            loss = self.step.take(index, first + i, steps)
            total += loss
            progress.update(note=f"epoch {self.epoch}, loss {loss:.3g}")
        scale = float(self.model.criterion.logit_scale.detach().exp())
        row = {"epoch": float(self.epoch), "loss": total / len(batches), "scale": scale}
        row["lr"] = self.step.optimizer.param_groups[0]["lr"]
        if self.held.numel():
            row |= retrieval_scores(self.model, self.pairs, self.held)
            self._choose(row)
        self.history.append(row)
        self.epoch += 1
        if self.directory is not None and rank() == 0:
            self._save(self.directory / CHECKPOINT)
        return row

    def _choose(self, row: Row) -> None:
        """Keep the weights if the epoch is the best so far; see whether to stop."""
        selection = self.config.selection
        if selection == "last":
            return
        score = -row["val_loss"] if selection == "loss" else row[selection]
        self.best.update(score, self.epoch, self.model.state_dict())
        # Without validation there is nothing to wait for; checked before the run.
        patience = self.config.patience
        self.stopped = bool(patience) and self.best.waited(self.epoch) >= patience

    def _save(self, path: Path) -> None:
        sweep_stale(path.parent)
        record = {
            "settings": self.settings,
            "epoch": self.epoch,
            "history": self.history,
            "best_epoch": self.best.epoch,
            "best_score": self.best.score,
            "stopped": self.stopped,
        }
        save_checkpoint(
            path, self.model.state_dict(), self.step.optimizer, self.best.weights, record
        )

    def restore(self) -> None:
        """Continue from the checkpoint, if there is one."""
        if self.directory is None or not (self.directory / CHECKPOINT).exists():
            return
        weights, best, record = load_checkpoint(
            self.directory / CHECKPOINT, self.step.optimizer, self.settings
        )
        self.model.load_state_dict(weights)
        self.epoch, self.history = record["epoch"], record["history"]
        self.stopped = record["stopped"]
        if best:
            self.best.resume(record["best_score"], record["best_epoch"], best)

    def finish(self) -> tuple[list[Row], int, bool]:
        """Give the model the weights to keep; rows, the epoch kept, and whether patience ended."""
        if self.best.weights:
            self.model.load_state_dict(self.best.weights)
        self.model.eval()
        kept = self.best.epoch if self.best.weights else self.epoch - 1
        return self.history, kept, self.stopped


def _broadcast(model: GraphCLIP) -> None:
    """Every process starts with the weights of rank 0."""
    if not is_distributed():
        return
    for tensor in [*model.parameters(), *model.buffers()]:
        torch.distributed.broadcast(tensor.detach(), 0)
