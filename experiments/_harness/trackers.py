"""Where the curves of a run go besides its own ``metrics.jsonl``: TensorBoard, or W&B."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

Tracker = Literal["none", "tensorboard", "wandb"]

_PROJECT = "graphlab"


class WandbWriter:
    """A run of W&B with the method of TensorBoard's writer, which scripts and the library call.

    Args:
        run (wandb.Run): The run.
    """

    def __init__(self, run: Any) -> None:
        self.run = run
        # A script may have several loops that each count from zero: its own count is the axis.
        run.define_metric("step")
        run.define_metric("*", step_metric="step")

    def add_scalar(self, name: str, value: float, step: int) -> None:
        """Log one number.

        Args:
            name (str): Name of the curve.
            value (float): The number.
            step (int): Step of the script.
        """
        self.run.log({name: value, "step": step})


@contextmanager
def tracking(
    tracker: Tracker, directory: Path, name: str, config: Mapping[str, Any]
) -> Iterator[Any]:
    """A writer with ``add_scalar`` for one seed, closed at the end; None for ``"none"``.

    Args:
        tracker (str): ``"tensorboard"`` writes events to the folder, ``"wandb"`` logs to the
            project ``graphlab`` of W&B (``WANDB_PROJECT`` names another; with
            ``WANDB_MODE=offline`` it writes to the folder alone, and ``wandb sync`` uploads it).
        directory (Path): Folder of the seed.
        name (str): Name of the run.
        config (Mapping): Its settings.

    Raises:
        ImportError: If the package is missing.
    """
    if tracker == "none":
        yield None
    elif tracker == "tensorboard":
        writer = _summary_writer()(str(directory))
        try:
            yield writer
        finally:
            writer.close()
    else:
        run = _wandb().init(
            project=os.environ.get("WANDB_PROJECT", _PROJECT),
            name=name,
            dir=str(directory),
            config=dict(config),
            reinit=True,  # seeds follow each other in one process
        )
        failed = True
        try:
            yield WandbWriter(run)
            failed = False
        finally:
            run.finish(exit_code=int(failed))


def _summary_writer() -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ImportError("--tracker tensorboard needs: pip install graphlab[trackers]") from error
    return SummaryWriter


def _wandb() -> Any:
    try:
        import wandb  # type: ignore[import-not-found,unused-ignore]
    except ImportError as error:
        raise ImportError("--tracker wandb needs: pip install graphlab[trackers]") from error
    return wandb
