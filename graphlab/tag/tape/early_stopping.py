"""Early stopping by a validation score, and the weights of the epoch to keep."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from graphlab._checks import check_int
from graphlab._repr import short_repr
from graphlab._training import BestWeights

__all__ = ["EarlyStopping"]


@short_repr
class EarlyStopping:
    """Follow a validation score; stop when it has not been reached again for ``patience`` epochs.

    An equal score counts as an improvement, so of several best epochs the latest is kept. Whether
    training is stopped or runs to its end, the epoch to go back to is ``best_epoch``.

    Args:
        patience (int): Epochs in a row below the best before it stops.

    Attributes:
        best (float or None): Best score so far; None before the first.
        best_epoch (int): Number of its epoch, from 0; -1 before the first.
        weights (dict[str, Tensor]): Copies of its weights, where :meth:`step` was given them.
        stopped (bool): True once training should stop.

    Raises:
        TypeError, ValueError: If ``patience`` is no positive int.

    Example:
        >>> stopper = EarlyStopping(patience=2)
        >>> [stopper.step(score) for score in (0.5, 0.5, 0.4, 0.3)], stopper.stopped
        ([True, True, False, False], True)
    """

    def __init__(self, patience: int) -> None:
        self.patience = check_int(patience, "patience", minimum=1)
        self.stopped = False
        self._kept = BestWeights(latest=True)
        self._epoch = -1

    @property
    def best(self) -> float | None:
        """Best score so far."""
        return None if self._kept.score is None else float(self._kept.score)

    @property
    def best_epoch(self) -> int:
        """Epoch of the best score."""
        return self._kept.epoch

    @property
    def weights(self) -> dict[str, Tensor]:
        """Weights of the best epoch."""
        return self._kept.weights

    def step(self, score: float, weights: Mapping[str, Tensor] | None = None) -> bool:
        """Take the score of the next epoch, larger being better.

        Args:
            score (float): Validation score.
            weights (Mapping[str, Tensor], optional): Weights to copy if this epoch is the one to
                keep, such as a ``state_dict()``.

        Returns:
            bool: True if this epoch is the one to keep.

        Raises:
            ValueError: If the score is NaN.
        """
        value = float(score)
        if value != value:
            raise ValueError("score must be a number, got nan")
        self._epoch += 1
        kept = self._kept.update(value, self._epoch, weights or {})
        self.stopped = self.stopped or self._kept.waited(self._epoch) >= self.patience
        return kept
