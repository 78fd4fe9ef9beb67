"""Golden cases: what the authors' code computed, as ``tests/golden/<system>/README.md`` tells."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tests._data import golden


def cases(system: str, pattern: str) -> list[str]:
    """Names of the cases of a system that match a pattern, in order.

    Args:
        system (str): Folder in ``tests/golden``.
        pattern (str): Pattern of names, such as ``"pamc_*"``.

    Raises:
        FileNotFoundError: If there is none: a test over no case would pass unseen.
    """
    found = sorted(path.stem for path in golden(system).glob(f"{pattern}.npz"))
    if not found:
        raise FileNotFoundError(f"there is no golden case tests/golden/{system}/{pattern}.npz")
    return found


def arrays(system: str, name: str) -> dict[str, np.ndarray]:
    """Arrays of a case, as they are stored."""
    with np.load(golden(system, f"{name}.npz"), allow_pickle=False) as file:
        return {key: file[key] for key in file.files}


def document(system: str, name: str) -> Any:
    """Content of a JSON file of a system.

    Args:
        system (str): Folder in ``tests/golden``.
        name (str): Name of the file, without ``.json``.
    """
    return json.loads(golden(system, f"{name}.json").read_text(encoding="utf-8"))


def load(system: str, name: str, dtype: torch.dtype | None = None) -> dict[str, Any]:
    """Arrays of a case as tensors; text is a ``str`` or a list of them.

    Args:
        system (str): Folder in ``tests/golden``.
        name (str): Name of the case, without ``.npz``.
        dtype (torch.dtype, optional): Type of the floating ones; as stored by default.
    """
    return {key: _convert(value, dtype) for key, value in arrays(system, name).items()}


def _convert(value: np.ndarray, dtype: torch.dtype | None) -> Tensor | str | list[str]:
    if value.dtype.kind in "SU":
        text: str | list[str] = value.astype(str).tolist()
        return text
    tensor = torch.from_numpy(np.asarray(value))
    return tensor.to(dtype) if dtype is not None and tensor.is_floating_point() else tensor
