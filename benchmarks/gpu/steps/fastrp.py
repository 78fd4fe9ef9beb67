"""FastRP beside sparse products of torch."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.gpu.steps.case import SEED, Maker, Run, Step
from graphlab.embed import FastRP


@dataclass(frozen=True)
class Sparse:
    """Size of a graph to embed; ``entries`` counts both directions."""

    nodes: int
    entries: int
    dim: int = 128


def random_entries(size: Sparse, device: torch.device) -> Tensor:
    """Uniform pairs, both directions; drawn on the device: 10^8 of them are slow elsewhere."""
    generator = torch.Generator(device).manual_seed(SEED)
    shape = (2, size.entries // 2)
    half = torch.randint(size.nodes, shape, generator=generator, device=device)
    return torch.cat([half, half.flip(0)], 1)


def fastrp(size: Sparse, device: torch.device) -> Run:
    """The library with its default weights; reading the graph is not timed."""
    model = FastRP(size.dim, seed=SEED)
    return model.fit(random_entries(size, device), size.nodes).transform


def fastrp_eager(size: Sparse, device: torch.device) -> Run:
    """Sparse products of torch, normalisation and sum."""
    row, col = random_entries(size, device)
    order = torch.argsort(row, stable=True)
    degree = torch.bincount(row, minlength=size.nodes)
    rowptr = torch.cat([degree.new_zeros(1), degree.cumsum(0)])
    inverse = 1 / degree.clamp(min=1).float()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls its sparse tensors a beta feature
        matrix = torch.sparse_csr_tensor(
            rowptr, col[order], inverse[row[order]], (size.nodes, size.nodes)
        )
    del row, col, order
    model = FastRP(size.dim, seed=SEED)
    beta, weights = float(model.beta or 0), tuple(model.weights or ())

    def run() -> Tensor:
        start = torch.randn(size.nodes, size.dim, device=device) * size.dim**-0.5
        state = degree.clamp(min=1).float().pow(beta)[:, None] * start
        out = torch.zeros_like(state)
        for weight in weights:
            state = matrix @ state
            if weight != 0:
                out += weight * F.normalize(state, dim=1)
        return out

    return run


def cases(*, small: bool) -> dict[str, Step]:
    """Ten million nodes."""
    size = Sparse(90, 400, 16) if small else Sparse(10_000_000, 100_000_000)
    makers: dict[str, Maker] = {
        "graphlab": partial(fastrp, size),
        "torch.sparse": partial(fastrp_eager, size),
    }
    title = "FastRP, 10^7 nodes, 10^8 entries, d = 128"
    return {"fastrp_ten_million": Step(title, makers)}
