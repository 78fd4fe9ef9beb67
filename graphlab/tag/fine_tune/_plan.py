"""Settings of a fine-tuning with nothing left open."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from typing import Any

import torch

from graphlab._checks import check_int
from graphlab._training import warmup_linear
from graphlab.tag.fine_tune.config import FineTuneConfig, lora_fields

__all__: list[str] = []

_LR, _LORA_LR = 2e-5, 1e-3  # adapters start from zero and bear a higher rate


@dataclass(frozen=True)
class Plan:
    """A config whose defaults that depend on others, on the data or on the device are decided.

    Attributes:
        config (FineTuneConfig): The settings as given.
        num_classes (int): Number of classes.
        device (torch.device): Device to compute on.
    """

    config: FineTuneConfig
    num_classes: int
    device: torch.device

    def __post_init__(self) -> None:
        check_int(self.num_classes, "num_classes", minimum=2)

    @property
    def model(self) -> str:
        """Directory or name of the language model."""
        return os.fspath(self.config.model)

    @property
    def lora(self) -> dict[str, Any] | None:
        """Fields of peft's ``LoraConfig``."""
        return lora_fields(self.config.lora)

    @property
    def lr(self) -> float:
        """Peak learning rate of the language model."""
        if self.config.lr is not None:
            return self.config.lr
        return _LR if self.config.lora is None else _LORA_LR

    @property
    def head_lr(self) -> float:
        """Peak learning rate of the new layers."""
        return self.lr if self.config.head_lr is None else self.config.head_lr

    @property
    def bf16(self) -> bool:
        """Whether to compute in bfloat16."""
        if self.config.bf16 is None:
            return self.device.type == "cuda" and torch.cuda.is_bf16_supported()
        return bool(self.config.bf16)

    def steps_per_epoch(self, count: int) -> int:
        """Steps of the optimizer over ``count`` texts."""
        return -(-count // self.config.batch_size)

    def rate(self, step: int, steps_per_epoch: int) -> float:
        """Fraction of the peak learning rate at a step: linear up, then linear down to zero."""
        total = self.config.epochs * steps_per_epoch
        warmup = min(round(self.config.warmup_epochs * steps_per_epoch), total)
        # The first step has a rate, too: at zero it would change nothing.
        return warmup_linear(step, 1.0, warmup, total, first=1)

    def record(self) -> dict[str, Any]:
        """Everything that determines the result, as JSON values."""
        given = {field.name: getattr(self.config, field.name) for field in fields(self.config)}
        decided = ("model", "lora", "lr", "head_lr", "bf16", "num_classes")
        return given | {name: getattr(self, name) for name in decided}
