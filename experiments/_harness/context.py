"""The surroundings of a run beside its configuration: seed, device, log, checkpoint, files."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from graphlab._io import (
    atomic_path,
    load_arrays,
    save_arrays,
    sweep_stale,
    write_json,
)
from graphlab._naming_errors import naming_errors
from graphlab._progress import track

from .results import Rows
from .state import (
    flatten_state,
    random_state,
    set_random_state,
    unflatten_state,
)

T = TypeVar("T")

CHECKPOINT = "checkpoint.safetensors"
METRICS = "metrics.jsonl"
ARTIFACTS = "artifacts"


@dataclass(frozen=True)
class Checkpoint:
    """A restored point of a run.

    Attributes:
        step (int): Last finished step; a loop continues at ``step + 1``.
        tensors (dict[str, Any]): The nested tensors given to :meth:`Context.checkpoint`, on the
            CPU.
        state (dict[str, Any]): The nested state given to it.
    """

    step: int
    tensors: dict[str, Any]
    state: dict[str, Any]


@dataclass
class Context:
    """One seed's surroundings. A resumed run continues bit for bit where the checkpoint was taken.

    Attributes:
        seed (int): The seed of this run.
        device (torch.device): Where to compute.
        directory (Path): Files of this run.
        generator (torch.Generator): A generator on ``device``, seeded with ``seed``.
        writer (Any): TensorBoard writer, when asked for.
        main (bool): Whether this process owns the files; the others write none.

    Example:
        A resumable loop::

            start, saved = 0, context.restore()
            if saved is not None:
                model.load_state_dict(saved.tensors["model"])
                optimizer.load_state_dict(saved.tensors["optimizer"])
                start = saved.step + 1
            for epoch in context.progress(range(start, config.epochs), desc="train"):
                context.log(epoch, loss=train())
                parts = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
                context.checkpoint(epoch, parts)
    """

    seed: int
    device: torch.device
    directory: Path
    generator: torch.Generator = field(init=False, repr=False)
    writer: Any = None
    main: bool = True
    _metrics_open: bool = field(default=False, init=False, repr=False)
    _started: float = field(default=0.0, init=False, repr=False)

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        if self.main:
            pictures = self.directory / ARTIFACTS
            for folder in (self.directory, pictures, *filter(Path.is_dir, pictures.rglob("*"))):
                sweep_stale(folder)
        self.generator = torch.Generator(self.device)
        self.generator.manual_seed(self.seed)
        self._started = time.perf_counter()

    def seconds(self) -> float:
        """Wall time of this run in seconds, including the part before a resume."""
        return time.perf_counter() - self._started

    def log(self, step: int, **metrics: float | int | Tensor) -> None:
        """Append one row of scalars to ``metrics.jsonl`` (a non-finite value becomes null)."""
        if not self.main:
            return
        row: dict[str, Any] = {"step": step}
        for name, value in metrics.items():
            number = float(value.detach() if isinstance(value, Tensor) else value)
            row[name] = number if math.isfinite(number) else None
            if self.writer is not None:
                self.writer.add_scalar(name, number, step)
        # A run that starts over must not keep the rows of the one it replaces.
        mode = "ab" if self._metrics_open else "wb"
        self._metrics_open = True
        path = self.directory / METRICS
        with naming_errors(path), open(path, mode) as file:
            file.write(json.dumps(row, allow_nan=False).encode() + b"\n")

    def checkpoint(
        self, step: int, tensors: Mapping[str, Any], state: Mapping[str, Any] | None = None
    ) -> None:
        """Atomically save a point to resume from, with all generators and the log's length.

        Args:
            step (int): The step just finished.
            tensors (Mapping[str, Any]): Nested dict of tensors; a ``state_dict()`` of a module or
                optimizer fits.
            state (Mapping[str, Any], optional): Further nested numbers, strings, lists or tensors.

        Raises:
            TypeError: If something is not a tensor or a plain value.
        """
        if not self.main:
            return
        arrays, skeleton = flatten_state(
            {
                "tensors": dict(tensors),
                "state": dict(state or {}),
                "random": random_state(self.generator),
                "step": step,
                "seconds": self.seconds(),
                "metrics_bytes": self._sync_metrics(),
            }
        )
        metadata = {"skeleton": json.dumps(skeleton, allow_nan=False)}
        save_arrays(self.directory / CHECKPOINT, arrays, metadata)

    def _sync_metrics(self) -> int:
        # Rows must be on disk before a checkpoint that counts them is.
        if not self._metrics_open:
            return 0
        with open(self.directory / METRICS, "rb+") as file:
            os.fsync(file.fileno())
            return file.seek(0, os.SEEK_END)

    def restore(self) -> Checkpoint | None:
        """Load the last checkpoint, reset every generator and cut the log back to it.

        Returns:
            Checkpoint, optional: The checkpoint, or None when the run starts from the beginning.

        Raises:
            ValueError: If the checkpoint or the log beside it is damaged.
        """
        path = self.directory / CHECKPOINT
        if not path.exists():
            return None
        arrays, metadata = load_arrays(path)
        try:
            saved = unflatten_state(arrays, json.loads(metadata["skeleton"]))
            step, seconds, size = saved["step"], saved["seconds"], saved["metrics_bytes"]
            result = Checkpoint(step, saved["tensors"], saved["state"])
            randomness = saved["random"]
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} is not a checkpoint of this version: {error!r}") from error
        if self.main:
            self._truncate_metrics(size)
        set_random_state(randomness, self.generator)
        self._started = time.perf_counter() - seconds
        return result

    def _truncate_metrics(self, size: int) -> None:
        path = self.directory / METRICS
        present = path.stat().st_size if path.exists() else 0
        if present < size:
            raise ValueError(
                f"{path} has {present} bytes, its checkpoint expects {size}; "
                "start over without resume"
            )
        if size:
            os.truncate(path, size)
        self._metrics_open = size > 0

    def progress(
        self, iterable: Iterable[T], total: int | None = None, desc: str = ""
    ) -> Iterator[T]:
        """Iterate with a bar on a terminal, or plain lines elsewhere, once it takes seconds."""
        yield from track(iterable, desc or "progress", total=total, shown=None)

    def artifact(self, name: str) -> Path:
        """Path for a picture or an array of this run; its folder exists afterwards.

        Raises:
            ValueError: If ``name`` leads out of the run's folder.
        """
        folder = self.directory / ARTIFACTS
        path = folder / name
        if not name or folder.resolve() not in path.resolve().parents:
            raise ValueError(f"name must be a relative file name inside the run, got {name!r}")
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def figure(self, name: str, figure: Any) -> Path:
        """Save a matplotlib Figure or Axes as ``<name>.png`` and close it; the report shows it."""
        from matplotlib import pyplot

        canvas = figure if hasattr(figure, "savefig") else figure.figure
        path = self.artifact(f"{name}.png")
        if self.main:
            with atomic_path(path) as temporary:
                canvas.savefig(temporary, format="png", dpi=120, bbox_inches="tight")
        pyplot.close(canvas)
        return path

    def bars(self, name: str, rows: Rows, metric: str, ylabel: str) -> Path:
        """Save a horizontal bar for each row that has a metric; see :meth:`figure`."""
        from graphlab import viz

        values = {label: row[metric] for label, row in rows.items() if metric in row}
        series = {metric: list(values.values())}
        axes = viz.bars(list(values), series, ylabel=ylabel, value_format=".2f", horizontal=True)
        return self.figure(name, axes)

    def table(self, name: str, rows: list[dict[str, Any]]) -> Path:
        """Save rows (one dict each) as ``<name>.json``; the report shows them as a table."""
        path = self.artifact(f"{name}.json")
        if self.main:
            write_json(path, rows)
        return path
