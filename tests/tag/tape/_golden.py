"""Tolerance of the golden cases, and their lists."""

from __future__ import annotations

from torch import Tensor

TOLERANCE = {"rtol": 1e-5, "atol": 1e-6}


def lists(ranked: Tensor) -> list[list[int]]:
    """Rows without their filling of -1."""
    return [[value for value in row if value >= 0] for row in ranked.tolist()]
