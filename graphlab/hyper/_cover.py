"""Additions to the candidates, and what a sampler pays for them."""

from __future__ import annotations

import math

import numpy as np
import torch

from graphlab.hyper._sets import (
    Ints,
    Rows,
    SetFamily,
    concatenate,
    find,
    rows_of,
    sorted_unique,
    to_tensor,
)
from graphlab.hyper.sampler import CandidateSet, CliqueSampler


def with_cover(candidates: CandidateSet, cover: Rows) -> CandidateSet:
    """Add the cliques of the cover that the sampler did not draw."""
    rows = rows_of(candidates)
    new = cover.take(np.flatnonzero(find(cover, rows) < 0))
    if len(new) == 0:
        return candidates
    cut = candidates.num_maximal
    nested, order = _merge(rows.take(np.arange(cut, len(rows))), new)
    whole = concatenate(rows.take(np.arange(cut)), nested)
    drawn = torch.cat([candidates.parents[cut:], torch.zeros(len(new), dtype=torch.int64)])
    parents = torch.cat([candidates.parents[:cut], drawn[torch.from_numpy(order)]])
    return CandidateSet(to_tensor(whole.ptr), to_tensor(whole.idx), cut, parents)


def _merge(left: Rows, right: Rows) -> tuple[Rows, Ints]:
    both = concatenate(left, right)
    merged, _ = sorted_unique(both)
    order = np.empty(len(both), dtype=np.int64)
    order[find(both, merged)] = np.arange(len(both))
    return merged, order


def total_cost(sampler: CliqueSampler, cliques: SetFamily) -> int:
    """Subsets that a sampler without bound pays for."""
    counts = torch.bincount(cliques.sizes).tolist()
    return sum(counts[n] * math.comb(n, k) for n, k in sampler.picks_.tolist())
