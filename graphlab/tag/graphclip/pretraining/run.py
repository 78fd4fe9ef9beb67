"""Epochs of a pretraining: order, validation, the best weights, the checkpoint."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from graphlab._distributed import is_distributed, rank
from graphlab._io import sweep_stale
from graphlab._prefetch import made_ahead
from graphlab._progress import Progress
from graphlab._training import BestWeights
from graphlab._training_checkpoint import (
    CHECKPOINT,
    fitting,
    load_checkpoint,
    real,
    rows_of,
    save_checkpoint,
    taking_up,
    whole,
)
from graphlab.tag.graphclip.model import GraphCLIP
from graphlab.tag.graphclip.pairs import GraphTextPairs, digest_of
from graphlab.tag.graphclip.pretraining.assembly import BatchAssembler
from graphlab.tag.graphclip.pretraining.batches import epoch_batches, split_pairs
from graphlab.tag.graphclip.pretraining.checks import (
    batch_size,
    check_contrast,
    check_fit,
    check_parts,
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
        save_every (float): Seconds between checkpoints within an epoch.
        prefetch (int): Batches that are read ahead.

    Attributes:
        epoch (int): Epochs done.
        done (int): Steps of the next one that are done.
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
        save_every: float,
        prefetch: int,
    ) -> None:
        check_fit(model, pairs)
        self.model, self.pairs, self.config, self.directory = model, pairs, config, directory
        self.train, self.held = split_pairs(pairs.store.center, config.val_fraction, config.seed)
        self.batch_size = batch_size(config.batch_size, self.train.numel())
        check_patience(config.patience, self.held.numel(), config.selection)
        check_parts(model, config.micro_batch, self.batch_size)
        pairs.share(model.graph_model.walk_length, model.device)
        check_contrast(pairs.text_id[self.train])
        self.step = TrainingStep(model, pairs, config)
        pe = pairs.encoding(model.graph_model.walk_length)
        self._batches = BatchAssembler(pairs, pe, self.batch_size)
        self._save_every, self._prefetch = save_every, prefetch
        self.epoch, self.stopped = 0, False
        self.done, self._total = 0, 0.0
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
        config = asdict(self.config)
        if not self.config.micro_batch:
            del config["micro_batch"]  # which checkpoints of earlier versions do not know
        return {**config, **tower, **loss, **data, "data": self.digest}

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return self.train.numel() // self.batch_size

    def advance(self, progress: Progress) -> Row:
        """Train one epoch, validate, write the checkpoint."""
        self._train(progress)
        scale = float(self.model.criterion.logit_scale.detach().exp())
        row = {"epoch": float(self.epoch), "loss": self._total / self.steps, "scale": scale}
        # Not asked of the optimizer: a run that goes on here may have no step left in the epoch.
        last, steps = (self.epoch + 1) * self.steps - 1, self.config.epochs * self.steps
        row["lr"] = self.step.rate(last, steps)
        if self.held.numel():
            row |= retrieval_scores(self.model, self.pairs, self.held)
            self._choose(row)
        self.history.append(row)
        self.epoch += 1
        self.done, self._total = 0, 0.0
        self._save()
        return row

    def _train(self, progress: Progress) -> None:
        """The steps of an epoch that are not done yet."""
        batches = epoch_batches(self.train, self.batch_size, self.config.seed, self.epoch)
        first, steps = self.epoch * self.steps, self.config.epochs * self.steps
        self.model.train()
        saved = time.monotonic()
        reading = made_ahead(self._batches.read, batches[self.done :], self._prefetch)
        with closing(reading):
            for batch in reading:
                loss = self.step.take(batch, first + self.done, steps)
                self.done += 1
                self._total += loss
                progress.update(note=f"epoch {self.epoch}, loss {loss:.3g}")
                # Every process is at the same step, so that rank 0 may choose the moment alone.
                if time.monotonic() - saved >= self._save_every:
                    self._save()
                    saved = time.monotonic()

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

    def _save(self) -> None:
        if self.directory is None or rank() != 0:
            return
        path = self.directory / CHECKPOINT
        sweep_stale(path.parent)
        record = {
            "settings": self.settings,
            "epoch": self.epoch,
            "done": self.done,
            "total": self._total,
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
        path = self.directory / CHECKPOINT
        weights, best, record = load_checkpoint(path, self.step.optimizer, self.settings)
        with taking_up(path):
            self.model.load_state_dict(weights)
            self.history = rows_of(record, "epoch", "loss", "scale", "lr")
            self.epoch, self.stopped = len(self.history), bool(record["stopped"])
            # Earlier versions wrote at the end of epochs only.
            self.done = whole(record.get("done", 0), self.steps)  # all, before the validation
            self._total = real(record.get("total", 0.0))
            if best:
                at = whole(record["best_epoch"], self.epoch - 1)
                self.best.resume(real(record["best_score"]), at, fitting(best, self.model))

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
