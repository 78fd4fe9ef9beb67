"""A case, and the inputs that cases share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from benchmarks._harness.graphs import uniform_graph

SEED = 0
Run = Callable[[], object]
Maker = Callable[[torch.device], Run]


@dataclass(frozen=True)
class Step:
    """One end-to-end case.

    Attributes:
        title (str): What is timed.
        makers (Mapping[str, Maker]): By name; ``graphlab`` first, then what it is compared with.
    """

    title: str
    makers: Mapping[str, Maker]


def seeded(device: torch.device, build: Callable[[], Any]) -> Any:
    """A module with the same weights whoever builds it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        return build().to(device)


def features(nodes: int, width: int, device: torch.device) -> Tensor:
    """Normal features, drawn on the CPU so that all devices get the same."""
    drawn = torch.randn(nodes, width, generator=torch.Generator().manual_seed(SEED))
    return drawn.to(device)


@lru_cache(maxsize=1)
def edges_of(nodes: int, degree: float) -> Tensor:
    """A uniform random graph on the CPU."""
    return uniform_graph(nodes, degree, SEED)
