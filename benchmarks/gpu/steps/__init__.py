"""Whole training steps and embeddings on a GPU, beside their eager re-expressions.

A maker prepares a model and its data and returns the function to time. Makers run one after the
other, so that no method works beside the memory of another; one that runs out of memory is noted.
"""

from __future__ import annotations

from benchmarks.gpu.steps import fastrp, grace, graphclip, pamc
from benchmarks.gpu.steps.case import Step

__all__ = ["Step", "steps"]


def steps(*, small: bool = False) -> dict[str, Step]:
    """All cases by name; ``small`` ones only try the code."""
    systems = (pamc, fastrp, grace, graphclip)
    return {name: step for system in systems for name, step in system.cases(small=small).items()}
