"""Ranking of links per node: golden files, PyG, conventions, bad input."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch_geometric import metrics as pyg

from graphlab.evaluate import (
    link_ranking_metrics,
    per_node_link_metrics,
    top_predictions,
)
from tests._golden import arrays as load_arrays
from tests.ops._memory import peak_growth

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


def test_top_predictions_leave_out_what_is_excluded():
    score = torch.tensor([[3.0, 2.0, 1.0, 0.0], [0.0, 9.0, 5.0, 5.0]])
    assert top_predictions(score, 2, exclude_self=False).tolist() == [[0, 1], [1, 2]]
    assert top_predictions(score, 2).tolist() == [[1, 2], [2, 3]]
    exclude = torch.tensor([[0, 1, 3], [1, 2, 0]])
    assert top_predictions(score, 2, exclude=exclude).tolist() == [[2, 3], [3, 0]]
    nodes = torch.tensor([3, 2])
    got = top_predictions(score, 2, nodes=nodes, exclude=exclude)
    assert got.tolist() == [[1, 2], [1, 3]]


def test_equal_embeddings_are_ranked_by_index():
    generator = torch.Generator().manual_seed(5)
    for width in (16, 64, 100):
        z = torch.randn(1, width, generator=generator).repeat(6, 1)
        nodes = torch.arange(5)  # products of 5 x 6: of 6 x 6 equal columns are equal anyhow
        found = top_predictions(None, 6, z=z, nodes=nodes, exclude_self=False)
        assert found.tolist() == [[*range(6)]] * 5


def test_what_must_not_be_predicted_is_no_hit_where_it_fills_a_row():
    score, truth = torch.tensor([[0.0, 3.0, 2.0]]), torch.tensor([[0, 0], [1, 2]])
    options = {"k": 3, "exclude": torch.tensor([[0], [1]]), "nodes": torch.tensor([0])}
    for given in ({"pred": score}, {"z": torch.tensor([[1.0, 0.0], [3.0, 0.0], [2.0, 0.0]])}):
        found = per_node_link_metrics(ground_truth=truth, **given, **options)
        assert found["hit"].tolist() == [1.0]
        assert found["recall"].tolist() == [0.5]  # node 2, the first of those that are allowed
        assert found["mrr"].tolist() == [1.0]
    alone = per_node_link_metrics(score, truth[:, :1], **options)
    assert alone["hit"].tolist() == alone["recall"].tolist() == alone["mrr"].tolist() == [0.0]


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


def by_sort(score, k, blocked):
    """The definition: a stable sort of whole rows."""
    masked = score.masked_fill(blocked, -torch.inf)
    return torch.sort(masked, dim=1, descending=True, stable=True).indices[:, :k]


@pytest.mark.parametrize("levels", [1, 2, 5, 1000])
@pytest.mark.parametrize("k", [1, 7, 60])
def test_top_predictions_are_those_of_a_stable_sort(levels, k, monkeypatch):
    monkeypatch.setattr("graphlab.evaluate.link_ranking._CHUNK", 60 * 13)
    generator = torch.Generator().manual_seed(levels)
    score = torch.randint(levels, (60, 60), generator=generator).float()
    exclude = torch.randint(60, (2, 300), generator=generator)
    blocked = torch.eye(60, dtype=torch.bool)
    blocked[exclude[0], exclude[1]] = True
    assert top_predictions(score, k, exclude=exclude).equal(by_sort(score, k, blocked))
    nodes = torch.randperm(60, generator=generator)[:11]
    got = top_predictions(score[nodes], k, nodes=nodes, exclude=exclude)
    assert got.equal(by_sort(score[nodes], k, blocked[nodes]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_embeddings_give_what_their_scores_give(dtype, monkeypatch):
    monkeypatch.setattr("graphlab.evaluate.link_ranking._CHUNK", 50 * 7)
    generator = torch.Generator().manual_seed(0)
    # Whole numbers: products are exact, and many are equal.
    z = torch.randint(-3, 4, (50, 4), generator=generator).to(dtype)
    score = (z.double() @ z.double().t()).float()
    exclude, truth = torch.randint(50, (2, 2, 120), generator=generator)
    for options in ({}, {"exclude": exclude}, {"exclude_self": False}):
        assert top_predictions(None, 9, z=z, **options).equal(top_predictions(score, 9, **options))
        dense = per_node_link_metrics(score, truth, 9, **options)
        for name, value in per_node_link_metrics(z=z, ground_truth=truth, k=9, **options).items():
            assert torch.equal(value.nan_to_num(-1), dense[name].nan_to_num(-1))
    nodes = torch.tensor([30, 2, 17])
    few = truth[:, truth[0] < 3]
    dense = per_node_link_metrics(score[nodes], few, 5, nodes=nodes)["recall"]
    got = per_node_link_metrics(None, few, 5, z=z, nodes=nodes)["recall"]
    assert torch.equal(got.nan_to_num(-1), dense.nan_to_num(-1))


def test_embeddings_are_checked():
    truth = torch.tensor([[0], [1]])
    with pytest.raises(ValueError, match="pred or z must be given, and not both"):
        per_node_link_metrics(torch.zeros(2, 2), truth, 1, z=torch.zeros(2, 2))
    with pytest.raises(ValueError, match="score or z must be given"):
        top_predictions(None, 1)
    with pytest.raises(ValueError, match="z must have finite inner products"):
        top_predictions(None, 1, z=torch.full((3, 2), 3e38))
    with pytest.raises(ValueError, match="k must be at most 3"):
        top_predictions(None, 4, z=torch.zeros(3, 2))
    with pytest.raises(TypeError, match="k must be an int, got NoneType"):
        per_node_link_metrics(z=torch.zeros(3, 2), ground_truth=truth)


def test_the_default_device_does_not_matter(case):
    score, truth, _ = case
    want = per_node_link_metrics(score, truth, 10)
    with torch.device("meta"):
        got = per_node_link_metrics(score, truth, 10)
    for name, value in want.items():
        assert got[name].nan_to_num(-1).equal(value.nan_to_num(-1))


@pytest.mark.slow
def test_memory_of_embeddings_is_linear():
    growth, size = peak_growth(
        """
        from graphlab.evaluate import link_ranking
        link_ranking._CHUNK = 2**18
        z = torch.randn(12_000, 16)
        size = 4 * 12_000**2  # bytes of the matrix of all pairs
        def work():
            link_ranking.top_predictions(None, 10, z=z)
        """
    )
    assert growth < size / 8


def test_more_rows_than_nodes_need_the_nodes():
    with pytest.raises(ValueError, match="score has 3 rows for 2 nodes: pass nodes"):
        top_predictions(torch.zeros(3, 2), 1)
