"""Opinion of a judge on every pair of candidates, both directions together."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlab.tag.gaugllm.candidates import EdgeCandidates
from graphlab.tag.gaugllm.votes import CandidateVote, check_votes


def pair_number(candidates: EdgeCandidates, undirected: bool) -> Tensor:
    """Number of each candidate's pair ``(M,)``: the same for both directions if undirected."""
    if not undirected:
        return torch.arange(len(candidates), device=candidates.src.device)
    ends = torch.stack([candidates.src, candidates.dst]).sort(dim=0).values
    # The smaller id first: both directions of a pair get one key.
    keys = ends[0] * candidates.num_nodes + ends[1]
    number: Tensor = keys.unique(return_inverse=True)[1]
    return number


def opinion(
    candidates: EdgeCandidates, votes: Tensor | CandidateVote, pair: Tensor, soft: bool
) -> Tensor:
    """Mean vote of each candidate's pair.

    Args:
        candidates (EdgeCandidates): The pairs that were judged.
        votes (Tensor or CandidateVote): Votes ``(M,)``.
        pair (Tensor): Number of each candidate's pair; see :func:`pair_number`.
        soft (bool): Average the probabilities instead of the votes.

    Returns:
        Tensor: float64 ``(M,)``: 1 for a yes, 0 for a no, NaN where nothing is known or votes are
        tied; the mean probability if ``soft``.

    Raises:
        TypeError, ValueError: If the votes do not fit the candidates, or lack probabilities.
    """
    vote, probability = _read_votes(candidates, votes)
    if soft and probability is None:
        raise ValueError("soft=True needs votes with a probability")
    value = probability.double() if soft and probability is not None else vote.double()
    known = vote >= 0
    # Averages over the two directions; a sum of ones and zeros is exact in any order.
    total = value.new_zeros(len(candidates)).index_add_(0, pair[known], value[known])
    count = value.new_zeros(len(candidates)).index_add_(0, pair[known], known[known].double())
    mean = (total / count)[pair]  # 0 / 0 is NaN: nobody knows
    return mean if soft else torch.where(mean == 0.5, torch.nan, mean.round())


def _read_votes(
    candidates: EdgeCandidates, votes: Tensor | CandidateVote
) -> tuple[Tensor, Tensor | None]:
    """Votes and probabilities, checked against the candidates."""
    if not isinstance(votes, CandidateVote):
        return check_votes(votes, len(candidates)).to(candidates.src.device), None
    same = len(votes) == len(candidates) and torch.equal(votes.anchor, candidates.src)
    if not (same and torch.equal(votes.item, candidates.dst)):
        raise ValueError("votes must be about the pairs of candidates, in their order")
    return votes.vote, votes.probability
