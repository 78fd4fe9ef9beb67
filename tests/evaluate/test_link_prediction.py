"""Link prediction scores: golden files, ogb and PyG, conventions, bad input."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from ogb.linkproppred import Evaluator
from torch_geometric import metrics as pyg

from graphlab.evaluate import (
    correlation_table,
    hits_at_k,
    link_ranking_metrics,
    mean_reciprocal_rank,
    per_node_link_metrics,
    top_predictions,
)
from tests._golden import arrays as load_arrays

METRICS = ["recall", "ndcg", "hit", "precision", "f1"]


@pytest.fixture(scope="module")
def case():
    arrays = load_arrays("tc", "node_metrics")
    row = np.repeat(np.arange(40), np.diff(arrays["gt_ptr"]))
    truth = torch.from_numpy(np.stack([row, arrays["gt_idx"]])).long()
    return torch.from_numpy(arrays["score"]), truth, arrays


def test_golden_node_metrics(case):
    score, truth, arrays = case
    counted = np.diff(arrays["gt_ptr"]) > 0
    for column, k in enumerate(arrays["ks"].tolist()):
        got = per_node_link_metrics(score, truth, k, exclude_self=False, metrics=METRICS)
        for name in METRICS:
            want = arrays[name][:, column]
            np.testing.assert_allclose(got[name][counted], want[counted], rtol=1e-6, atol=1e-7)
            assert got[name][~counted].isnan().all()


def test_golden_reciprocal_rank_is_that_without_a_limit(case):
    score, truth, arrays = case
    counted = np.diff(arrays["gt_ptr"]) > 0
    got = per_node_link_metrics(score, truth, 120, exclude_self=False, metrics=["mrr"])["mrr"]
    np.testing.assert_allclose(got[counted], arrays["mrr"][counted], rtol=1e-6)


def test_means_are_those_of_the_public_classes(case):
    # The values per node come from a private function of PyG: this fails if it changes.
    score, truth, _ = case
    pred = top_predictions(score, 10, exclude_self=False)
    ours = link_ranking_metrics(pred, truth, 10)
    public = {
        "precision": pyg.LinkPredPrecision,
        "recall": pyg.LinkPredRecall,
        "f1": pyg.LinkPredF1,
        "ndcg": pyg.LinkPredNDCG,
        "hit": pyg.LinkPredHitRatio,
        "mrr": pyg.LinkPredMRR,
    }
    assert set(ours) == set(public)
    for name, kind in public.items():
        metric = kind(k=10)
        metric.update(pred, truth)
        assert ours[name] == pytest.approx(float(metric.compute()), rel=1e-5)


def test_top_predictions_leave_out_what_they_are_told():
    score = torch.tensor([[3.0, 2.0, 1.0, 0.0], [0.0, 9.0, 5.0, 5.0]])
    assert top_predictions(score, 2, exclude_self=False).tolist() == [[0, 1], [1, 2]]
    assert top_predictions(score, 2).tolist() == [[1, 2], [2, 3]]
    exclude = torch.tensor([[0, 1, 3], [1, 2, 0]])
    assert top_predictions(score, 2, exclude=exclude).tolist() == [[2, 3], [3, 0]]
    nodes = torch.tensor([3, 2])
    got = top_predictions(score, 2, nodes=nodes, exclude=exclude)
    assert got.tolist() == [[1, 2], [1, 3]]


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


def test_correlations():
    x = torch.arange(6.0)
    table = correlation_table(
        {"x": x, "square": x**2}, {"y": -x, "holes": torch.where(x > 3, x, torch.nan)}
    )
    assert table["x"]["y"] == pytest.approx({"pearson": -1.0, "spearman": -1.0, "num_nodes": 6})
    assert table["square"]["y"]["spearman"] == pytest.approx(-1.0)
    assert table["square"]["y"]["pearson"] > -0.99
    assert table["x"]["holes"]["num_nodes"] == 2
    with pytest.warns(UserWarning, match="correlation of one and y is undefined"):
        constant = correlation_table({"one": torch.ones(6)}, {"y": x})
    assert math.isnan(constant["one"]["y"]["pearson"])
    masked = correlation_table({"x": x}, {"y": x}, x < 3)
    assert masked["x"]["y"]["num_nodes"] == 3
    with pytest.raises(ValueError, match="1-D of one length"):
        correlation_table({"x": x}, {"y": x[:3]})


def test_bad_arguments_are_refused():
    score = torch.zeros(2, 4)
    truth = torch.tensor([[0, 1], [1, 2]])
    with pytest.raises(ValueError, match="score must be finite"):
        per_node_link_metrics(score / 0, truth, 2)
    with pytest.raises(ValueError, match="k must be at most 4"):
        per_node_link_metrics(score, truth, 5)
    with pytest.raises(ValueError, match="metrics must be one of"):
        per_node_link_metrics(score, truth, 2, metrics=["auc"])
    with pytest.raises(IndexError, match="ground_truth.*row 2"):
        per_node_link_metrics(score, torch.tensor([[2], [0]]), 2)
    with pytest.raises(ValueError, match="int64 predictions of at least k=3"):
        per_node_link_metrics(torch.zeros(2, 2, dtype=torch.int64), truth, 3)
    with pytest.raises(ValueError, match="must not repeat"):
        top_predictions(score, 2, nodes=torch.tensor([1, 1]))


def test_partner_predicted_twice_is_refused():
    truth = torch.tensor([[0, 1], [2, 0]])
    with pytest.raises(ValueError, match=r"pred\[1\] holds 0 twice"):
        per_node_link_metrics(torch.tensor([[2, 1], [0, 0]]), truth, 2)
    # In PyG, a -1 in one row is the largest partner of the row before.
    with pytest.raises(IndexError, match=r"pred\[1, 0\] = -1"):
        per_node_link_metrics(torch.tensor([[2, 1], [-1, 0]]), truth, 2)
    beyond = per_node_link_metrics(torch.tensor([[2, 1, 1], [0, 1, 1]]), truth, 2)
    assert beyond["recall"].tolist() == [1.0, 1.0]


def test_true_partner_that_does_not_exist_is_refused():
    with pytest.raises(IndexError, match=r"ground_truth\[1\]\[1\] = 5 is outside \[0, 5\)"):
        per_node_link_metrics(torch.eye(5), torch.tensor([[0, 1], [4, 5]]), 2)


@pytest.mark.parametrize("mask", [torch.tensor([1, 1, 0]), torch.tensor([True, False])])
def test_correlations_refuse_another_mask(mask):
    values = {"a": torch.arange(3.0)}
    with pytest.raises(ValueError, match=r"mask must be bool of shape \(3,\)"):
        correlation_table(values, {"b": torch.arange(3.0)}, mask=mask)


def test_correlations_look_at_every_length():
    with pytest.raises(ValueError, match="1-D of one length"):
        correlation_table({"a": torch.arange(4.0)}, {"a": torch.arange(5.0)})
