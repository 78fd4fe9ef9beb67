"""Result of a fine-tuning: features, logits, and the model for more texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from graphlab._checks import check_text
from graphlab._repr import short_repr
from graphlab.tag._models import fingerprint
from graphlab.tag._texts import as_list
from graphlab.tag.fine_tune._model import TextClassifier
from graphlab.tag.fine_tune._outputs import outputs
from graphlab.tag.fine_tune._plan import Plan
from graphlab.tag.fine_tune._tokens import TokenTable

__all__ = ["TextFeatures", "TunedTextEncoder"]


class TunedTextEncoder:
    """A fine-tuned model as a function from texts to rows, for :class:`TextEncoder`.

    ``TextEncoder(tuned, normalize=False).encode_to(texts, folder)`` embeds more texts than memory
    holds. :func:`fine_tune_text_encoder` makes it.

    Args:
        model (TextClassifier): Backbone and head.
        tokenizer (PreTrainedTokenizerBase): Its tokenizer.
        plan (Plan): Settings of its training.

    Raises:
        TypeError: If an argument is malformed.
    """

    def __init__(self, model: TextClassifier, tokenizer: Any, plan: Plan) -> None:
        for name, value, kind in (("model", model, TextClassifier), ("plan", plan, Plan)):
            if not isinstance(value, kind):
                raise TypeError(f"{name} must be a {kind.__name__}, got {type(value).__name__}")
        if not callable(tokenizer):
            raise TypeError(f"tokenizer must be callable, got {type(tokenizer).__name__}")
        self.model = model
        self._tokenizer, self._plan = tokenizer, plan
        self.dim = model.classifier.in_features

    @property
    def identity(self) -> str:
        """Name of this function of texts, for caches: all weights and options."""
        config = self._plan.config
        options = f"{config.pooling}-{config.max_length}-{self._plan.bf16}"
        return f"tuned-{options}-{fingerprint(self.model)}"

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Embed texts.

        Args:
            texts (Sequence[str]): Any texts with at least one token.

        Returns:
            numpy.ndarray: ``(N, dim)`` float32, not normalised.

        Raises:
            TypeError, ValueError: If they are no list of texts, or one has no tokens.
        """
        texts = [check_text(text, "texts") for text in as_list(texts, "texts")]
        if not len(texts):
            return np.empty((0, self.dim), np.float32)
        plan = self._plan
        tokens = TokenTable(texts, self._tokenizer, plan.config.max_length)
        every = np.arange(len(texts))
        features, _ = outputs(self.model, tokens, every, plan.device, plan.bf16)
        return np.asarray(features.numpy())

    def __repr__(self) -> str:
        return f"TunedTextEncoder({self._plan.model!r}, dim={self.dim})"


@short_repr
@dataclass(frozen=True)
class TextFeatures:
    """Features and logits of all texts, and the course of the training.

    Attributes:
        features (Tensor): ``(N, dim)`` float32, finite, no zero row, not all equal.
        logits (Tensor): ``(N, C)`` float32.
        history (list[dict]): A row per epoch of every fold: ``fold``, ``epoch``, ``loss``
            (smoothed, with dropout), ``val_loss``, ``val_accuracy``.
        selected_epochs (tuple[int]): Epoch that was kept, for every fold (one without folds).
        fold (Tensor): ``(N,)`` int64, the fold whose model did not see the label; -1 outside the
            training set, and everywhere without folds.
        encoder (TunedTextEncoder, optional): Fine-tuned model for more texts; None with folds.
    """

    features: Tensor
    logits: Tensor
    history: list[dict[str, float]]
    selected_epochs: tuple[int, ...]
    fold: Tensor
    encoder: TunedTextEncoder | None
