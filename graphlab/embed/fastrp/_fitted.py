"""A graph that FastRP has read, and what was computed from it."""

from __future__ import annotations

import math
import os
from typing import Any

import torch
from torch import Tensor

from graphlab._checks import check_int
from graphlab._precision import working_dtype
from graphlab._repr import short_repr
from graphlab.embed._adjacency import Adjacency
from graphlab.embed.fastrp._delta import add_edges, add_nodes, affected_rows
from graphlab.embed.fastrp._direction import changed_rows, oriented
from graphlab.embed.fastrp._inputs import NodeInputs
from graphlab.embed.fastrp._merge import merge_powers
from graphlab.embed.fastrp._options import Options
from graphlab.embed.fastrp._panels import BLOCK, embed, panels, total_squares
from graphlab.embed.fastrp._problem import Problem, make_problem
from graphlab.embed.fastrp._start import Start
from graphlab.ops import SparseRows, propagate

__all__: list[str] = []


@short_repr
class FittedGraph:
    """A graph that was read, the options it is embedded with, and what was computed from it.

    Attributes:
        adjacency (Adjacency): The graph as it was given.
        options (Options): Parameters of the estimator at the time of the fit.
        inputs (NodeInputs): What was given beside the graph.
        rows (Adjacency): The graph in the chosen direction.
        sparsity (float): Of the random entries; it stays when nodes are added.
        weighted (bool): Whether weights were given, now or at an earlier state of the graph; those
            of a repeated edge without weights count its repetitions.
        problem (Problem): What the embedding is computed from.
        powers (list[Tensor], optional): H_1, ..., H_q, once they were asked for.
        squares (Tensor, optional): Squared norms of whole rows, once they were needed.
    """

    def __init__(
        self,
        adjacency: Adjacency,
        options: Options,
        inputs: NodeInputs,
        sparsity: float | None = None,
        weighted: bool | None = None,
    ) -> None:
        self.adjacency = adjacency
        self.options = options
        self.inputs = inputs
        self.rows = oriented(adjacency, options)
        drawn = options.entry_sparsity(adjacency.num_nodes)
        self.sparsity = drawn if sparsity is None else sparsity
        self.weighted = adjacency.has_weights() if weighted is None else weighted
        self.problem = _make_problem(self.rows, options, inputs, self.sparsity)
        self.powers: list[Tensor] | None = None
        self.squares: Tensor | None = None

    def squared_norms(self, width: int) -> Tensor:
        """Squared norms of whole rows, from panels of about ``width`` columns; computed once."""
        if self.squares is None:
            whole = -(-width // BLOCK) * BLOCK
            cuts = list(panels(0, self.problem.start.dim, whole))
            self.squares = total_squares(self.problem, cuts, False, None)
        return self.squares

    def embedding(
        self,
        panel: int | None,
        out: str | os.PathLike[str] | None,
        distributed: bool,
        group: Any,
    ) -> Tensor:
        """The whole embedding; arguments as of :meth:`FastRP.transform`."""
        if panel is not None and check_int(panel, "panel", minimum=BLOCK) % BLOCK:
            raise ValueError(f"panel must be a multiple of {BLOCK}, got {panel}")
        options = self.options
        if options.weights is None:
            if panel is not None or out is not None or distributed:
                raise ValueError("weights=None keeps all powers: no panel, out or distributed")
            powers = self.problem.powers(options.num_powers)
            return merge_powers(powers, None, options.normalize, False)
        return embed(self.problem, panel, out, distributed, group, options.dtype)

    def columns(self, lo: int, hi: int) -> Tensor:
        """Columns ``[lo, hi)`` of the embedding."""
        if self.options.weights is None:
            raise ValueError("columns needs weights, got weights=None")
        dim = self.problem.start.dim
        lo = check_int(lo, "lo", minimum=0, maximum=dim - 1)
        hi = check_int(hi, "hi", minimum=lo + 1, maximum=dim)
        squares = self.squared_norms(hi - lo) if self.options.normalize else None
        return self.problem.merged(lo, hi, squares).to(self.options.dtype)

    def updated(
        self,
        edge_index: Tensor,
        edge_weight: Tensor | None,
        num_nodes: int | None = None,
        node_id: Tensor | None = None,
    ) -> FittedGraph:
        """The graph with edges and nodes added, its powers known: rows out of reach are copied."""
        powers = self.powers
        if powers is None:
            powers = self.problem.powers(self.options.num_powers)
        before = self.adjacency.num_nodes
        grown, inputs = self.adjacency, self.inputs
        if num_nodes is not None or node_id is not None:
            grown, inputs = add_nodes(grown, inputs, num_nodes, node_id)
        adjacency, changed = add_edges(grown, edge_index, edge_weight)
        # The counts of a changed graph are those of its entries: weights are not told from them.
        weighted = self.weighted or (edge_weight is not None and bool((edge_weight != 1).any()))
        new = FittedGraph(adjacency, self.options, inputs, self.sparsity, weighted)
        touched = torch.zeros(adjacency.num_nodes, dtype=torch.bool, device=changed.device)
        touched[changed_rows(changed, self.options.direction)] = True
        # A changed degree changes the factor, and with it the node's row of the start.
        factor = new.problem.start.factor
        moved = torch.ones_like(touched)
        moved[:before] = self.problem.start.factor != factor[:before]
        state = new.problem.start.columns(0, new.problem.start.dim)
        new.powers = []
        for power in powers:
            rows = affected_rows(new.rows, touched, moved)
            state, previous = power.new_zeros(adjacency.num_nodes, power.size(1)), state
            state[:before] = power
            # A row of a product depends on no other row: those in reach are computed by themselves.
            state[rows] = propagate(previous, new.problem.graph.select(rows))
            moved = torch.zeros_like(moved)
            moved[rows] = True
            new.powers.append(state)
        return new

    def arrays(self) -> dict[str, Tensor]:
        """Everything but the options, as named tensors."""
        tensors = {
            "rowptr": self.adjacency.rows.rowptr,
            "col": self.adjacency.rows.col,
            "weight": self.adjacency.rows.weight,
            "count": self.adjacency.count,
            "features": self.inputs.features,
            "node_id": self.inputs.node_id,
            "projection_matrix": self.inputs.projection_matrix,
            "property_ratio": torch.tensor(
                [self.inputs.property_ratio], dtype=torch.float64, device="cpu"
            ),
            "sparsity": torch.tensor([self.sparsity], dtype=torch.float64, device="cpu"),
            "weighted": torch.tensor([self.weighted], dtype=torch.int64, device="cpu"),
        }
        return {name: t for name, t in tensors.items() if t is not None}

    @classmethod
    def from_arrays(cls, arrays: dict[str, Tensor], options: Options) -> FittedGraph:
        """The graph that :meth:`arrays` took apart."""
        rows = SparseRows(arrays["rowptr"], arrays["col"], arrays.get("weight"))
        rows.check_values()  # kernels trust what they are given, and anybody can write a file
        adjacency = Adjacency(rows, arrays["count"])
        inputs = NodeInputs(
            arrays.get("features"),
            float(arrays["property_ratio"][0]),
            arrays.get("node_id"),
            arrays.get("projection_matrix"),
        )
        # Folders written before nodes could be added have the default of their graph.
        sparsity, weighted = arrays.get("sparsity"), arrays.get("weighted")
        return cls(
            adjacency,
            options,
            inputs,
            None if sparsity is None else float(sparsity[0]),
            None if weighted is None else bool(weighted[0]),
        )


def _make_problem(
    adjacency: Adjacency, options: Options, inputs: NodeInputs, sparsity: float
) -> Problem:
    matrix = inputs.projection_matrix
    counts = options.degree == "count"
    degree = adjacency.count.double() if counts else adjacency.degree()
    some = degree > 0
    safe = torch.where(some, degree, torch.ones_like(degree))
    factor = torch.ones_like(safe)
    # A given start of Neo4j holds the degree factors already.
    if options.beta and not (counts and matrix is not None):
        factor = safe**options.beta
        _check_factor(factor, degree, options)
    dim = options.dim if matrix is None else matrix.size(1)
    start = Start(
        dim=dim,
        dtype=options.dtype,
        factor=factor,
        sparsity=sparsity,
        seed=options.seed,
        node=inputs.node_id,
        matrix=matrix,
        features=inputs.features if matrix is None else None,
        feature_dim=math.floor(dim * inputs.property_ratio) if matrix is None else 0,
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


def _check_factor(factor: Tensor, degree: Tensor, options: Options) -> None:
    """Refuse degree factors that would become 0 or infinite."""
    held = factor.to(working_dtype(options.dtype))
    lost = (held.isinf() | (held == 0)).nonzero()
    if lost.numel():
        node = int(lost[0])
        raise ValueError(
            f"beta = {options.beta} takes the degree {float(degree[node]):.3g} of node {node} out "
            f"of the range of {held.dtype}: take dtype=torch.float64, another beta or edge_weight"
        )
