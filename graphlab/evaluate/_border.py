"""A word where the best of several candidates is the outermost one."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

__all__: list[str] = []


def warn_at_border(
    name: str, best: float, scores: Mapping[float, float], margin: float = 0.0
) -> None:
    """Warn that a better value may lie beyond the candidates.

    Nothing is said where the end is shared with the next candidate (the score is flat there, and
    going on would change nothing), or where there are fewer than three candidates, which is no
    search but a comparison.

    Args:
        name (str): What was searched, for the text.
        best (float): The chosen value.
        scores (Mapping[float, float]): Score of every candidate.
        margin (float): Lead over the next candidate that says nothing.
    """
    grid = sorted(scores)
    if len(grid) < 3 or best not in (grid[0], grid[-1]):
        return
    inner = grid[1] if best == grid[0] else grid[-2]
    if scores[best] - scores[inner] <= margin:
        return
    end, step = ("smallest", "smaller") if best == grid[0] else ("largest", "larger")
    warnings.warn(
        f"the best {name} is the {end} candidate, {best:g}, with a score of {scores[best]:.4f} "
        f"against {scores[inner]:.4f} at {inner:g}: try {step} ones by candidates=",
        UserWarning,
        stacklevel=3,
    )
