"""A graph that FastRP has read, and what was computed from it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from graphlab._precision import working_dtype
from graphlab.embed.fastrp._adjacency import Adjacency
from graphlab.embed.fastrp._panels import Problem, make_problem
from graphlab.embed.fastrp._start import Start

if TYPE_CHECKING:
    from graphlab.embed.fastrp.fastrp import FastRP

__all__: list[str] = []


class Fitted:
    """A graph that was read, and what was computed from it."""

    def __init__(
        self,
        options: FastRP,
        adjacency: Adjacency,
        features: Tensor | None,
        ratio: float,
        node: Tensor | None,
        matrix: Tensor | None,
    ) -> None:
        self.adjacency = adjacency
        self.given = (features, ratio, node, matrix)
        self.problem = _make_problem(options, adjacency, features, ratio, node, matrix)
        self.powers: list[Tensor] | None = None
        self.squares: Tensor | None = None

    def changed(self, options: FastRP, adjacency: Adjacency) -> Fitted:
        """The same with another matrix."""
        return Fitted(options, adjacency, *self.given)


def _make_problem(
    options: FastRP,
    adjacency: Adjacency,
    features: Tensor | None,
    ratio: float,
    node: Tensor | None,
    matrix: Tensor | None,
) -> Problem:
    counts = options.preset == "neo4j"
    degree = adjacency.count.double() if counts else adjacency.degree()
    some = degree > 0
    safe = torch.where(some, degree, torch.ones_like(degree))
    factor = torch.ones_like(safe)
    if options.beta and not (counts and matrix is not None):
        factor = safe**options.beta
        _check_factor(factor, degree, options)
    dim = options.dim if matrix is None else matrix.size(1)
    start = Start(
        dim=dim,
        dtype=options.dtype,
        factor=factor,
        sparsity=_entry_sparsity(options, adjacency.num_nodes),
        seed=options.seed,
        node=node,
        matrix=matrix,
        features=features if matrix is None else None,
        feature_dim=math.floor(dim * ratio) if matrix is None else 0,
    )
    scale = torch.where(some, 1 / safe, torch.zeros_like(safe))
    return make_problem(
        adjacency,
        scale if options.input_matrix == "transition" else None,
        start,
        coefficients=(options.self_weight, *(options.weights or ())),
        normalize=options.normalize,
        standardize=options.standardize,
    )


def _check_factor(factor: Tensor, degree: Tensor, options: FastRP) -> None:
    """Refuse degree factors that would become 0 or infinite."""
    held = factor.to(working_dtype(options.dtype))
    lost = (held.isinf() | (held == 0)).nonzero()
    if lost.numel():
        node = int(lost[0])
        raise ValueError(
            f"beta = {options.beta} takes the degree {float(degree[node]):.3g} of node {node} out "
            f"of the range of {held.dtype}: take dtype=torch.float64, another beta or edge_weight"
        )


def _entry_sparsity(options: FastRP, num_nodes: int) -> float:
    if options.projection == "gaussian":
        return 0.0
    if options.projection == "achlioptas":
        return 3.0
    return options.sparsity or max(1.0, math.sqrt(num_nodes))
