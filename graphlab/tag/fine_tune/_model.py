"""A language model with a linear head, and its loading."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from graphlab._random import seeded
from graphlab.tag._hub import hub_options
from graphlab.tag._models import HUB, model_source
from graphlab.tag._optional import optional
from graphlab.tag.fine_tune._plan import Plan

__all__: list[str] = []

# Names of the dropouts in the architectures; a name that a model does not know changes nothing.
_HIDDEN = ("hidden_dropout_prob", "dropout", "hidden_dropout", "resid_pdrop", "dropout_rate",
           "mlp_dropout")  # fmt: skip
_ATTENTION = ("attention_probs_dropout_prob", "attention_dropout", "attn_pdrop")


class TextClassifier(nn.Module):
    """Backbone, pooling, maybe a narrower layer, and a linear head.

    Args:
        backbone (nn.Module): Gives ``last_hidden_state`` (B, T, H) for ``input_ids`` and
            ``attention_mask``.
        hidden (int): H.
        num_classes (int): Number of classes.
        pooling (str): ``"cls"`` (the first token) or ``"mean"`` (over all tokens of the text).
        shrink (int, optional): Width of the features; None keeps H.
        dropout (float): Dropout of the features before the head.
    """

    def __init__(
        self,
        backbone: nn.Module,
        hidden: int,
        num_classes: int,
        pooling: str = "cls",
        shrink: int | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.pooling = pooling
        self.shrink = nn.Identity() if shrink is None else nn.Linear(hidden, shrink)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(hidden if shrink is None else shrink, num_classes)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, D) and logits (B, C)."""
        output = self.backbone(input_ids=input_ids, attention_mask=attention_mask)
        states: Tensor = output.last_hidden_state
        if self.pooling == "cls":
            pooled = states[:, 0]
        else:
            weight = attention_mask.to(states.dtype).unsqueeze(-1)
            pooled = (states * weight).sum(1) / weight.sum(1)
        features = self.shrink(pooled)
        return features, self.classifier(self.dropout(features))

    def tuned(self) -> dict[str, Tensor]:
        """Weights that training changes; with LoRA a small part of all."""
        return {name: p.detach() for name, p in self.named_parameters() if p.requires_grad}

    @torch.no_grad()
    def set_tuned(self, weights: Mapping[str, Tensor]) -> None:
        """Replace what :meth:`tuned` gives.

        Raises:
            ValueError: If names or shapes differ.
        """
        own = self.tuned()
        if {k: v.shape for k, v in own.items()} != {k: v.shape for k, v in weights.items()}:
            raise ValueError("weights must be those of a model of the same architecture")
        for name, value in own.items():
            value.copy_(weights[name])


def build_model(plan: Plan, seed: int, longest: int = 1) -> TextClassifier:
    """Language model with a new head.

    The language model is wrapped, not subclassed, so the head depends on ``seed`` alone and on no
    convention of the library.

    Raises:
        ImportError: If transformers, or peft for LoRA, is missing.
        OSError: If the model cannot be found.
        ValueError: If it has no dropout of the kind that was asked for, or no position for the last
            token of the longest text.
    """
    transformers = optional("transformers", "fine_tune_text_encoder")
    config = plan.config
    source, origin = model_source(plan.model)
    options = hub_options() if origin == HUB else {}
    with seeded(seed, torch.device("cpu")):
        try:
            architecture = transformers.AutoConfig.from_pretrained(source, **options)
            # Before the model exists: a change afterwards has no effect.
            _set_dropout(architecture, _HIDDEN, config.hidden_dropout, "hidden_dropout")
            _set_dropout(architecture, _ATTENTION, config.attention_dropout, "attention_dropout")
            # Before weights are fetched; the model itself may hold fewer.
            _check_length(getattr(architecture, "max_position_embeddings", None), longest)
            backbone = transformers.AutoModel.from_pretrained(
                source, config=architecture, **options
            ).float()
        except OSError as error:
            raise OSError(_not_found(plan.model, origin, error)) from error
        _check_length(_positions(backbone), longest)
        backbone.requires_grad_(True)
        if plan.lora is not None:
            backbone = _with_adapters(backbone, plan.lora)
        model = TextClassifier(
            backbone,
            int(architecture.hidden_size),
            plan.num_classes,
            config.pooling,
            config.shrink,
            config.head_dropout,
        )
    return model.to(plan.device)


def _with_adapters(backbone: nn.Module, fields: Mapping[str, Any]) -> Any:
    peft = optional("peft", "lora")
    with warnings.catch_warnings():
        # peft asks newer versions of transformers for an attribute by its former name.
        warnings.simplefilter("ignore", FutureWarning)
        return peft.get_peft_model(backbone, peft.LoraConfig(**fields))


def load_tokenizer(name: str) -> Any:
    """Tokenizer of a model.

    Raises:
        OSError: If it cannot be found.
    """
    transformers = optional("transformers", "fine_tune_text_encoder")
    source, origin = model_source(name)
    options = hub_options() if origin == HUB else {}
    try:
        return transformers.AutoTokenizer.from_pretrained(source, **options)
    except (OSError, ValueError) as error:
        raise OSError(_not_found(name, origin, error)) from error


def _not_found(name: str, origin: str, error: Exception) -> str:
    offline = os.environ.get("HF_HUB_OFFLINE", "")
    return (
        f"the model {name!r} could not be loaded from {origin} "
        f"(HF_HUB_OFFLINE={offline!r}): {error}"
    )


def _positions(backbone: nn.Module) -> int | None:
    """Tokens that a model has positions for, without those in front of the first one."""
    for name, layer in backbone.named_modules():
        # RoBERTa and its kin count positions from behind the one of padding on.
        if name.endswith("position_embeddings") and getattr(layer, "padding_idx", None) is not None:
            return int(layer.num_embeddings - layer.padding_idx - 1)
    return getattr(backbone.config, "max_position_embeddings", None)


def _check_length(positions: int | None, longest: int) -> None:
    if positions is not None and 0 < positions < longest:
        raise ValueError(
            f"max_length must be at most {positions}, the positions of this model, as a text has "
            f"{longest} tokens"
        )


def _set_dropout(config: Any, names: tuple[str, ...], value: float | None, argument: str) -> None:
    if value is None:
        return
    known = [name for name in names if hasattr(config, name)]
    if not known:
        raise ValueError(f"{argument} must be None: {config.model_type} has none of {names}")
    for name in known:
        setattr(config, name, value)
