"""The state of a training in one file that is replaced in one step."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from graphlab._io import load_arrays, save_arrays

__all__: list[str] = []

CHECKPOINT = "checkpoint.safetensors"
_RECORD = "graphlab.pretrain"


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
    try:
        record = json.loads(metadata[_RECORD])
        settings = dict(record["settings"])
        parts = _parts(arrays)
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in parts["optimizer"].items():
            number, name = key.split("/")
            state.setdefault(int(number), {})[name] = value
    except (LookupError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"{path} is a damaged checkpoint: {error!r:.400}") from error
    check_settings(path, settings, expected)
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    return parts["model"], parts["best"], record


def _parts(arrays: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    parts: dict[str, dict[str, Tensor]] = {"model": {}, "best": {}, "optimizer": {}}
    for key, value in arrays.items():
        part, _, name = key.partition("/")
        parts[part][name] = value
    return parts


def check_settings(path: Path, saved: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """Compare the settings in a file with those of this run.

    Raises:
        ValueError: If they differ, naming what does.
    """
    present = json.loads(json.dumps(expected))
    names = sorted(k for k in {*saved, *present} if saved.get(k) != present.get(k))
    if names:
        changes = ", ".join(f"{k}: {saved.get(k)!r} -> {present.get(k)!r}" for k in names)
        raise ValueError(
            f"{path} was saved with other settings ({changes}); resume=False starts over"
        )
