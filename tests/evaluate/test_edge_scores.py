"""Scores of links over all edges: ogb, ties, bad input."""

from __future__ import annotations

import math

import pytest
import torch
from ogb.linkproppred import Evaluator

from graphlab.evaluate import hits_at_k, mean_reciprocal_rank


def test_hits_are_strict_and_refuse_too_few_negatives():
    pos, neg = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([2.0, 0.0, 1.0])
    assert hits_at_k(pos, neg, 1) == pytest.approx(1 / 3)
    assert hits_at_k(pos, neg, 2) == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match="neg_score must hold at least 4 scores, got 3"):
        hits_at_k(pos, neg, 4)
    with pytest.raises(ValueError, match=r"pos_score must be finite, but pos_score\[\(0,\)\]"):
        hits_at_k(torch.tensor([math.nan]), neg, 1)


def test_scores_of_edges_are_those_of_ogb():
    generator = torch.Generator().manual_seed(0)
    positive = torch.randn(40, generator=generator)
    negative = torch.randn(200, generator=generator).round(decimals=1)  # with ties
    scores = {"y_pred_pos": positive, "y_pred_neg": negative}
    for name, k in (("ogbl-collab", 50), ("ogbl-ddi", 20), ("ogbl-ppa", 100)):
        assert hits_at_k(positive, negative, k) == Evaluator(name).eval(scores)[f"hits@{k}"]
    own = torch.randn(40, 30, generator=generator).round(decimals=1)
    scores = {"y_pred_pos": positive.round(decimals=1), "y_pred_neg": own}
    expected = Evaluator("ogbl-citation2").eval(scores)["mrr_list"].double().mean()
    assert mean_reciprocal_rank(scores["y_pred_pos"], own) == float(expected)


def test_reciprocal_rank_averages_ties():
    pos = torch.tensor([1.0, 5.0])
    neg = torch.tensor([[2.0, 1.0, 0.0], [1.0, 1.0, 1.0]])
    # Ranks of the first positive: 2 at best, 3 at worst.
    assert mean_reciprocal_rank(pos, neg) == pytest.approx((1 / 2.5 + 1.0) / 2)
    with pytest.raises(ValueError, match="neg_score must have 2 rows"):
        mean_reciprocal_rank(pos, neg[:1])


def test_positives_without_negatives_have_no_rank():
    with pytest.raises(ValueError, match="neg_score must hold at least one negative per positive"):
        mean_reciprocal_rank(torch.ones(2), torch.ones(2, 0))
    with pytest.raises(ValueError, match=r"pos_score must be 1-D floating point, got \(2, 1\)"):
        mean_reciprocal_rank(torch.ones(2, 1), torch.ones(2, 3))
