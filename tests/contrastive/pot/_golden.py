"""Golden files as tensors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor


def load(path: Path) -> dict[str, Tensor]:
    """All arrays of a file."""
    with np.load(path, allow_pickle=False) as data:
        return {name: torch.from_numpy(np.asarray(data[name])) for name in data.files}
