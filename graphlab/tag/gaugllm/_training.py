"""The training of GAugLLM: steps, their rates, and a checkpoint to go on from."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from graphlab._feature_rows import content_name
from graphlab._io import sweep_stale
from graphlab._progress import Progress
from graphlab._training import Callback, finite_loss, warmup_cosine
from graphlab._training_checkpoint import (
    CHECKPOINT,
    load_checkpoint,
    real,
    rows_of,
    save_checkpoint,
    taking_up,
    whole,
)
from graphlab.contrastive.hosts.embedding_model import EmbeddingModel
from graphlab.tag.gaugllm._backbones import step_loss
from graphlab.tag.gaugllm._batches import Graph, Steps, WholeSteps

Row = dict[str, Any]


class Training:
    """One training and how far it is.

    Args:
        model (EmbeddingModel): Trained in place.
        steps (Steps): What it sees.
        rates (Mapping): ``lr``, ``warmup``, ``weight_decay`` and ``epochs``.
        settings (Mapping): Names all that decides over the result, for the checkpoint.
        directory (Path, optional): Folder of the checkpoint.
        save_every (float): Seconds between checkpoints.

    Attributes:
        history (list[dict]): The row of every epoch that is done.
    """

    def __init__(
        self,
        model: EmbeddingModel,
        steps: Steps,
        rates: Mapping[str, Any],
        settings: Mapping[str, Any],
        directory: Path | None,
        save_every: float,
    ) -> None:
        self._model, self._steps, self._rates, self._settings = model, steps, rates, settings
        self._directory, self._save_every = directory, save_every
        self._optimizer = torch.optim.AdamW(
            model.parameters(), lr=rates["lr"], weight_decay=rates["weight_decay"]
        )
        self.history: list[Row] = []
        self._done, self._total = 0, 0.0
        self._saved = time.monotonic()

    def run(self, callback: Callback | None) -> None:
        """Train what is left."""
        epochs, per_epoch = self._rates["epochs"], self._steps.per_epoch
        done = len(self.history) * per_epoch + self._done
        unit = "epochs" if per_epoch == 1 else "steps"
        self._model.train()
        with Progress(epochs * per_epoch, "GAugLLM", unit=unit, done=done) as progress:
            while len(self.history) < epochs:
                row = self._epoch(len(self.history), progress)
                self.history.append(row)
                self._done, self._total = 0, 0.0
                self._save(last=len(self.history) == epochs)
                if callback is not None:
                    callback(row)

    def _epoch(self, number: int, progress: Progress) -> Row:
        per_epoch = self._steps.per_epoch
        total = self._rates["epochs"] * per_epoch
        rise = round(self._rates["warmup"] * total)
        for inputs, generator in self._steps.epoch(number, self._done):
            step = number * per_epoch + self._done
            # From one on: a first step at rate zero would be wasted.
            rate = warmup_cosine(step + 1, self._rates["lr"], rise, total + 1)
            for group in self._optimizer.param_groups:
                group["lr"] = rate
            loss = step_loss(self._model, inputs, generator, step)
            self._total += finite_loss(loss, f"step {step}")
            self._optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()
            self._model.after_step(step, total)
            self._done += 1
            progress.update()
            if self._done < per_epoch:
                self._save()
        rate = self._optimizer.param_groups[0]["lr"]
        return {"epoch": number, "loss": self._total / per_epoch, "lr": rate}

    def _save(self, *, last: bool = False) -> None:
        """Write the checkpoint where it is time for it."""
        if self._directory is None:
            return
        if not last and time.monotonic() - self._saved < self._save_every:
            return
        sweep_stale(self._directory)
        record = {
            "settings": self._settings,
            "history": self.history,
            "done": self._done,
            "total": self._total,
            "generator": self._generator(),
        }
        weights = self._model.state_dict()
        save_checkpoint(self._directory / CHECKPOINT, weights, self._optimizer, {}, record)
        self._saved = time.monotonic()

    def _generator(self) -> str:
        """State of the draws that follow each other; others are named by their step."""
        if not isinstance(self._steps, WholeSteps):
            return ""
        return bytes(self._steps.generator.get_state().tolist()).hex()

    def restore(self) -> None:
        """Go on from the checkpoint, if there is one.

        Raises:
            ValueError: If it is damaged, or of another graph or other settings.
        """
        if self._directory is None or not (self._directory / CHECKPOINT).exists():
            return
        path = self._directory / CHECKPOINT
        weights, _, record = load_checkpoint(path, self._optimizer, self._settings)
        with taking_up(path):
            self._model.load_state_dict(weights)
            self.history = rows_of(record, "epoch", "loss", "lr")
            self._done = whole(record["done"], self._steps.per_epoch - 1)
            self._total = real(record["total"])
            if isinstance(self._steps, WholeSteps):
                state = list(bytes.fromhex(record["generator"]))
                self._steps.generator.set_state(
                    torch.tensor(state, dtype=torch.uint8, device="cpu")
                )


def data_name(graph: Graph) -> str:
    """Hash of features, edges and votes."""
    digest = hashlib.sha256()
    for x in (graph.x1, graph.x2):
        digest.update(content_name(x).encode())
    parts = [graph.edge_index]
    if graph.modifier is not None:
        asked = graph.modifier.candidates
        parts += [asked.src, asked.dst, asked.kind, graph.modifier.opinions()]
    for part in parts:
        digest.update(f"{tuple(part.shape)}".encode())
        digest.update(part.cpu().contiguous().numpy().data)
    return digest.hexdigest()[:32]
