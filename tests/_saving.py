"""Saves that are cut before their file appears, and folders as earlier versions wrote them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from graphlab._io import load_arrays, save_arrays


def cut_save(estimator: Any, folder: Path) -> None:
    """Save, and die where the finished file would replace the older one."""

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("graphlab._io.os.replace", die)
        with pytest.raises(KeyboardInterrupt):
            estimator.save(folder)


def forget_parameters(folder: Path, *names: str) -> Path:
    """Make the folder one of a version that did not have these parameters."""
    path = folder / "arrays.safetensors"
    arrays, stored = load_arrays(path)
    record = json.loads(stored["graphlab.estimator"])
    for name in names:
        del record["params"][name]
    save_arrays(path, arrays, {"graphlab.estimator": json.dumps(record)})
    return folder
