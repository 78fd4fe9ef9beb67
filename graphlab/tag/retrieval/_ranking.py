"""Seeds of the walk and final scores, from the scores of single documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from graphlab.tag.retrieval._snapshot import Snapshot
from graphlab.tag.retrieval.result import Hit

__all__: list[str] = []

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Ranking:
    """How scores of single documents become a ranking; see :class:`GraphRetriever`."""

    teleport: float
    steps: int
    power: float
    fusion: float
    num_seeds: int | None


@dataclass(frozen=True)
class Scored:
    """A question and all documents.

    Attributes:
        seeds (ndarray): Shares of the start ``(N,)``; zeros where nothing matches.
        lexical (ndarray): BM25 ``(N,)``.
        cosine (ndarray): ``(N,)``; zeros without an encoder.
        walk (ndarray): Where the walk stays: documents, then phrases.
        score (ndarray): What documents are ranked by ``(N,)``.
    """

    seeds: Scores
    lexical: Scores
    cosine: Scores
    walk: NDArray[np.float32]
    score: Scores


def score_all(
    snapshot: Snapshot,
    lexical: Sequence[Scores],
    dense: Sequence[Scores] | None,
    rule: Ranking,
) -> list[Scored]:
    """Scores of all documents for some questions.

    Args:
        snapshot (Snapshot): The documents.
        lexical (sequence of ndarray): BM25 ``(N,)`` of each question.
        dense (sequence of ndarray, optional): Cosines ``(N,)`` of each question.
        rule (Ranking): Parameters.
    """
    kinds = zip(lexical, strict=True) if dense is None else zip(dense, lexical, strict=True)
    seeds = [seed_shares(scores, rule.power, rule.num_seeds) for scores in kinds]
    start = torch.from_numpy(np.stack(seeds, axis=1).astype(np.float32))
    walks = np.ascontiguousarray(snapshot.walk(start, rule.teleport, rule.steps).numpy().T)
    found = []
    for question, walk in enumerate(walks):
        own = walk[: snapshot.num_documents].astype(np.float64)
        cosine = np.zeros_like(own) if dense is None else dense[question]
        score = standardized(np.log(own + 1e-9))
        if dense is not None:
            score += rule.fusion * standardized(cosine)
        found.append(Scored(seeds[question], lexical[question], cosine, walk, score))
    return found


def hits_of(snapshot: Snapshot, scored: Scored, k: int, explain: bool) -> list[Hit]:
    """The k best documents of a question, none where nothing matches.

    Args:
        snapshot (Snapshot): The documents.
        scored (Scored): The question.
        k (int): Documents, at most N.
        explain (bool): Also name the phrases through which the walk came.
    """
    hits = []
    for position in best(scored.score, k).tolist() if scored.seeds.any() else []:
        via = snapshot.via(scored.walk, position) if explain else ()
        kinds = (scored.score, scored.cosine, scored.lexical, scored.seeds, scored.walk)
        one, two, three, four, five = (float(kind[position]) for kind in kinds)
        hits.append(Hit(snapshot.ids[position], one, two, three, four, five, via))
    return hits


def seed_shares(kinds: Sequence[Scores], power: float, num_seeds: int | None) -> Scores:
    """Where the walk of a question starts.

    Every kind of score is scaled to ``[0, 1]``, raised to a power, divided by its sum and added; a
    kind in which all documents are equal says nothing and is left out.

    Args:
        kinds (sequence of ndarray): Scores ``(N,)``.
        power (float): Exponent; the larger, the fewer documents share the start.
        num_seeds (int, optional): Documents that may start a walk; all by default.

    Returns:
        ndarray: ``(N,)`` with sum 1, or 0 where nothing matches.
    """
    total = np.zeros_like(kinds[0])
    for scores in kinds:
        low, high = scores.min(), scores.max()
        if high > low:
            raised = _raised((scores - low) / (high - low), power)
            total += raised / raised.sum()
    if num_seeds is not None and num_seeds < total.size:
        kept = best(total, num_seeds)
        mask = np.ones(total.size, dtype=bool)
        mask[kept] = False
        total[mask] = 0.0
    everything = total.sum()
    shares: Scores = total / everything if everything > 0 else total
    return shares


def _raised(values: Scores, power: float) -> Scores:
    """Values to a power; by squaring as long as it is even, which is several times as fast."""
    while power > 1 and power % 2 == 0:
        values, power = np.square(values), power / 2
    return values if power == 1 else np.power(values, power)


def standardized(scores: Scores) -> Scores:
    """Scores with mean 0 and deviation 1; zeros where all are equal."""
    if not scores.size or scores.min() == scores.max():  # which a mean may miss by its rounding
        return np.zeros_like(scores)
    centred = scores - scores.mean()
    deviation = float(np.sqrt(np.square(centred).mean()))
    unit: Scores = centred / deviation if deviation > 0 else np.zeros_like(scores)
    return unit


def best(scores: Scores, count: int) -> NDArray[np.int64]:
    """Positions of the largest entries in descending order; the first of equal ones.

    Args:
        scores (ndarray): ``(N,)``.
        count (int): Entries, at most N.
    """
    least = np.partition(scores, scores.size - count)[scores.size - count]
    candidates = (scores >= least).nonzero()[0]
    order: NDArray[np.int64] = candidates[np.argsort(-scores[candidates], kind="stable")]
    return order[:count]
