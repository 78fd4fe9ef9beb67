"""The state of a training in one file that is replaced in one step."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from graphlab._checks import check_finite
from graphlab._io import load_arrays, save_arrays

__all__: list[str] = []

CHECKPOINT = "checkpoint.safetensors"
_RECORD = "graphlab.pretrain"
_MOMENTS = {"Adagrad": {"step", "sum"}}
_MOMENTS_OF_ADAM = {"step", "exp_avg", "exp_avg_sq"}


def save_checkpoint(
    path: Path,
    weights: Mapping[str, Tensor],
    optimizer: torch.optim.Optimizer,
    best: Mapping[str, Tensor],
    record: Mapping[str, Any],
) -> None:
    """Write weights, moments, the best weights so far and the record."""
    arrays = {f"model/{k}": v for k, v in weights.items()}
    arrays |= {f"best/{k}": v for k, v in best.items()}
    for i, moments in optimizer.state_dict()["state"].items():
        arrays |= {
            f"optimizer/{i}/{k}": torch.as_tensor(v, device="cpu") for k, v in moments.items()
        }
    save_arrays(path, arrays, {_RECORD: json.dumps(record, sort_keys=True)})


def load_checkpoint(
    path: Path, optimizer: torch.optim.Optimizer, expected: Mapping[str, Any]
) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, Any]]:
    """Weights, best weights and record of a file, whose moments go into the optimizer.

    Raises:
        ValueError: If the file is damaged, or belongs to other settings or data, naming them.
    """
    arrays, metadata = load_arrays(path)
    if _RECORD not in metadata:
        raise ValueError(f"{path} is no checkpoint of a training")
    with taking_up(path):
        record = json.loads(metadata[_RECORD])
        settings = record["settings"]
        parts = _parts(arrays)
        for name, value in parts["model"].items():
            if value.is_floating_point():
                check_finite(value, f"model/{name}")
    check_settings(path, settings, expected)
    with taking_up(path):
        state = _moments(parts["optimizer"], optimizer)
        optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    return parts["model"], parts["best"], record


@contextmanager
def taking_up(path: Path, what: str = "a damaged checkpoint") -> Iterator[None]:
    """Name the file in whatever goes wrong while its parts are put to use.

    A checksum does not help against what another program, or another hand, has written.

    Raises:
        ValueError: In place of any other error of a value.
    """
    try:
        yield
    except (
        ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError
    ) as error:  # fmt: skip
        raise ValueError(f"{path} is {what}: {error!r:.400}") from error


def _parts(arrays: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    parts: dict[str, dict[str, Tensor]] = {"model": {}, "best": {}, "optimizer": {}}
    for key, value in arrays.items():
        part, _, name = key.partition("/")
        parts[part][name] = value
    return parts


def _moments(
    arrays: Mapping[str, Tensor], optimizer: torch.optim.Optimizer
) -> dict[int, dict[str, Any]]:
    """State of an optimizer by parameter: an optimizer itself looks at it in its next step alone.

    Raises:
        LookupError, ValueError: If names or shapes are not those of its parameters.
    """
    owners = [(group, p) for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict[str, Any]] = {}
    for key, value in arrays.items():
        digits, name = key.split("/")
        number = int(digits)
        whole_step = name == "step" and value.dtype == torch.int64
        wanted = torch.Size() if name == "step" else owners[number][1].shape
        if value.shape != wanted or not (value.is_floating_point() or whole_step):
            raise ValueError(f"optimizer/{key} has another type or shape than its parameter")
        # Those that count in integers compute with them in double precision.
        state.setdefault(number, {})[name] = int(value) if whole_step else value
    known = _MOMENTS.get(type(optimizer).__name__, _MOMENTS_OF_ADAM)
    for number, moments in state.items():
        if moments.keys() != known or number < 0:
            raise ValueError(f"optimizer/{number} must hold {sorted(known)}, got {sorted(moments)}")
        _check_moments(moments, owners[number][0].get("betas"), f"optimizer/{number}")
    return state


def _check_moments(moments: Mapping[str, Any], betas: tuple[float, float] | None, at: str) -> None:
    """Refuse moments that no gradients leave: their first step would ruin the weights.

    Raises:
        ValueError: If they are not finite, a mean of squares is negative, or a mean of gradients is
            larger than that of the squares allows.
    """
    for name, value in moments.items():
        if isinstance(value, Tensor):
            check_finite(value, f"{at}/{name}")
    squares = moments["sum" if "sum" in moments else "exp_avg_sq"]
    if bool((squares < 0).any()):
        raise ValueError(f"{at} has a negative mean of squares")
    if betas is None or betas[0] ** 2 >= betas[1]:
        return
    # By Cauchy and Schwarz; the rest is what squares of small gradients lose in single precision.
    first, second = betas
    most = (1 - first) / math.sqrt((1 - second) * (1 - first**2 / second))
    if bool((moments["exp_avg"].abs() > 2 * most * squares.sqrt() + 1e-15).any()):
        raise ValueError(f"{at} has a mean of gradients beyond that of their squares")


def rows_of(record: Mapping[str, Any], *numbers: str) -> list[dict[str, Any]]:
    """The rows of the epochs or steps that are done.

    Args:
        record (Mapping): Record of a checkpoint.
        *numbers (str): Names that every row has, of finite numbers.

    Raises:
        LookupError, TypeError, ValueError: If they are no such rows.
    """
    rows = record["history"]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise TypeError("history must be a list of objects")
    for row in rows:
        for name in numbers:
            real(row[name])
    if record.get("epoch", len(rows)) != len(rows):
        raise ValueError(f"history has {len(rows)} rows, but epoch is {record['epoch']!r:.80}")
    return rows


def whole(value: Any, at_most: int) -> int:
    """A count of a record.

    Raises:
        ValueError: If it is no integer from 0 to ``at_most``.
    """
    if type(value) is not int or not 0 <= value <= at_most:
        raise ValueError(f"{value!r:.80} is no integer from 0 to {at_most}")
    return value


def real(value: Any) -> float:
    """A number of a record.

    Raises:
        ValueError: If it is no finite number.
    """
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError(f"{value!r:.80} is no finite number")
    return float(value)


def fitting(weights: Mapping[str, Tensor], model: torch.nn.Module) -> dict[str, Tensor]:
    """Weights that a model will be given at its end.

    Raises:
        ValueError: If names or shapes are not those of the model.
    """
    wanted = {name: value.shape for name, value in model.state_dict().items()}
    if {name: value.shape for name, value in weights.items()} != wanted:
        raise ValueError("the best weights have other names or shapes than the model")
    return dict(weights)


def check_settings(path: Path, saved: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """Compare the settings in a file with those of this run.

    Raises:
        ValueError: If they differ, naming what does.
    """
    if not isinstance(saved, Mapping):
        raise ValueError(f"{path} is a damaged checkpoint: settings are {saved!r:.80}, no object")
    present = json.loads(json.dumps(expected))
    names = sorted(k for k in {*saved, *present} if saved.get(k) != present.get(k))
    if names:
        changes = ", ".join(f"{k}: {saved.get(k)!r:.200} -> {present.get(k)!r:.200}" for k in names)
        raise ValueError(
            f"{path} was saved with other settings ({changes}); resume=False starts over"
        )
