"""Candidates with the votes of a judge: edges, likes, matches."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from graphlab._checks import (
    check_edge_weight,
    check_fraction,
    check_index,
    check_int,
    check_real,
    check_real_dtype,
    check_tensor,
)
from graphlab._repr import short_repr
from graphlab.tag.gaugllm._sampling import sample_in_group

__all__ = ["CandidateVote"]


@short_repr
@dataclass(frozen=True, eq=False)
class CandidateVote:
    """Votes on pairs (anchor, item): propose by structure, judge by text, use at a rate.

    GAugLLM asks whether two nodes should be joined; a recommender asks which of a user's candidate
    items the user likes (LLMRec). The pairs, the votes and the draws are the same.

    Attributes:
        anchor (Tensor): ``(M,)`` int64: the node, or the user, whose list the pair belongs to.
        item (Tensor): ``(M,)`` int64: the other node, or the item.
        vote (Tensor): ``(M,)`` int64: 1 yes, 0 no, -1 unknown.
        probability (Tensor, optional): ``(M,)`` in [0, 1] that the answer is yes, NaN where
            unknown; or None.
        problems (tuple[str, ...]): Sentences about answers that could not be used, so that nothing
            is lost silently.

    Raises:
        TypeError, ValueError, IndexError: If lengths differ or a value is out of range.

    Example:
        >>> likes = CandidateVote(torch.tensor([0, 0, 0]), torch.tensor([4, 5, 6]),
        ...                       torch.tensor([1, 0, 0]))
        >>> likes.preferences().t().tolist()  # user, liked, disliked
        [[0, 4, 5], [0, 4, 6]]
    """

    anchor: Tensor
    item: Tensor
    vote: Tensor
    probability: Tensor | None = None
    problems: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        large = torch.iinfo(torch.int64).max
        anchor = check_index(self.anchor, large, "anchor")
        item = check_index(self.item, large, "item", length=anchor.numel())
        vote = check_votes(self.vote, anchor.numel())
        for name, value in (("anchor", anchor), ("item", item), ("vote", vote)):
            object.__setattr__(self, name, value)
        if self.probability is not None:
            _check_probability(self.probability, vote)

    def __len__(self) -> int:
        return self.vote.numel()

    @property
    def known(self) -> Tensor:
        """Mask of the candidates with a vote, bool ``(M,)``."""
        return self.vote >= 0

    def counts(self) -> dict[str, int]:
        """Number of votes: ``yes``, ``no``, ``unknown``."""
        counts = torch.bincount(self.vote + 1, minlength=3).tolist()
        return {"yes": counts[2], "no": counts[1], "unknown": counts[0]}

    def sample(self, budget: Tensor, *, generator: torch.Generator) -> Tensor:
        """Draw candidates of every anchor without replacement, whatever their vote.

        Args:
            budget (Tensor): Most candidates per anchor, ``(G,)`` int64 for anchors in [0, G).
            generator (torch.Generator): Source of the draw.

        Returns:
            Tensor: Which were drawn, bool ``(M,)``.
        """
        check_index(self.anchor, check_tensor(budget, "budget").numel(), "anchor")
        return sample_in_group(self.anchor, budget, generator=generator)

    def preferences(self, rate: float = 1.0, *, generator: torch.Generator | None = None) -> Tensor:
        """Pairs of a yes and a no of the same anchor, as in Bayesian personalised ranking.

        Args:
            rate (float): Share of all such triples to draw, each on its own.
            generator (torch.Generator, optional): Source of the draw; needed if ``rate`` is below
                1.

        Returns:
            LongTensor: ``(3, P)``: anchor, item with a yes, item with a no.

        Raises:
            ValueError: If a draw is needed and no generator is given.
        """
        yes, no = (self.vote == 1).nonzero().view(-1), (self.vote == 0).nonzero().view(-1)
        # Sorted by anchor, the nos of an anchor are one range, found by binary search.
        no = no[self.anchor[no].argsort(stable=True)]
        users = self.anchor[no]
        start = torch.searchsorted(users, self.anchor[yes])
        count = torch.searchsorted(users, self.anchor[yes], right=True) - start
        left = torch.arange(yes.numel(), device=yes.device).repeat_interleave(count)
        # Position of every pair within the range of its yes.
        offset = torch.arange(left.numel(), device=yes.device) - (count.cumsum(0) - count)[left]
        right = no[start[left] + offset]
        triples = torch.stack([self.anchor[yes[left]], self.item[yes[left]], self.item[right]])
        if check_fraction(rate, "rate") == 1.0:
            return triples
        if generator is None:
            raise ValueError("generator must be given where rate is below 1")
        draw = torch.rand(triples.size(1), generator=generator, device=generator.device)
        return triples[:, (draw < rate).to(triples.device)]

    @staticmethod
    def from_scores(anchor: Tensor, item: Tensor, score: Tensor, threshold: float) -> CandidateVote:
        """Turn stored similarities in [0, 1] into votes.

        Args:
            anchor (Tensor): ``(M,)`` int64.
            item (Tensor): ``(M,)`` int64.
            score (Tensor): ``(M,)``; NaN is unknown.
            threshold (float): Yes from this score on.

        Returns:
            CandidateVote: With the scores as probabilities.
        """
        check_real_dtype(check_tensor(score, "score"), "score")
        if bool(score.isinf().any()):
            raise ValueError("score must be finite, or NaN where it is unknown, got inf")
        threshold = check_real(threshold, "threshold")
        unknown = score.isnan()
        vote = torch.where(unknown, -1, (score >= threshold).long())
        return CandidateVote(anchor, item, vote, score)


def check_votes(vote: Tensor, count: int) -> Tensor:
    """Require one vote of -1, 0 or 1 per candidate; returned as int64."""
    vote = check_tensor(vote, "votes")
    if vote.is_floating_point() or vote.is_complex() or vote.dtype == torch.bool:
        raise TypeError(f"votes must be integers in (-1, 0, 1), got dtype {vote.dtype}")
    if vote.shape != (count,):
        raise ValueError(
            f"votes must be one per candidate, got shape {tuple(vote.shape)} for {count} candidates"
        )
    bad = ((vote < -1) | (vote > 1)).nonzero()
    if bad.numel():
        first = int(bad[0])
        raise ValueError(f"votes must be -1, 0 or 1, but votes[{first}] = {int(vote[first])}")
    return vote.long()


def _check_probability(probability: Tensor, vote: Tensor) -> None:
    known = check_tensor(probability, "probability").isfinite()
    clean = torch.where(known, probability, torch.zeros_like(probability))
    check_edge_weight(clean, vote.numel(), "probability")
    check_int(int((clean > 1).sum()), "number of probability values above 1", maximum=0)
    if bool((~known & (vote >= 0)).any()):
        first = int((~known & (vote >= 0)).nonzero()[0])
        raise ValueError(f"probability[{first}] must be given, because votes[{first}] is known")
