"""Training of one model on one set of texts, epoch by epoch, resumable, and its outputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from graphlab._io import load_arrays, save_arrays, sweep_stale
from graphlab._progress import Progress
from graphlab._random import derive_seed, seeded
from graphlab._training import BestWeights, finite_loss
from graphlab._training_checkpoint import (
    CHECKPOINT,
    load_checkpoint,
    rows_of,
    save_checkpoint,
    taking_up,
    whole,
)
from graphlab.tag._models import fingerprint
from graphlab.tag.fine_tune._model import build_model
from graphlab.tag.fine_tune._outputs import forward, outputs
from graphlab.tag.fine_tune._plan import Plan
from graphlab.tag.fine_tune._tokens import TokenTable

__all__: list[str] = []

OUTPUTS = "outputs.safetensors"
_INIT, _ORDER, _DROPOUT = range(3)  # streams of random numbers

Row = dict[str, float]


class Fold:
    """One model: its training texts, its validation texts, its folder.

    Args:
        number (int): Number of the fold; seeds the order and the dropout, not the head.
        plan (Plan): Settings.
        identity (dict): Values beside the settings that must be equal for a resume.
        tokens (TokenTable): All texts.
        y (Tensor): Classes of all texts, negative where unknown.
        train (ndarray): Texts to train on.
        val (ndarray): Texts that select the epoch.
        folder (Path, optional): Folder of its files.
    """

    def __init__(
        self,
        number: int,
        plan: Plan,
        identity: dict[str, Any],
        tokens: TokenTable,
        y: Tensor,
        train: np.ndarray,
        val: np.ndarray,
        folder: Path | None,
    ) -> None:
        self.number, self.plan, self.tokens, self.y = number, plan, tokens, y
        self.train, self.val, self.folder, self.device = train, val, folder, plan.device
        # Features of several folds are compared: all start from the same head.
        self.model = build_model(plan, self._seed(_INIT), int(tokens.length.max()))
        self.expected = {**plan.record(), **identity, "fold": number}
        if folder is not None:
            self.expected["weights"] = fingerprint(self.model)
        head = {id(p) for part in (self.model.shrink, self.model.classifier)
                for p in part.parameters()}  # fmt: skip
        tuned = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(
            [
                {"params": [p for p in tuned if id(p) not in head], "peak": plan.lr},
                {"params": [p for p in tuned if id(p) in head], "peak": plan.head_lr},
            ],
            lr=plan.lr,
            weight_decay=plan.config.weight_decay,
        )
        self.epoch, self.stopped = 0, False
        self.history: list[Row] = []
        self.best = BestWeights()

    def _seed(self, stream: int, *position: int) -> int:
        return derive_seed(self.plan.config.seed, stream, *position)

    @property
    def steps(self) -> int:
        """Steps per epoch."""
        return self.plan.steps_per_epoch(self.train.size)

    @property
    def done(self) -> bool:
        """Whether training has ended."""
        return self.stopped or self.epoch == self.plan.config.epochs

    def advance(self, bar: Progress) -> None:
        """Train one epoch, validate, keep the best weights, write the checkpoint."""
        position = (self.number, self.epoch)
        order = np.random.default_rng(self._seed(_ORDER, *position)).permutation(self.train)
        self.model.train()
        loss, size = 0.0, self.plan.config.batch_size
        with seeded(self._seed(_DROPOUT, *position), self.device):
            for i in range(self.steps):
                batch = order[i * size : (i + 1) * size]
                loss += self._step(batch, self.epoch * self.steps + i) * batch.size
                bar.update()
        _, logits = self.outputs(self.val)
        target = self.y[torch.from_numpy(self.val)]
        row = {
            "fold": float(self.number),
            "epoch": float(self.epoch),
            "loss": loss / self.train.size,
            "val_loss": float(cross_entropy(logits, target)),
            "val_accuracy": float((logits.argmax(1) == target).double().mean()),
        }
        bar.update(0, note=f"validation accuracy {row['val_accuracy']:.3f}")
        self._keep(row)
        if self.folder is not None:
            self._save(self.folder)

    def _step(self, batch: np.ndarray, step: int) -> float:
        plan, config = self.plan, self.plan.config
        rate = plan.rate(step, self.steps)
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * rate
        self.optimizer.zero_grad(set_to_none=True)
        total = 0.0
        size = config.micro_batch_size or batch.size
        for start in range(0, batch.size, size):
            part = batch[start : start + size]
            target = self.y[torch.from_numpy(part)].to(self.device)
            _, logits = forward(self.model, self.tokens, part, self.device, plan.bf16)
            loss = cross_entropy(logits, target, label_smoothing=config.label_smoothing)
            # The parts of a batch add up to its mean, whatever their sizes.
            loss = loss * (part.size / batch.size)
            loss.backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach())
        finite_loss(
            total, f"fold {self.number}, epoch {self.epoch}", "try a lower lr, or bf16=False"
        )
        if config.max_grad_norm:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), config.max_grad_norm)
        self.optimizer.step()
        return total

    def outputs(self, index: np.ndarray, bar: Progress | None = None) -> tuple[Tensor, Tensor]:
        """Features and logits of texts, float32 on the CPU, in the order of ``index``."""
        return outputs(self.model, self.tokens, index, self.device, self.plan.bf16, bar)

    def _keep(self, row: Row) -> None:
        """Keep the weights of the best epoch, and end where none was better for too long."""
        self.best.update(_score(row), self.epoch, self.model.tuned(), "cpu")
        self.history.append(row)
        patience = self.plan.config.patience
        self.stopped = bool(patience) and self.best.waited(self.epoch) >= patience
        self.epoch += 1

    # --- files ------------------------------------------------------------------------------------

    def _save(self, folder: Path) -> None:
        sweep_stale(folder)
        record = {
            "settings": self.expected,
            "epoch": self.epoch,
            "history": self.history,
            "best_epoch": self.best.epoch,
            "stopped": self.stopped,
        }
        best = self.best.weights
        save_checkpoint(folder / CHECKPOINT, self.model.tuned(), self.optimizer, best, record)

    def forget(self) -> None:
        """Remove the files of an earlier run."""
        if self.folder is not None:
            for name in (CHECKPOINT, OUTPUTS):
                (self.folder / name).unlink(missing_ok=True)

    def restore(self) -> None:
        """Continue from the checkpoint, if there is one.

        Raises:
            ValueError: If it is of other texts, labels or settings, naming them.
        """
        if self.folder is None or not (self.folder / CHECKPOINT).exists():
            return
        path = self.folder / CHECKPOINT
        weights, best, record = load_checkpoint(path, self.optimizer, self.expected)
        with taking_up(path):
            self.model.set_tuned(weights)
            self.history = rows_of(record, "epoch", "val_accuracy", "val_loss")
            self.epoch, self.stopped = len(self.history), bool(record["stopped"])
            at = whole(record["best_epoch"], self.epoch - 1)
            if {k: v.shape for k, v in best.items()} != {k: v.shape for k, v in weights.items()}:
                raise ValueError("the best weights have other names or shapes than the last")
            self.best.resume(_score(self.history[at]), at, best)

    def finish(self, index: np.ndarray, bar: Progress) -> tuple[Tensor, Tensor]:
        """Features and logits at the best epoch, from the folder if they are there."""
        self.model.set_tuned(self.best.weights)
        path = None if self.folder is None else self.folder / OUTPUTS
        stamp = {"settings": json.dumps(self.expected, sort_keys=True)}
        if path is not None and path.exists():
            arrays, metadata = load_arrays(path)
            if metadata.get("settings") == stamp["settings"]:
                return arrays["features"], arrays["logits"]
        features, logits = self.outputs(index, bar)
        if path is not None:
            save_arrays(path, {"features": features, "logits": logits}, stamp)
        return features, logits


def _score(row: Row) -> tuple[float, float]:
    """Rank of an epoch: the accuracy, and among equals the loss, where lower is better."""
    return row["val_accuracy"], -row["val_loss"]
