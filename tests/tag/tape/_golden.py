"""Reading the golden cases."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from tests._data import golden

TOLERANCE = {"rtol": 1e-5, "atol": 1e-6}


def load(name: str) -> dict[str, Tensor]:
    with np.load(golden("tape", f"{name}.npz"), allow_pickle=False) as file:
        return {key: torch.from_numpy(np.asarray(file[key])) for key in file.files}


def lists(ranked: Tensor) -> list[list[int]]:
    """Rows without their filling of -1."""
    return [[value for value in row if value >= 0] for row in ranked.tolist()]
