"""Pretraining of the graph tower on pairs of subgraphs and summaries, on one process or many."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from graphlab._checks import (
    check_choice,
    check_fraction,
    check_int,
    check_nonnegative,
    check_positive,
)
from graphlab._distributed import all_reduce_sum, is_distributed, rank, world_size
from graphlab._io import sweep_stale
from graphlab._random import derive_seed, seeded
from graphlab.tag._training_checkpoint import CHECKPOINT, load_checkpoint, save_checkpoint
from graphlab.tag.graphclip import _noise
from graphlab.tag.graphclip._run_checks import (
    batch_size,
    check_contrast,
    check_fit,
    check_patience,
)
from graphlab.tag.graphclip._schedule import epoch_batches, learning_rate, split_pairs
from graphlab.tag.graphclip.adversarial import adversarial_backward, feature_rms
from graphlab.tag.graphclip.augment import augment_subgraphs
from graphlab.tag.graphclip.model import GraphCLIP
from graphlab.tag.graphclip.pairs import GraphTextPairs, digest_of

__all__ = ["PretrainConfig", "PretrainResult", "pretrain", "retrieval_at_1"]

Row = dict[str, float]


@dataclass(frozen=True)
class PretrainConfig:
    """Settings of :func:`pretrain`; the defaults suit small towers, not the published run.

    Attributes:
        epochs: Passes over the training pairs.
        batch_size: Pairs of all processes together in one step.
        lr: Peak of the learning rate (AdamW).
        weight_decay: Of AdamW.
        warmup: Fraction of the steps with a rising rate; a cosine follows.
        schedule: ``"cosine"`` or ``"constant"`` (the release has no schedule).
        feature_p: Probability to zero a feature column of a subgraph.
        edge_p: Probability to drop a directed edge.
        adversarial_eps: Step of the perturbation in units of the root mean square of the
            features; 0 turns it off. The release uses 0.01 absolute, about 0.2 in this unit.
        adversarial_steps: Passes m.
        accumulate_perturbation: As the released code does by mistake; for parity only.
        guard: Whether equal texts of a batch are no negatives of each other.
        val_fraction: Share of the roots whose pairs are held out for retrieval; 0 for none.
        patience: Epochs without better retrieval after which training stops; 0 for never. Needs
            held-out pairs.
        max_grad_norm: Clipping of the gradient norm; 0 for none.
        bf16: Whether to compute in bfloat16 where autocast allows.
        seed: Of order, split, views, perturbations and dropout.
    """

    epochs: int = 30
    batch_size: int = 256
    lr: float = 1e-3
    weight_decay: float = 1e-5
    warmup: float = 0.05
    schedule: str = "cosine"
    feature_p: float = 0.3
    edge_p: float = 0.2
    adversarial_eps: float = 0.0
    adversarial_steps: int = 3
    accumulate_perturbation: bool = False
    guard: bool = True
    val_fraction: float = 0.1
    patience: int = 0
    max_grad_norm: float = 0.0
    bf16: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "adversarial_steps"):
            check_int(getattr(self, name), name, minimum=1)
        for name in ("patience", "seed"):
            check_int(getattr(self, name), name, minimum=0)
        check_positive(self.lr, "lr")
        for name in ("weight_decay", "adversarial_eps", "max_grad_norm"):
            check_nonnegative(getattr(self, name), name)
        for name in ("warmup", "feature_p", "edge_p", "val_fraction"):
            check_fraction(getattr(self, name), name)
        check_choice(self.schedule, "schedule", ("cosine", "constant"))


@dataclass(frozen=True)
class PretrainResult:
    """What a pretraining did.

    Attributes:
        history: One row per epoch: ``epoch``, ``loss``, ``lr``, ``scale`` and, with validation,
            ``r1`` (retrieval at 1, the mean of both directions).
        best_epoch: Epoch whose weights the model has now.
        stopped_early: Whether patience ended the run.
    """

    history: list[Row] = field(default_factory=list)
    best_epoch: int = -1
    stopped_early: bool = False


def pretrain(
    model: GraphCLIP,
    pairs: GraphTextPairs,
    config: PretrainConfig | None = None,
    *,
    directory: str | os.PathLike[str] | None = None,
    resume: bool = True,
    callback: Callable[[Row], None] | None = None,
    progress: bool = False,
    writer: Any = None,
) -> PretrainResult:
    """Align the graph tower with the embeddings of the summaries; the model is changed in place.

    Texts are embedded once, beforehand (the release embeds them three times a step, with dropout
    on). With validation the model ends with the weights of the best held-out retrieval, which needs
    no label. Started by ``torchrun`` (``torch.distributed`` initialised), every process is given
    the same model and pairs and works on its part of each batch; the loss curve is that of one
    process with the same batch size. Views and perturbations depend on (seed, step, subgraph)
    alone.

    Args:
        model (GraphCLIP): On the device to compute on.
        pairs (GraphTextPairs): Training data.
        config (PretrainConfig, optional): Settings.
        directory (path, optional): Where the checkpoint of every epoch goes.
        resume (bool): Continue from a checkpoint found there, on the CPU bit for bit as if never
            interrupted.
        callback: Called with the row of every epoch on rank 0; may raise to interrupt.
        progress (bool): Show a bar on rank 0.
        writer: TensorBoard's ``SummaryWriter`` or anything with ``add_scalar``.

    Returns:
        PretrainResult: History and the epoch that was kept.

    Raises:
        ValueError: If pairs and model do not fit, there are too few pairs for one batch of two, the
            batch cannot be divided among the processes, all texts are equal, patience lacks
            held-out pairs, or the checkpoint has other settings or data.

    Complexity: a step costs ``adversarial_steps`` forward and backward passes, or one.
    """
    run = _Run(
        model, pairs, config or PretrainConfig(), None if directory is None else Path(directory)
    )
    if resume:
        run.restore()
    bar = _progress(run.epoch, run.config.epochs) if progress and rank() == 0 else None
    while run.epoch < run.config.epochs and not run.stopped:
        row = run.advance()
        if rank() == 0:
            for name, value in row.items():
                if writer is not None and name != "epoch":
                    writer.add_scalar(name, value, int(row["epoch"]))
            if callback is not None:
                callback(row)
        if bar is not None:
            bar.update()
            bar.set_postfix({k: f"{v:.3g}" for k, v in row.items() if k != "epoch"})
    if bar is not None:
        bar.close()
    return run.finish()


class _Run:
    """One pretraining: its model, optimizer and place."""

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
        check_patience(config.patience, self.held.numel())
        self.pe = pairs.encoding(model.graph_model.walk_length)
        self.eps = config.adversarial_eps * (feature_rms(pairs.x) if config.adversarial_eps else 0)
        self.weights = [p for p in model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(
            self.weights, lr=config.lr, weight_decay=config.weight_decay
        )
        self.epoch, self.stopped = 0, False
        self.history: list[Row] = []
        self.best: dict[str, Tensor] = {}
        self.best_epoch, self.best_r1 = -1, -1.0
        _broadcast(model)

    @cached_property
    def digest(self) -> str:
        """Name of the data; only checkpoints need it."""
        return digest_of(self.pairs)

    @property
    def settings(self) -> dict[str, Any]:
        """What must be equal for a resume; the number of epochs shapes the schedule."""
        data = {"pairs": len(self.pairs), "nodes": int(self.pairs.store.node.shape[0])}
        loss = {name: self.model.config[name] for name in ("loss", "max_scale")}
        tower = self.model.config["graph_model"]
        return {**asdict(self.config), **tower, **loss, **data, "data": self.digest}

    def advance(self) -> Row:
        """Train one epoch, validate, write the checkpoint."""
        batches = epoch_batches(self.train, self.batch_size, self.config.seed, self.epoch)
        self.model.train()
        total = 0.0
        for i, index in enumerate(batches):
            total += self._step(
                index, self.epoch * len(batches) + i, self.config.epochs * len(batches)
            )
        scale = float(self.model.criterion.logit_scale.detach().exp())
        row = {"epoch": float(self.epoch), "loss": total / len(batches), "scale": scale}
        row["lr"] = self.optimizer.param_groups[0]["lr"]
        if self.held.numel():
            row["r1"] = retrieval_at_1(self.model, self.pairs, self.held)
            self._keep_best(row["r1"])
        self.history.append(row)
        self.epoch += 1
        waited = self.epoch - 1 - self.best_epoch
        self.stopped = (
            bool(self.config.patience) and bool(self.best) and waited >= self.config.patience
        )
        if self.directory is not None and rank() == 0:
            self._save(self.directory / CHECKPOINT)
        return row

    def _step(self, index: Tensor, step: int, total: int) -> float:
        config = self.config
        if config.schedule == "cosine":
            rate = learning_rate(step, total, round(config.warmup * total), config.lr)
            self.optimizer.param_groups[0]["lr"] = rate
        share = self.batch_size // world_size()
        own = index[rank() * share : (rank() + 1) * share]
        self.optimizer.zero_grad(set_to_none=True)
        seed = derive_seed(config.seed, 3, step, rank())
        with seeded(seed, self.model.device):  # of dropout, which knows no generator
            loss = self._backward(own, step)
        self._average_gradients()
        if config.max_grad_norm:
            torch.nn.utils.clip_grad_norm_(self.weights, config.max_grad_norm)
        self.optimizer.step()
        self.model.criterion.clamp_()
        value = torch.tensor(loss, dtype=torch.float64, device=self.model.device)
        return float(all_reduce_sum(value)) / world_size()

    def _backward(self, own: Tensor, step: int) -> float:
        """Gradients of the loss of this rank's pairs; returns the loss (of the last pass)."""
        config, device = self.config, self.model.device
        dtype = self.model.criterion.logit_scale.dtype
        batch = self.pairs.store.batch(own)
        x = self.pairs.x[batch.node].to(device, dtype)
        edge_index, member = batch.edge_index.to(device), batch.batch.to(device)
        names = batch.subgraph.to(device)
        x, edge_index = augment_subgraphs(
            x, edge_index, member, own.numel(),
            feature_p=config.feature_p, edge_p=config.edge_p,
            seed=config.seed, step=step, index=names,
        )  # fmt: skip
        rest = (
            self.pe[batch.node_row].to(device, dtype),
            edge_index,
            member,
            batch.root_index.to(device),
        )
        text = self.pairs.text[own].to(device, dtype)
        text_id = self.pairs.text_id[own].to(device) if config.guard else None

        def closure(features: Tensor) -> Tensor:
            with torch.autocast(device.type, torch.bfloat16, enabled=config.bf16):
                embedding = self.model(features, *rest)
            value: Tensor = self.model.criterion(embedding, text, text_id)
            return value

        if self.eps == 0:
            loss = closure(x)
            loss.backward()
            return float(loss.detach())
        clean = [x]
        del x
        losses = adversarial_backward(
            closure,
            clean.pop(),  # handed over: during the passes nothing else holds them
            eps=self.eps,
            steps=config.adversarial_steps,
            delta=self._start(names, member, step),
            accumulate_perturbation=config.accumulate_perturbation,
        )
        return losses[-1]

    def _start(self, names: Tensor, member: Tensor, step: int) -> Tensor:
        """Random perturbation that the ascent starts from."""
        place = _noise.names(names, member, torch.bincount(member, minlength=names.numel()))
        width = self.pairs.x.size(1)
        delta = _noise.uniform(place, width, self.config.seed, step, _noise.PERTURBATION)
        return delta.to(self.model.criterion.logit_scale.dtype).mul_(self.eps)

    def _average_gradients(self) -> None:
        """One message per step, whatever the number of inner passes."""
        if not is_distributed():
            return
        grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in self.weights]
        flat = all_reduce_sum(torch.cat([g.flatten() for g in grads])) / world_size()
        parts = flat.split([g.numel() for g in grads])
        for weight, part in zip(self.weights, parts, strict=True):
            weight.grad = part.view_as(weight).clone()

    def _keep_best(self, r1: float) -> None:
        if r1 > self.best_r1:
            self.best_r1, self.best_epoch = r1, self.epoch
            self.best = {k: v.detach().clone() for k, v in self.model.state_dict().items()}

    def _save(self, path: Path) -> None:
        sweep_stale(path.parent)
        record = {
            "settings": self.settings,
            "epoch": self.epoch,
            "history": self.history,
            "best_epoch": self.best_epoch,
            "best_r1": self.best_r1,
            "stopped": self.stopped,
        }
        save_checkpoint(path, self.model.state_dict(), self.optimizer, self.best, record)

    def restore(self) -> None:
        """Continue from the checkpoint, if there is one."""
        if self.directory is None or not (self.directory / CHECKPOINT).exists():
            return
        weights, self.best, record = load_checkpoint(
            self.directory / CHECKPOINT, self.optimizer, self.settings
        )
        self.model.load_state_dict(weights)
        self.epoch, self.history = record["epoch"], record["history"]
        self.best_epoch, self.best_r1 = record["best_epoch"], record["best_r1"]
        self.stopped = record["stopped"]

    def finish(self) -> PretrainResult:
        """Give the model the weights to keep."""
        if self.best:
            self.model.load_state_dict(self.best)
        self.model.eval()
        kept = self.best_epoch if self.best else self.epoch - 1
        return PretrainResult(self.history, kept, self.stopped)


def retrieval_at_1(model: GraphCLIP, pairs: GraphTextPairs, index: Tensor) -> float:
    """Share of held-out pairs whose own text is the nearest of all, and the other way round.

    A text equal to the own one counts as found.

    Args:
        model (GraphCLIP): The tower.
        pairs (GraphTextPairs): The data.
        index (Tensor): Held-out pairs, ``(P,)``.

    Returns:
        float: Mean of both directions, in [0, 1].
    """
    pe = pairs.encoding(model.graph_model.walk_length)
    graph = torch.nn.functional.normalize(model.encode(pairs.x, pairs.store, index, pe=pe))
    text = torch.nn.functional.normalize(pairs.text[index].float().cpu())
    identity, found = pairs.text_id[index], []
    for rows, columns in ((graph, text), (text, graph)):
        nearest = torch.cat([(part @ columns.t()).argmax(1) for part in rows.split(1024)])
        found.append(float((identity[nearest] == identity).double().mean()))
    return sum(found) / 2


def _broadcast(model: GraphCLIP) -> None:
    """Every process starts with the weights of rank 0."""
    if not is_distributed():
        return
    for tensor in [*model.parameters(), *model.buffers()]:
        torch.distributed.broadcast(tensor.detach(), 0)


def _progress(start: int, total: int) -> Any:
    from tqdm import tqdm

    return tqdm(initial=start, total=total, desc="pretrain", unit="epoch", disable=None)
