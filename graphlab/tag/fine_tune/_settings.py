"""Settings of a fine-tuning, checked once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from graphlab._checks import (
    check_choice,
    check_fraction,
    check_int,
    check_nonnegative,
    check_positive,
)

__all__: list[str] = []


@dataclass(frozen=True)
class FineTuneSettings:
    """See :func:`graphlab.tag.fine_tune_text_encoder`, whose arguments these are."""

    model: str
    num_classes: int
    pooling: str
    lora: Mapping[str, Any] | None
    shrink: int | None
    hidden_dropout: float | None
    attention_dropout: float | None
    head_dropout: float
    max_length: int
    epochs: int
    batch_size: int
    micro_batch_size: int | None
    lr: float
    head_lr: float
    weight_decay: float
    warmup_epochs: float
    label_smoothing: float
    max_grad_norm: float
    patience: int
    bf16: bool
    seed: int

    def __post_init__(self) -> None:
        check_int(self.num_classes, "num_classes", minimum=2)
        check_choice(self.pooling, "pooling", ("cls", "mean"))
        for name in ("max_length", "epochs", "batch_size"):
            check_int(getattr(self, name), name, minimum=1)
        for name in ("shrink", "micro_batch_size"):
            if getattr(self, name) is not None:
                check_int(getattr(self, name), name, minimum=1)
        for name in ("patience", "seed"):
            check_int(getattr(self, name), name, minimum=0)
        for name in ("lr", "head_lr"):
            check_positive(getattr(self, name), name)
        for name in ("weight_decay", "warmup_epochs", "max_grad_norm"):
            check_nonnegative(getattr(self, name), name)
        for name in ("hidden_dropout", "attention_dropout"):
            if getattr(self, name) is not None:
                check_fraction(getattr(self, name), name)
        check_fraction(self.head_dropout, "head_dropout")
        check_fraction(self.label_smoothing, "label_smoothing")

    def steps_per_epoch(self, count: int) -> int:
        """Steps of the optimizer over ``count`` texts."""
        return -(-count // self.batch_size)

    def rate(self, step: int, steps_per_epoch: int) -> float:
        """Share of the peak learning rate at a step: linear up, then linear down to zero."""
        total = self.epochs * steps_per_epoch
        warmup = min(round(self.warmup_epochs * steps_per_epoch), total)
        if step < warmup:
            return (step + 1) / warmup
        return (total - step) / max(1, total - warmup)

    def record(self) -> dict[str, Any]:
        """Everything as JSON values."""
        return asdict(self)


def lora_fields(lora: int | Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Fields of peft's ``LoraConfig``.

    Raises:
        TypeError, ValueError: If it is neither a rank, nor fields with one.
    """
    if lora is None:
        return None
    if not isinstance(lora, Mapping):
        rank = check_int(lora, "lora", minimum=1)
        return {"r": rank, "lora_alpha": 2 * rank}
    fields = {str(key): value for key, value in lora.items()}
    check_int(fields.get("r", 8), "lora['r']", minimum=1)
    try:  # they are written into checkpoints
        json.dumps(fields, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise TypeError(f"lora must hold numbers, texts and lists: {error}") from error
    return fields
