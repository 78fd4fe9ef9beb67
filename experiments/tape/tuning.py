"""The member FT: texts by a language model that was fine-tuned on the training labels."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphlab.tag import FineTuneConfig, fine_tune_text_encoder

from .._harness.context import Context
from .presets import Config


def tune(
    model: str, config: Config, context: Context, data: Any, split: dict[str, Tensor]
) -> Tensor:
    """Set ``data.FT``, and return the language model's own logits, ``(N, C)``.

    Rows of training nodes come from a model that has not seen their labels (out of fold), those of
    all others are the mean over the models. A killed run goes on after its last epoch.
    """
    masks = {}
    for part in ("train", "val"):
        masks[part] = torch.zeros(len(data.text), dtype=torch.bool)
        masks[part][split[part]] = True
    tuned = fine_tune_text_encoder(
        data.text,
        data.y,
        masks["train"],
        masks["val"],
        FineTuneConfig(
            model,
            lora=config.lora,
            pooling=config.pooling,
            out_of_fold=config.folds,
            max_length=config.tuned_tokens,
            epochs=config.tuned_epochs,
            seed=context.seed,
        ),
        num_classes=len(data.label_names),
        device=context.device,
        directory=context.directory / "tuned",
    )
    data.FT = tuned.features
    context.table("tuning", tuned.history)
    return tuned.logits
