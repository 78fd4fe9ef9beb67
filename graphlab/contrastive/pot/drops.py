"""Graphs that remain when edges are dropped, and bounds of their normalised matrices."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from graphlab._checks import check_edge_index, check_int
from graphlab._repr import short_repr
from graphlab._sorted import sort_values
from graphlab.contrastive.pot.budget import check_budget
from graphlab.ops import SparseRows, budget_minimum, interval_propagate
from graphlab.ops.csr import trusted
from graphlab.ops.reference import DROPPABLE, KEPT, OWN

__all__ = ["DropSet", "NormBounds", "TargetBounds", "adjacency_bounds"]

#: Exponent of the number of kept entries in the row sums of a normalisation.
_POWER = {"gcn": 0.5, "mean": 1.0, "sum": 0.0}


@short_repr
@dataclass(frozen=True)
class NormBounds:
    """Interval of every entry of a normalised adjacency matrix.

    Attributes:
        edge_index (Tensor): ``(2, E')`` int64, source and target, self-loops included where the
            normalisation has them; sorted by target, then source.
        low (Tensor): Lower ends ``(E',)`` float64.
        high (Tensor): Upper ends ``(E',)``.
        num_nodes (int): N.
    """

    edge_index: Tensor
    low: Tensor
    high: Tensor
    num_nodes: int

    def dense(self) -> tuple[Tensor, Tensor]:
        """Both ends as ``(N, N)`` matrices whose rows are targets; small graphs only."""
        out = []
        for value in (self.low, self.high):
            matrix = value.new_zeros(self.num_nodes, self.num_nodes)
            matrix[self.edge_index[1], self.edge_index[0]] = value
            out.append(matrix)
        return out[0], out[1]


@dataclass(frozen=True)
class TargetBounds:
    """Bounds of the matrix rows of some targets, in the numbering of these and of their sources.

    Attributes:
        pattern (SparseRows): Positions; columns are the nodes in ``columns``.
        low (Tensor): Lower ends of the entries ``(E,)``.
        high (Tensor): Upper ends ``(E,)``.
        full (Tensor): The entries when nothing is dropped ``(E,)``.
        kind (Tensor): int8 ``(E,)``: kept, droppable or the own term.
        positive (Tensor): Factor of a non-negative source in a row sum ``(M,)``.
        negative (Tensor): Factor of a negative source ``(M,)``.
        size (Tensor): Entries that the normalisation counts ``(N,)``.
        budget (Tensor): Drops per row, int64 ``(N,)``.
        power (float): Exponent of the normalisation.
        targets (Tensor, optional): Nodes of the rows, ascending; all if missing.
        columns (Tensor, optional): Nodes of the columns, ascending; all if missing.
    """

    pattern: SparseRows
    low: Tensor
    high: Tensor
    full: Tensor
    kind: Tensor
    positive: Tensor
    negative: Tensor
    size: Tensor
    budget: Tensor
    power: float
    targets: Tensor | None = None
    columns: Tensor | None = None

    def interval(self, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
        """Bounds of the sums, every entry anywhere in its own interval."""
        return interval_propagate(low, high, self.pattern, self.low, self.high)

    def budgeted(self, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
        """Bounds of the sums over all choices of dropped entries within the budget."""
        return self._minimum(low), -self._minimum(-high)

    def _minimum(self, value: Tensor) -> Tensor:
        return budget_minimum(
            value,
            self.pattern,
            self.kind,
            self.positive,
            self.negative,
            self.size,
            self.budget,
            power=self.power,
        )

    def smallest_sum(self, value: Tensor, bound: str) -> Tensor:
        """Smallest row sums of numbers that are known per entry, ``(E,)`` to ``(N,)``."""
        if bound == "interval":
            # The smallest product has the low end for what is not negative, the high end otherwise.
            factor = torch.where(value.detach() >= 0, self.low, self.high).to(value.dtype)
            return torch.segment_reduce(
                value * factor, "sum", offsets=self.pattern.rowptr, initial=0.0
            )
        return self._by_entry()._minimum(value.unsqueeze(1)).squeeze(1)

    def _by_entry(self) -> TargetBounds:
        """The same bounds with a column of its own for every entry."""
        pattern, source = self.pattern, self.pattern.col.long()
        each = torch.arange(pattern.num_edges, device=source.device, dtype=torch.int32)
        own = trusted(SparseRows(pattern.rowptr, each, num_cols=pattern.num_edges))
        return replace(
            self, pattern=own, positive=self.positive[source], negative=self.negative[source]
        )

    def repeated(self, row: Tensor) -> TargetBounds:
        """These bounds, once for every row in ``row``."""
        entry = self.pattern.entries(row)
        return replace(
            self,
            pattern=self.pattern.select(row),
            low=self.low[entry],
            high=self.high[entry],
            full=self.full[entry],
            kind=self.kind[entry],
            size=self.size[row],
            budget=self.budget[row],
        )


class DropSet:
    """Set of the graphs that remain when every node loses at most ``budget`` of its edges.

    Args:
        edge_index (Tensor): ``(2, E)`` integers, source and target; no self-loops, no duplicates.
        num_nodes (int): N.
        budget (Tensor): Whole numbers ``(N,)``, cut at the degrees.
        directed (bool): In-edges are dropped one by one (the larger set), otherwise every edge
            together with its reverse; then ``edge_index`` must be symmetric.
        checked (bool): The caller has checked ``edge_index`` already.
    """

    def __init__(
        self,
        edge_index: Tensor,
        num_nodes: int,
        budget: Tensor,
        directed: bool,
        *,
        checked: bool = False,
    ) -> None:
        if not checked:
            edge_index = check_edge_index(
                edge_index,
                num_nodes,
                loops=False,
                duplicates=False,
                symmetric=not directed,
                unless="directed=True",
            )
        order = torch.argsort(edge_index[1] * num_nodes + edge_index[0])
        self._source, self._target = edge_index[:, order]
        self._nodes = torch.arange(num_nodes, device=edge_index.device)
        self.num_nodes = num_nodes
        self.degree = torch.bincount(self._target, minlength=num_nodes)
        self.budget = check_budget(budget, self.degree)
        self.directed = directed
        self._whole: dict[str, TargetBounds] = {}

    def bounds(self, norm: Literal["gcn", "mean", "sum"] = "gcn") -> NormBounds:
        """Bounds of the entries of the whole matrix."""
        whole = self.matrix(norm)
        edges = torch.stack([whole.pattern.col.long(), whole.pattern.row()])
        return NormBounds(edges, whole.low, whole.high, self.num_nodes)

    def matrix(self, norm: str, targets: Tensor | None = None) -> TargetBounds:
        """Bounds of the rows of all nodes, or of ``targets`` (ascending, distinct)."""
        if norm not in self._whole:
            with torch.inference_mode(False), torch.no_grad():  # kept: see POT._views_of
                self._whole[norm] = self._build(norm)
        whole = self._whole[norm]
        return whole if targets is None else _restricted(whole, targets, self.num_nodes)

    def _build(self, norm: str) -> TargetBounds:
        source, target = self._source, self._target
        if norm == "gcn":
            own = self._nodes * (self.num_nodes + 1)
            key = sort_values(torch.cat([target * self.num_nodes + source, own]))
            target = torch.div(key, max(1, self.num_nodes), rounding_mode="floor")
            source = key % max(1, self.num_nodes)
        own = source == target
        droppable = (self.budget[target] > 0) & ~own
        # An undirected edge goes with its reverse: it needs room in both budgets.
        if not self.directed:
            droppable &= self.budget[source] > 0
        full, high = self._ends(norm, source, target, own)
        kind = torch.where(droppable, DROPPABLE, torch.where(own, OWN, KEPT)).to(torch.int8)
        positive, negative = self._source_factors(norm)
        loops = 1 if norm == "gcn" else 0
        return TargetBounds(
            pattern=SparseRows.from_rows(target, source, self.num_nodes, self.num_nodes),
            low=torch.where(droppable, torch.zeros_like(full), full),
            high=high,
            full=full,
            kind=kind,
            positive=positive,
            negative=negative,
            size=(self.degree + loops).double(),
            budget=self.budget,
            power=_POWER[norm],
        )

    def _losses(self) -> tuple[Tensor, Tensor]:
        """Most edges that the target and the source of an edge that stays can lose."""
        # An entry that is still there leaves its node at least one edge.
        kept = torch.minimum(self.budget, (self.degree - 1).clamp(min=0))
        return kept, self.budget if self.directed else kept

    def _source_factors(self, norm: str) -> tuple[Tensor, Tensor]:
        if norm != "gcn":
            one = torch.ones_like(self.degree, dtype=torch.float64)
            return one, one
        size = (self.degree + 1).double()
        return size.rsqrt(), (size - self._losses()[1]).rsqrt()

    def _ends(
        self, norm: str, source: Tensor, target: Tensor, own: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Entries without drops, and their largest values."""
        at_target, at_source = self._losses()
        if norm == "gcn":
            size = (self.degree + 1).double()
            full = (size[target] * size[source]).rsqrt()
            few = ((size - at_target)[target] * (size - at_source)[source]).rsqrt()
            high = torch.where(own, 1 / (size - self.budget)[target], few)
            full = torch.where(own, 1 / size[target], full)
        elif norm == "mean":
            full = 1 / self.degree.double().clamp(min=1)[target]
            high = 1 / (self.degree - at_target).double().clamp(min=1)[target]
        else:
            full = high = torch.ones_like(source, dtype=torch.float64)
        return full, high


def _restricted(whole: TargetBounds, targets: Tensor, num_nodes: int) -> TargetBounds:
    """Bounds of some rows, with the columns that they and their own nodes need."""
    part = whole.repeated(targets)
    source = part.pattern.col.long()
    needed = torch.zeros(num_nodes, dtype=torch.bool, device=source.device)
    needed[source] = True
    needed[targets] = True
    columns = needed.nonzero().squeeze(1)
    local = torch.searchsorted(columns, source).int()
    return replace(
        part,
        pattern=trusted(SparseRows(part.pattern.rowptr, local, num_cols=columns.numel())),
        positive=whole.positive[columns],
        negative=whole.negative[columns],
        targets=targets,
        columns=columns,
    )


def adjacency_bounds(
    edge_index: Tensor,
    num_nodes: int,
    budget: Tensor,
    *,
    directed: bool = False,
    norm: Literal["gcn", "mean", "sum"] = "gcn",
) -> NormBounds:
    """Bound the entries of the normalised adjacency matrix over all drops within a budget.

    Args:
        edge_index (Tensor): ``(2, E)`` integers, source and target; no self-loops (the
            normalisation adds them), no duplicates, and symmetric unless ``directed``.
        num_nodes (int): N.
        budget (Tensor): Edges that a node may lose (in-edges if ``directed``), ``(N,)``.
        directed (bool): Both directions of an edge are dropped independently.
        norm (str): ``"gcn"``, ``"mean"`` or ``"sum"``.

    Returns:
        NormBounds: One interval per entry.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range.

    Complexity: O(E log E) time, O(E) memory.

    Example:
        >>> path = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
        >>> bounds = adjacency_bounds(path, 3, torch.tensor([0, 1, 1]))
        >>> [round(v, 2) for v in bounds.low.tolist()]
        [0.5, 0.41, 0.41, 0.33, 0.0, 0.0, 0.5]
    """
    num_nodes = check_int(num_nodes, "num_nodes", minimum=1)
    return DropSet(edge_index, num_nodes, budget, directed).bounds(norm)
