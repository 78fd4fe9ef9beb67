"""Training of a network of triples: batches, the best validation, checkpoints, processes."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from dataclasses import asdict
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from graphlab._distributed import is_distributed, rank, world_size
from graphlab._io import sweep_stale
from graphlab._progress import Progress
from graphlab._random import derive_seed, make_generator, random_order
from graphlab._training import BestWeights, finite_loss
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
from graphlab.embed.kge.network import TripleNetwork
from graphlab.embed.kge.objective import Batch, Objective, Tails
from graphlab.embed.kge.ranking import rank_triples
from graphlab.embed.kge.train_config import KGETrainConfig
from graphlab.embed.kge.triples import KnownTails, both_directions
from graphlab.evaluate import rank_metrics

__all__: list[str] = []

_ORDER, _NEGATIVES = 1, 2  # purposes of seeds


class TrainingRun:
    """One training and how far it is.

    Args:
        network (TripleNetwork): Changed in place.
        train (Tensor): Triples ``(3, T)``.
        valid (Tensor, optional): Triples of validation.
        config (KGETrainConfig): Settings.
        num_relations (int): R, without reverses.
        inverse (bool): Whether reverses are trained.
        seed (int): Seed of the order and of drawn negatives.
        directory (Path, optional): Folder of the checkpoint.
        distributed (bool): Every process computes a part of each batch.

    Attributes:
        epoch (int): Epochs done.
        history (list[dict]): The row of every epoch.
        stopped (bool): Whether patience has ended it.
    """

    def __init__(
        self,
        network: TripleNetwork,
        train: Tensor,
        valid: Tensor | None,
        config: KGETrainConfig,
        num_relations: int,
        *,
        inverse: bool,
        seed: int,
        directory: Path | None,
        distributed: bool,
    ) -> None:
        self.network, self.valid, self.config = network, valid, config
        self.num_relations, self.inverse, self.seed = num_relations, inverse, seed
        self.directory, self.distributed = directory, distributed and is_distributed()
        self.triples = both_directions(train, num_relations) if inverse else train
        self.tails = KnownTails.of(self.triples, 2 * num_relations)
        self.known: KnownTails | None = None
        if valid is not None:
            everything = both_directions(torch.cat([train, valid], dim=1), num_relations)
            self.known = KnownTails.of(everything, 2 * num_relations)
        self.objective = Objective(
            config.loss, config.smoothing, config.num_negatives, not inverse, config.n3
        )
        self.optimizer = _optimizer(network, config)
        self.epoch, self.stopped = 0, False
        self.history: list[dict[str, Any]] = []
        self.best = BestWeights()
        if self.distributed:
            for tensor in [*network.parameters(), *network.buffers()]:
                torch.distributed.broadcast(tensor.detach(), 0)

    @cached_property
    def digest(self) -> str:
        """Name of the data; only checkpoints need it."""
        parts = [self.triples] if self.valid is None else [self.triples, self.valid]
        return sha256(b"".join(part.cpu().numpy().tobytes() for part in parts)).hexdigest()

    @property
    def count(self) -> int:
        """What an epoch goes through: triples, or distinct queries."""
        grouped = self.config.loss == "bce_all"
        return self.tails.key.numel() if grouped else self.triples.size(1)

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return math.ceil(self.count / self.config.batch_size)

    def advance(self, progress: Progress) -> dict[str, Any]:
        """Train one epoch, validate, write the checkpoint."""
        lr = self.config.lr * self.config.decay**self.epoch
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        self.network.train()
        total = 0.0
        for number, index in enumerate(self._batches()):
            loss = self._step(index, number)
            total += loss * index.numel()
            progress.update(note=f"epoch {self.epoch}, loss {loss:.3g}")
        row: dict[str, Any] = {"epoch": self.epoch, "loss": total / self.count, "lr": lr}
        if self.valid is not None and self._is_validated():
            row |= self._validate(self.valid)
            self.best.update(row["mrr"], self.epoch, self.network.state_dict())
        if self.config.patience is not None and self.best.epoch >= 0:
            self.stopped = self.best.waited(self.epoch) >= self.config.patience
        self.history.append(row)
        self.epoch += 1
        if self.directory is not None and (rank() == 0 or not self.distributed):
            self._save(self.directory / CHECKPOINT)
        return row

    def _is_validated(self) -> bool:
        done = self.epoch + 1
        return done % self.config.valid_every == 0 or done == self.config.epochs

    def _batches(self) -> Iterator[Tensor]:
        generator = make_generator(derive_seed(self.seed, _ORDER, self.epoch))
        order = random_order(self.count, generator, "cpu")
        yield from order.to(self.triples.device).split(self.config.batch_size)

    def _step(self, index: Tensor, number: int) -> float:
        self.optimizer.zero_grad()
        mine = index[rank() :: world_size()] if self.distributed else index
        when = f"epoch {self.epoch}, step {number}"
        loss = self.network.rel_emb.weight.new_zeros(())
        if mine.numel():  # the last batch may be smaller than the group
            loss = self._loss(mine, number) * (mine.numel() / index.numel())
            finite_loss(loss, when)
            loss.backward()  # type: ignore[no-untyped-call]
        value = float(loss.detach())
        if self.distributed:
            value = _summed(self.network, loss.detach())
        # Rows of sparse gradients come from torch itself, which warns unless the checks are off.
        with torch.sparse.check_sparse_tensor_invariants(enable=False):
            self.optimizer.step()
        return value

    def _loss(self, index: Tensor, number: int) -> Tensor:
        if self.config.loss == "bce_all":
            head, relation = self.tails.queries()
            batch: Batch = (head[index], relation[index], None)
            known: Tails | None = self.tails.find(batch[0], batch[1])
        else:
            head, relation, tail = self.triples[:, index]
            batch = (head, relation, tail)
            known = self.tails.find(head, relation) if self.config.exclude_known else None
        return self.objective.of_batch(self.network, batch, known, self._generator(number))

    def _generator(self, number: int) -> torch.Generator | None:
        if self.config.loss != "sampled":
            return None
        words = (self.seed, _NEGATIVES, self.epoch, number, rank() if self.distributed else 0)
        return make_generator(derive_seed(*words))

    def _validate(self, valid: Tensor) -> dict[str, float]:
        ranks = rank_triples(
            self.network,
            valid,
            self.known,
            "both",
            self.num_relations,
            inverse=self.inverse,
            distributed=self.distributed,
        )
        metrics = rank_metrics(ranks)
        return {name: metrics[name] for name in ("mrr", "hits@1", "hits@10", "ties")}

    # --- checkpoint -------------------------------------------------------------------------------

    def _settings(self) -> dict[str, Any]:
        """What a resumed training must have in common; it may be longer or more patient."""
        free = ("epochs", "patience")
        shared = {k: v for k, v in asdict(self.config).items() if k not in free}
        table = self.network.rel_emb.weight
        shapes = {name: list(p.shape) for name, p in self.network.named_parameters()}
        return shared | {
            "seed": self.seed, "data": self.digest, "dtype": str(table.dtype),
            "gamma": self.network.gamma, "shapes": shapes, "scorer": self.network.scorer.name,
        }  # fmt: skip

    def _save(self, path: Path) -> None:
        sweep_stale(path.parent)
        record = {
            "settings": self._settings(),
            "epoch": self.epoch,
            "history": self.history,
            "best_epoch": self.best.epoch,
            "best_mrr": -1.0 if self.best.score is None else self.best.score,
        }
        weights = self.network.state_dict()
        save_checkpoint(path, weights, self.optimizer, self.best.weights, record)

    def restore(self) -> None:
        """Continue from the checkpoint, if there is one."""
        if self.directory is None or not os.path.exists(self.directory / CHECKPOINT):
            return
        settings = json.loads(json.dumps(self._settings()))
        path = self.directory / CHECKPOINT
        weights, best, record = load_checkpoint(path, self.optimizer, settings)
        with taking_up(path):
            self.network.load_state_dict(weights)
            self.history = rows_of(record, "epoch", "loss", "lr")
            # A row an epoch: what names the learning rate and the batches is one number.
            self.epoch = len(self.history)
            if best:
                device = self.network.device
                best = {k: v.to(device) for k, v in fitting(best, self.network).items()}
                at = whole(record["best_epoch"], self.epoch - 1)
                self.best.resume(real(record["best_mrr"]), at, best)
        if best:
            patience = self.config.patience
            waited = self.best.waited(self.epoch - 1)
            self.stopped = patience is not None and waited >= patience

    def finish(self) -> None:
        """Give the network the weights of the best validation, or leave it those of the end."""
        if self.best.weights:
            self.network.load_state_dict(self.best.weights)
        self.network.eval()


def _optimizer(network: TripleNetwork, config: KGETrainConfig) -> torch.optim.Optimizer:
    parameters = [p for p in network.parameters() if p.requires_grad]
    sparse = any(isinstance(m, torch.nn.Embedding) and m.sparse for m in network.modules())
    if config.optimizer == "adam" and sparse:
        return torch.optim.SparseAdam(parameters, lr=config.lr)
    devices = {p.device.type for p in parameters}
    options: dict[str, Any] = {"lr": config.lr, "weight_decay": config.weight_decay}
    if config.optimizer == "adagrad":
        fused = devices == {"cpu"} and not sparse
        return torch.optim.Adagrad(parameters, fused=fused, **options)
    return torch.optim.Adam(parameters, fused=devices <= {"cpu", "cuda"}, **options)


def _summed(network: TripleNetwork, loss: Tensor) -> float:
    """Sum gradients and loss over the processes; every process makes the same calls."""
    for parameter in network.parameters():
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        torch.distributed.all_reduce(parameter.grad)
    torch.distributed.all_reduce(loss)
    return float(loss)
