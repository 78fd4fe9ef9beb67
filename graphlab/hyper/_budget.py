"""The search for a sampler's budget by cross-validation on the source."""

from __future__ import annotations

import math

import torch

from graphlab.hyper._recipe import Recipe
from graphlab.hyper._selection import best_threshold, hit_jaccard
from graphlab.hyper._sets import SetFamily
from graphlab.hyper._source import Source
from graphlab.hyper._two_part import out_of_fold
from graphlab.hyper.sampler import CliqueSampler

#: Budgets per source hyperedge that are compared.
FACTORS = (1, 2, 5, 10, 20, 50)
#: A budget that no sampler can use up.
_UNBOUNDED = 2**62


def score_budgets(
    source: Source, features: str, threshold: float | None, seed: int
) -> dict[int, float]:
    """Cross-validated Jaccard index of every budget, by gradient boosting."""
    everything = source.fit_sampler(_UNBOUNDED, False, seed)
    most = max(1, _total_cost(everything, source.cliques))
    total = len(source.edges)
    scores: dict[int, float] = {}
    for factor in FACTORS:
        beta = min(factor * total, most)
        if beta in scores:
            continue
        sampler = source.fit_sampler(beta, False, seed)
        recipe = Recipe(features, False, sampler, len(source.cliques))
        candidates, x = recipe.apply(source.cliques, source.graph)
        y = source.labels(candidates)
        probability = out_of_fold("hgb", x, y, candidates.num_maximal, seed)
        cut = best_threshold(probability, y, total) if threshold is None else threshold
        scores[beta] = hit_jaccard(probability > cut, y, total)
    return scores


def best_budget(scores: dict[int, float]) -> int:
    """The budget with the best score; of equals the smallest."""
    return max(scores, key=lambda beta: (scores[beta], -beta))


def _total_cost(sampler: CliqueSampler, cliques: SetFamily) -> int:
    """Subsets that a sampler without bound pays for."""
    counts = torch.bincount(cliques.sizes).tolist()
    return sum(counts[n] * math.comb(n, k) for n, k in sampler.picks_.tolist())
