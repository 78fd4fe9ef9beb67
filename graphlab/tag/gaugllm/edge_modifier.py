"""Views of a graph whose edges follow votes, node by node and within a budget."""

from __future__ import annotations

import copy

import torch
from torch import Tensor
from torch_geometric import EdgeIndex
from torch_geometric.data import Data
from torch_geometric.transforms import BaseTransform

from graphlab._checks import check_fraction, check_int
from graphlab._checks.graph_kinds import check_simple_graph
from graphlab._graphs.edges import read_structure
from graphlab._random import make_generator
from graphlab._tensor_memo import TensorMemo
from graphlab.tag.gaugllm._edit_plan import EditPlan, make_plan
from graphlab.tag.gaugllm._opinion import opinion, pair_number
from graphlab.tag.gaugllm._sampling import sample_in_group
from graphlab.tag.gaugllm.candidates import EdgeCandidates
from graphlab.tag.gaugllm.changes import EdgeChanges, edge_changes
from graphlab.tag.gaugllm.votes import CandidateVote

__all__ = ["LLMEdgeModifier"]


class LLMEdgeModifier(BaseTransform):
    r"""Add and delete edges that a judge voted on, a random part of them at every call.

    A node of degree d draws ``round(p_add d)`` of its candidates for addition and
    ``round(p_del d)`` of those for deletion, uniformly and without replacement (half to even; never
    more than there are). Of those drawn, additions with a yes are made and deletions with a no.
    Unknown votes change nothing. Isolated nodes draw nothing, as their budget is zero.

    With ``undirected`` both directions of an edge change together. Where the lists of both ends ask
    about the same pair, the votes are averaged first; a tie changes nothing.

    Differences from the released code, in which no addition ever arrives, draws are the first of
    each list, votes are read at shifted positions for nodes with few neighbours, and the result is
    a directed graph with repeated edges: none of that is reproduced.

    Args:
        candidates (EdgeCandidates): The pairs that were judged.
        votes (Tensor or CandidateVote): ``(M,)`` int64: 1 the edge should be, 0 it should not, -1
            unknown.
        p_add (float): Budget for additions per degree, in [0, 1].
        p_del (float): Budget for deletions per degree, in [0, 1].
        undirected (bool): The graph is undirected, and stays so.
        seed (int, optional): Seed of the draws of :meth:`__call__`; ``None`` takes one from the
            operating system. Every call draws anew.
        soft (bool): Draw a yes with the judge's probability instead of taking the vote; needs a
            :class:`CandidateVote` with probabilities.

    Raises:
        TypeError, ValueError: If an argument is malformed, votes are not one per candidate, or they
            belong to other pairs.

    Complexity: O((E + M) log M) for the first call on an edge tensor, then O(E + M log M).

    Reference: Fang et al., "GAugLLM", KDD 2024, arXiv:2406.11945.

    Example:
        >>> path = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
        >>> asked = EdgeCandidates(torch.tensor([0, 1]), torch.tensor([2, 0]), torch.tensor([1, 0]),
        ...                        num_nodes=3)
        >>> modify = LLMEdgeModifier(asked, torch.tensor([1, 0]), p_add=1.0, p_del=1.0, seed=0)
        >>> modify(Data(edge_index=path, num_nodes=3)).edge_index.tolist()
        [[1, 2, 0, 2], [2, 1, 2, 0]]
        >>> modify.changes
        EdgeChanges(before=4, added=2, deleted=2, isolated=0)
    """

    def __init__(
        self,
        candidates: EdgeCandidates,
        votes: Tensor | CandidateVote,
        p_add: float = 0.5,
        p_del: float = 0.5,
        undirected: bool = True,
        seed: int | None = None,
        *,
        soft: bool = False,
    ) -> None:
        if not isinstance(candidates, EdgeCandidates):
            raise TypeError(f"candidates must be EdgeCandidates, got {type(candidates).__name__}")
        self.candidates = candidates
        self.p_add = check_fraction(p_add, "p_add")
        self.p_del = check_fraction(p_del, "p_del")
        self.undirected = bool(undirected)
        self.soft = bool(soft)
        # An own generator: the global one is nobody's to advance.
        self.seed = torch.Generator().seed() if seed is None else check_int(seed, "seed", minimum=0)
        self._generator = make_generator(self.seed)
        self._pair = pair_number(candidates, self.undirected)
        self._yes = opinion(candidates, votes, self._pair, self.soft)
        self._memo: TensorMemo[EditPlan] = TensorMemo()
        self._last: tuple[Tensor, Tensor] | None = None

    def forward(self, data: Data) -> Data:
        """Return a copy of the graph with a new draw of edits.

        An ``EdgeIndex`` stays one, of the same size; its edges come in no order.

        Args:
            data (Data): The graph.

        Returns:
            Data: Shares everything but the edges.

        Raises:
            TypeError: If it is not a ``Data``.
            ValueError: If the graph has another number of nodes, attributes of edges (which new
                edges would lack), is not undirected though it should be, or does not fit the
                candidates.
        """
        check_simple_graph(data, "data")
        if not isinstance(data, Data):
            raise TypeError(f"data must be a torch_geometric Data, got {type(data).__name__}")
        if data.num_nodes != self.candidates.num_nodes:
            raise ValueError(
                f"data must have {self.candidates.num_nodes} nodes, got {data.num_nodes}"
            )
        extra = [name for name in data.edge_attrs() if name != "edge_index"]
        if extra:
            raise ValueError(f"data must have no attributes of edges, got {extra}")
        result = copy.copy(data)
        given, _ = read_structure(data, data.num_nodes)
        edges = self.edit(given)
        if isinstance(given, EdgeIndex):
            edges = EdgeIndex(edges, sparse_size=given.sparse_size())
        if "adj_t" in result:
            del result.adj_t  # it holds the edges of before
        result.edge_index = edges
        return result

    def edit(self, edge_index: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Return the edges ``(2, E')`` after one draw: those kept in their order, then new ones.

        It is an augmentation of edges as the two-view methods expect them.

        Args:
            edge_index (Tensor): Edges ``(2, E)``.
            generator (torch.Generator, optional): Source of the draw; by default that of the seed.

        Raises:
            ValueError: As :meth:`forward`.
        """
        plan = self._planned(edge_index)
        source = self._generator if generator is None else generator
        drawn = sample_in_group(plan.group, plan.budget, generator=source)
        yes = self._yes
        if self.soft:
            # One draw per pair, so that its two directions agree.
            draw = torch.rand(yes.shape, generator=source, device=source.device).to(yes.device)
            yes = torch.where(yes.isnan(), yes, (draw[self._pair] < yes).to(yes.dtype))
        result = plan.apply(edge_index, drawn, yes)
        self._last = (edge_index, result)
        return result

    def vetted(self, edge_index: Tensor) -> Tensor:
        """Return the pairs ``(2, P)`` that are to be edges by the votes, edges now or not.

        Args:
            edge_index (Tensor): Edges ``(2, E)``.
        """
        self._planned(edge_index)
        chosen = self._yes > 0.5
        pairs = torch.stack([self.candidates.src[chosen], self.candidates.dst[chosen]])
        return self._planned(edge_index).directions(pairs)

    def opinions(self) -> Tensor:
        """Opinion on every candidate, ``(M,)`` float64: 1 yes, 0 no, -1 where nothing is known.

        Returns:
            Tensor: A copy; with ``soft`` the probabilities.
        """
        return self._yes.nan_to_num(-1.0)

    @property
    def changes(self) -> EdgeChanges | None:
        """Changes of the last call; None before the first."""
        return None if self._last is None else edge_changes(*self._last, self.candidates.num_nodes)

    def _planned(self, edge_index: Tensor) -> EditPlan:
        rates = (self.p_del, self.p_add)
        plan = self._memo.get(
            (edge_index,), lambda: make_plan(self.candidates, edge_index, rates, self.undirected)
        )
        self._yes = self._yes.to(edge_index.device)
        self._pair = self._pair.to(edge_index.device)
        return plan

    def __getstate__(self) -> dict[str, object]:
        # What belongs to one edge tensor does not travel to another process or into a copy.
        return {**self.__dict__, "_last": None}

    def __repr__(self) -> str:
        return (
            f"LLMEdgeModifier({len(self.candidates)} candidates, p_add={self.p_add}, "
            f"p_del={self.p_del}, undirected={self.undirected}, seed={self.seed})"
        )
