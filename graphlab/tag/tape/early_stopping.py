"""When to stop training, and which epoch to keep."""

from __future__ import annotations

from graphlab._checks import check_int

__all__ = ["EarlyStopping"]


class EarlyStopping:
    """Follow a validation score; stop when it has not been reached again for ``patience`` epochs.

    An equal score counts as an improvement, so of several best epochs the latest is kept. Whether
    training is stopped or runs to its end, the epoch to go back to is ``best_epoch``.

    Args:
        patience: Epochs in a row below the best before it stops.

    Attributes:
        best: Best score so far; None before the first.
        best_epoch: Number of its epoch, from 0; -1 before the first.
        stopped: Whether training should stop.

    Raises:
        TypeError, ValueError: If ``patience`` is no positive int.

    Example:
        >>> stopper = EarlyStopping(patience=2)
        >>> [stopper.step(score) for score in (0.5, 0.5, 0.4, 0.3)], stopper.stopped
        ([True, True, False, False], True)
    """

    def __init__(self, patience: int) -> None:
        self.patience = check_int(patience, "patience", minimum=1)
        self.best: float | None = None
        self.best_epoch = -1
        self.stopped = False
        self._epoch = -1
        self._worse = 0

    def step(self, score: float) -> bool:
        """Take the score of the next epoch, larger being better.

        Returns:
            bool: Whether this epoch is the one to keep.

        Raises:
            ValueError: If the score is NaN.
        """
        value = float(score)
        if value != value:
            raise ValueError("score must be a number, got nan")
        self._epoch += 1
        if self.best is None or value >= self.best:
            self.best, self.best_epoch, self._worse = value, self._epoch, 0
            return True
        self._worse += 1
        self.stopped = self.stopped or self._worse >= self.patience
        return False
