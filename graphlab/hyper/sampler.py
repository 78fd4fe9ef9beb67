"""The sampler that draws candidates within a budget."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from graphlab._checks import check_choice, check_int
from graphlab._estimator import Estimator
from graphlab.hyper._cells import Cell, find_cells
from graphlab.hyper._incidence import Hypergraph, read_incidence
from graphlab.hyper._sets import (
    Ints,
    NodeSets,
    SetFamily,
    check_family,
    concatenate,
    from_matrix,
    node_sets,
    sorted_unique,
    to_tensor,
)
from graphlab.hyper.candidates import CandidateSet
from graphlab.hyper.cliques import maximal_cliques
from graphlab.hyper.projection import projection

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["CliqueSampler"]

# Subsets that may be held at once; more is a mistake in the budget, not a wish.
_MOST = 1 << 28


class CliqueSampler(Estimator):
    r"""Spends a budget of candidates where the source hypergraph has its hyperedges.

    Cells (n, k), the k-subsets of all maximal cliques of size n, are picked greedily by the number
    of hyperedges they add per subset until the budget is spent; the cell that exceeds it is picked
    in part, and then nothing is left. The same cells in the same proportion are drawn from a
    target.

    Unlike the authors' code, whose partial picks follow the order of a Python set, the cliques of a
    partial pick are drawn with the seed: the candidates are a function of the graph and the seed.

    Args:
        beta (int): Budget, at least 1: subsets of source cliques, counted per clique.
        tie_break (str): ``"official"``: among equal gains the largest k, then the smallest n; or
            ``"cheapest"``: the smallest cost, then the largest k, then the smallest n.
        charge_maximal (bool): Whether (n, n) costs budget, as in the authors' code, although
            maximal cliques are candidates anyway.
        seed (int): Seed of the draw of cliques where a cell is picked in part.

    Attributes:
        picks_ (Tensor): Picked cells in order, int64 ``(P, 2)``.
        ratio_ (Tensor): Picked part of each, float64 ``(P,)``.
        collected_ (int): Hyperedges of the source among the drawn subsets.

    Raises:
        TypeError, ValueError: By ``fit``, if a parameter is out of range.

    Complexity: that of :func:`rho`, and one pass over the hyperedges of a size per pick.
    Reference: Wang and Kleinberg, "From Graphs to Hypergraphs: Hypergraph Projection and its
        Reconstruction", ICLR 2024. arXiv:2401.08519

    Example:
        >>> from graphlab.hyper import maximal_cliques, project
        >>> h = torch.tensor([[0, 1, 2, 0, 1], [0, 0, 0, 1, 1]])
        >>> cliques = maximal_cliques(project(h, 3), 3)
        >>> sampler = CliqueSampler(4).fit(h, 3, cliques)
        >>> sampler.picks_.tolist(), sampler.sample(cliques).to_list()
        ([[3, 3], [3, 2]], [(0, 1, 2), (0, 1), (0, 2), (1, 2)])
    """

    _read_later: ClassVar[frozenset[str]] = frozenset({"seed"})

    def __init__(
        self,
        beta: int,
        tie_break: Literal["official", "cheapest"] = "official",
        charge_maximal: bool = True,
        seed: int = 0,
    ) -> None:
        self.beta = beta
        self.tie_break = tie_break
        self.charge_maximal = charge_maximal
        self.seed = seed

    def _check_parameters(self) -> None:
        check_int(self.beta, "beta", minimum=1)
        check_choice(self.tie_break, "tie_break", ("official", "cheapest"))
        check_int(self.seed, "seed", minimum=0)

    def fit(
        self,
        hyperedge_index: Hypergraph,
        num_nodes: int | None = None,
        cliques: SetFamily | None = None,
    ) -> Self:
        """Pick cells.

        Args:
            hyperedge_index (Tensor or HyperGraphData): Source incidence ``(2, nnz)``.
            num_nodes (int, optional): Number of nodes N; needed with a tensor.
            cliques (CliqueSet, optional): Maximal cliques of the source's projection; listed here
                when missing.

        Returns:
            Self: This object.

        Raises:
            ValueError: If the source has no hyperedge.
            TypeError, IndexError: If an argument is malformed.
        """
        self._check_parameters()
        hypergraph = read_incidence(hyperedge_index, num_nodes)
        if cliques is None:
            cliques = maximal_cliques(projection(hypergraph)[0], hypergraph.num_nodes)
        family = check_family(cliques, "cliques", hypergraph.num_nodes)
        edges = hypergraph.distinct()
        if len(edges) == 0:
            raise ValueError("hyperedge_index must hold at least one hyperedge to learn from")
        self._pick(edges, family, hypergraph.num_nodes)
        return self

    def _pick(self, edges: NodeSets, cliques: NodeSets, num_nodes: int) -> None:
        by_size: dict[int, list[Cell]] = {}
        for cell in find_cells(edges, cliques, num_nodes):
            by_size.setdefault(cell.k, []).append(cell)
        collected = np.zeros(len(edges), dtype=bool)
        if not self.charge_maximal:
            for group in by_size.values():
                free = [cell for cell in group if cell.n == cell.k]
                for cell in free:  # hyperedges that are maximal cliques need no pick
                    collected[cell.hits] = True
                    group.remove(cell)
        best = {k: self._best(group, collected) for k, group in by_size.items()}
        picks, ratios, left = [], [], self.beta
        while left > 0:
            offers = [offer for offer in best.values() if offer is not None]
            if not offers:
                break
            chosen = max(offers, key=self._priority)
            cell = chosen[1]
            ratio = min(1.0, left / cell.cost)
            drawn = self._part(cell.count, int(ratio * cell.count), cell.n, cell.k)
            edge, position = cell.pairs
            collected[edge[np.isin(position, drawn)]] = True
            picks.append((cell.n, cell.k))
            ratios.append(ratio)
            # A cell that is picked in part takes the whole rest of the budget.
            left = left - cell.cost if cell.cost <= left else 0
            by_size[cell.k].remove(cell)
            best[cell.k] = self._best(by_size[cell.k], collected)
        self.picks_ = torch.tensor(picks, dtype=torch.int64, device="cpu").view(-1, 2)
        self.ratio_ = torch.tensor(ratios, dtype=torch.float64, device="cpu")
        self.collected_ = int(collected.sum())

    def _part(self, total: int, count: int, n: int, k: int) -> Ints:
        """Drawn cliques of a size, as positions in lexicographic order."""
        if count == total:
            return np.arange(total)
        # A generator per cell: what is drawn from one does not depend on the others.
        order = np.random.default_rng([self.seed, n, k]).permutation(total)
        return np.sort(order[:count])

    def _priority(self, offer: tuple[float, Cell]) -> tuple[float, ...]:
        gain, cell = offer
        if self.tie_break == "official":
            return gain, cell.k, -cell.n
        return gain, -cell.cost, cell.k, -cell.n

    def _best(
        self, cells: list[Cell], collected: np.ndarray[tuple[int], np.dtype[np.bool_]]
    ) -> tuple[float, Cell] | None:
        """The cell of one k that adds most per subset, None if nothing adds."""
        offers = [((~collected[cell.hits]).sum() / cell.price, cell) for cell in cells]
        offers = [offer for offer in offers if offer[0] > 0]
        return max(offers, key=self._priority) if offers else None

    def sample(self, cliques: SetFamily, budget: int | None = None) -> CandidateSet:
        """Draw candidates from the maximal cliques of any graph.

        Args:
            cliques (CliqueSet): Maximal cliques.
            budget (int, optional): Largest number of subsets, counted per clique, over all picks in
                their order; maximal cliques do not count. ``None``: no bound, as in the authors'
                code.

        Returns:
            CandidateSet: All maximal cliques, then the drawn subsets that are none.

        Raises:
            NotFittedError: If the sampler is not fitted.
            ValueError: If the draw would not fit into memory.
            TypeError: If an argument is malformed.
        """
        self._check_fitted()
        if budget is not None:
            budget = check_int(budget, "budget", minimum=0)
        if not isinstance(cliques, SetFamily):
            raise TypeError(f"cliques must be a CliqueSet, got {type(cliques).__name__}")
        maximal = node_sets(cliques)
        parents = np.zeros(len(maximal), dtype=np.int64)
        drawn = list(self._draw(maximal, parents, budget))
        nested, counts = sorted_unique(concatenate(*drawn)) if drawn else (_NO_ROWS, _NO_ROWS.idx)
        sets = concatenate(maximal, nested)
        return CandidateSet(
            to_tensor(sets.ptr),
            to_tensor(sets.idx),
            len(maximal),
            to_tensor(np.concatenate([parents, counts])),
            num_nodes=cliques.num_nodes,
            node_id=cliques.node_id,
        )

    def _draw(self, maximal: NodeSets, parents: Ints, budget: int | None) -> Iterator[NodeSets]:
        """Subsets of every pick; picks of whole cliques are noted in ``parents``."""
        groups = {size: (numbers, matrix) for size, numbers, matrix in maximal.by_size()}
        left = math.inf if budget is None else budget
        total = 0
        for (n, k), ratio in zip(self.picks_.tolist(), self.ratio_.tolist(), strict=True):
            if n not in groups:
                continue
            numbers, matrix = groups[n]
            count = int(ratio * len(numbers))
            if n == k:
                parents[numbers[self._part(len(numbers), count, n, k)]] += 1
                continue
            each = math.comb(n, k)
            count = count if left >= count * each else int(left // each)
            left -= count * each
            total += count * each * k
            if total > _MOST:
                raise ValueError(
                    f"the candidates would hold {total} nodes: lower beta or pass a budget"
                )
            if count:
                yield from_matrix(_subsets(matrix[self._part(len(numbers), count, n, k)], k))

    def _arrays(self) -> dict[str, Tensor]:
        self._check_fitted()
        collected = torch.tensor([self.collected_], device="cpu")
        return {"picks": self.picks_, "ratio": self.ratio_, "collected": collected}

    def _set_arrays(self, arrays: dict[str, Tensor]) -> None:
        self._set_picks(arrays["picks"], arrays["ratio"], int(arrays["collected"]))

    def _set_picks(self, picks: Tensor, ratio: Tensor, collected: int) -> None:
        """Take up cells from a file.

        Raises:
            TypeError, ValueError: If they are no sizes of subsets of cliques, or no parts of them.
        """
        if picks.dtype != torch.int64 or picks.dim() != 2 or picks.size(1) != 2:
            raise TypeError(f"picks must be int64 (P, 2), got {picks.dtype} {tuple(picks.shape)}")
        if ratio.shape != picks.shape[:1] or not ratio.is_floating_point():
            raise TypeError(f"ratio must be a number a pick, got {ratio.dtype}")
        if not bool(((picks[:, 1] >= 1) & (picks[:, 0] >= picks[:, 1])).all()):
            raise ValueError("picks must be sizes of cliques and of their subsets")
        if not bool(((ratio >= 0) & (ratio <= 1)).all()):
            raise ValueError("ratio must lie in [0, 1]")
        self.picks_, self.ratio_, self.collected_ = picks, ratio, collected


_NO_ROWS = NodeSets(np.zeros(1, dtype=np.int64), np.zeros(0, dtype=np.int64))


def _subsets(matrix: Ints, k: int) -> Ints:
    """All k-subsets of every row, ``(c * C(n, k), k)`` for c rows."""
    n = matrix.shape[1]
    columns = np.array(list(combinations(range(n), k)), dtype=np.int64).reshape(-1, k)
    out: Ints = matrix[:, columns].reshape(-1, k)
    return out
