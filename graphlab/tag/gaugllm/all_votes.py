"""Every edit that was voted for, at once."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlab.tag.gaugllm._edit_plan import make_plan
from graphlab.tag.gaugllm._opinion import opinion, pair_number
from graphlab.tag.gaugllm.candidates import EdgeCandidates
from graphlab.tag.gaugllm.votes import CandidateVote

__all__ = ["apply_all_votes"]


def apply_all_votes(
    edge_index: Tensor,
    candidates: EdgeCandidates,
    votes: Tensor | CandidateVote,
    *,
    undirected: bool = False,
    isolated: bool = False,
) -> Tensor:
    """Make every edit that was voted for, without draws.

    Args:
        edge_index (Tensor): Edges ``(2, E)``.
        candidates (EdgeCandidates): The pairs that were judged.
        votes (Tensor or CandidateVote): See :class:`LLMEdgeModifier`.
        undirected (bool): Change both directions together; by default each vote changes its own.
        isolated (bool): Give nodes without edges those voted for. In GAugLLM they do not, because
            budgets are proportional to degrees.

    Returns:
        LongTensor: Edges ``(2, E')``, sorted, without repetition.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed.

    Complexity: O((E + M) log(E + M)).
    """
    if not isinstance(candidates, EdgeCandidates):
        raise TypeError(f"candidates must be EdgeCandidates, got {type(candidates).__name__}")
    plan = make_plan(candidates, edge_index, (1.0, 1.0), undirected)
    pair = pair_number(candidates, undirected)
    yes = opinion(candidates, votes, pair, False).to(edge_index.device)
    drawn = torch.ones_like(yes, dtype=torch.bool)
    if not isolated:
        drawn = plan.budget[plan.group] > 0
    edges = plan.apply(edge_index, drawn, yes)
    keys = (edges[0] * candidates.num_nodes + edges[1]).unique()
    return torch.stack([keys // candidates.num_nodes, keys % candidates.num_nodes])
