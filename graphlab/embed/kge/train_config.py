"""Settings of the training of a knowledge-graph embedding."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, TypeAlias

from graphlab._checks import (
    check_choice,
    check_fraction,
    check_int,
    check_nonnegative,
    check_positive,
)
from graphlab._repr import short_repr
from graphlab.embed.kge.losses import LossKind
from graphlab.embed.kge.objective import LOSSES

__all__ = ["KGETrainConfig"]

Optimizer: TypeAlias = Literal["adam", "adagrad"]


@short_repr
@dataclass(frozen=True)
class KGETrainConfig:
    """Objective, optimiser and length of the training of :class:`KGEmbedding`.

    Attributes:
        loss (str): Kind of the loss, see :meth:`KGEmbedding.loss`.
        epochs (int): Passes over the triples (their reverses too), or over the distinct queries for
            ``loss="bce_all"``.
        batch_size (int): Triples, or queries, of a step, over all processes.
        lr (float): Learning rate.
        decay (float): Factor of the learning rate after each epoch.
        optimizer (str): ``"adam"`` or ``"adagrad"``.
        weight_decay (float): Of the optimiser, on all weights at every step.
        n3 (float): Weight of the nuclear 3-norm of the factors in a batch.
        smoothing (float): Share of the label that is spread over all entities, in [0, 1].
        num_negatives (int): Drawn entities of a triple, for ``"sampled"``.
        exclude_known (bool): For ``"softmax"``: other true tails of training are no negatives.
        valid_every (int): Epochs from one validation to the next; the last one always is one.
        patience (int, optional): Ends after so many epochs without a better validation.

    Raises:
        TypeError, ValueError: If a value is malformed, or does not go with another one.

    Example:
        >>> KGETrainConfig("bce", epochs=20, lr=0.1)
        KGETrainConfig(loss='bce', epochs=20, lr=0.1)
    """

    loss: LossKind = "softmax"
    epochs: int = 100
    batch_size: int = 512
    lr: float = 5e-3
    decay: float = 0.97
    optimizer: Optimizer = "adam"
    weight_decay: float = 0.0
    n3: float = 0.0
    smoothing: float = 0.0
    num_negatives: int = 64
    exclude_known: bool = False
    valid_every: int = 1
    patience: int | None = None

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "num_negatives", "valid_every"):
            check_int(getattr(self, name), name, minimum=1)
        for name in ("lr", "decay"):
            check_positive(getattr(self, name), name)
        for name in ("weight_decay", "n3"):
            check_nonnegative(getattr(self, name), name)
        check_fraction(self.smoothing, "smoothing")
        check_choice(self.loss, "loss", LOSSES)
        check_choice(self.optimizer, "optimizer", ("adam", "adagrad"))
        if self.patience is not None:
            check_int(self.patience, "patience", minimum=1)
        if self.exclude_known and self.loss != "softmax":
            raise ValueError(
                f"exclude_known belongs to loss='softmax', got loss={self.loss!r}: 'bce_all' takes "
                "all known tails as positive"
            )
        if self.smoothing and self.loss == "sampled":
            raise ValueError(
                f"smoothing belongs to a loss over all entities, got smoothing={self.smoothing} "
                "with loss='sampled'"
            )


def check_use(config: KGETrainConfig, *, valid: bool, sparse: bool) -> None:
    """Require what the model and the data of a fit must bring along.

    Args:
        config (KGETrainConfig): Settings.
        valid (bool): Whether there are triples of validation.
        sparse (bool): Whether gradients of the tables are sparse.

    Raises:
        ValueError: If the settings do not go with them.
    """
    if config.patience is not None and not valid:
        raise ValueError("patience needs valid: without validation there is no best epoch")
    if sparse and (config.loss != "sampled" or config.weight_decay):
        raise ValueError(
            "sparse=True needs loss='sampled' and weight_decay=0, got "
            f"loss={config.loss!r} and weight_decay={config.weight_decay}: every other loss has a "
            "gradient in all rows"
        )


def as_json(config: KGETrainConfig | None) -> dict[str, Any] | None:
    """Fields of a configuration, or None."""
    return None if config is None else asdict(config)


def from_json(record: dict[str, Any] | None) -> KGETrainConfig | None:
    """A configuration of its fields.

    Raises:
        ValueError: If there are others: a newer version has written them.
    """
    if record is None:
        return None
    unknown = sorted(set(record) - {field.name for field in fields(KGETrainConfig)})
    if unknown:
        raise ValueError(f"train_config has unknown fields {unknown}: saved by a newer version?")
    return KGETrainConfig(**record)
