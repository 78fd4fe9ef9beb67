"""Settings of a pretraining."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from graphlab._checks import (
    check_choice,
    check_fraction,
    check_int,
    check_nonnegative,
    check_positive,
)
from graphlab._repr import short_repr

__all__ = ["PretrainConfig"]

Selection = Literal["loss", "mrr", "r1", "last"]


@short_repr
@dataclass(frozen=True)
class PretrainConfig:
    """Settings of :func:`pretrain`; the defaults suit small towers, not the published run.

    Attributes:
        epochs (int): Passes over the training pairs.
        batch_size (int): Pairs of all processes together in one step.
        lr (float): Peak of the learning rate (AdamW).
        weight_decay (float): Of AdamW.
        warmup (float): Fraction of the steps with a rising rate; a cosine follows.
        schedule (str): ``"cosine"`` or ``"constant"`` (the release has no schedule).
        feature_p (float): Probability to zero a feature column of a subgraph.
        edge_p (float): Probability to drop a directed edge.
        adversarial_eps (float): Step of the perturbation in units of the root mean square of the
            features; 0 turns it off. The release uses 0.01 absolute, about 0.2 in this unit.
        adversarial_steps (int): Passes m.
        accumulate_perturbation (bool): As the released code does by mistake; for parity only.
        guard (bool): Take equal texts of a batch for no negatives of each other.
        val_fraction (float): Share of the roots whose pairs are held out for retrieval; 0 for none.
        selection (str): Epoch to keep: that of the smallest held-out loss (``"loss"``), of the
            largest mean reciprocal rank (``"mrr"``) or share of hits (``"r1"``), or the ``"last"``,
            which stays without held-out pairs as well. See :func:`retrieval_scores`.
        patience (int): Epochs without a better one after which training stops; 0 for never. Needs
            held-out pairs, and a selection among epochs.
        max_grad_norm (float): Clipping of the gradient norm; 0 for none.
        micro_batch (int): Pairs of a process that go through the tower at a time; 0 for all. The
            memory is that of so many pairs, the loss that of the whole batch, and a step costs one
            pass more (gradients are cached at the embeddings). With ``norm="layer"`` and without
            dropout the gradient is that of the whole batch too; batch norm would see the parts.
        bf16 (bool): Compute in bfloat16 where autocast allows.
        seed (int): Of order, split, views, perturbations and dropout.
    """

    epochs: int = 30
    batch_size: int = 256
    lr: float = 1e-3
    weight_decay: float = 1e-5
    warmup: float = 0.05
    schedule: Literal["cosine", "constant"] = "cosine"
    feature_p: float = 0.3
    edge_p: float = 0.2
    adversarial_eps: float = 0.0
    adversarial_steps: int = 3
    accumulate_perturbation: bool = False
    guard: bool = True
    val_fraction: float = 0.1
    selection: Selection = "loss"
    patience: int = 0
    max_grad_norm: float = 0.0
    micro_batch: int = 0
    bf16: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "adversarial_steps"):
            check_int(getattr(self, name), name, minimum=1)
        for name in ("patience", "seed", "micro_batch"):
            check_int(getattr(self, name), name, minimum=0)
        check_positive(self.lr, "lr")
        for name in ("weight_decay", "adversarial_eps", "max_grad_norm"):
            check_nonnegative(getattr(self, name), name)
        for name in ("warmup", "feature_p", "edge_p", "val_fraction"):
            check_fraction(getattr(self, name), name)
        check_choice(self.schedule, "schedule", ("cosine", "constant"))
        check_choice(self.selection, "selection", get_args(Selection))
