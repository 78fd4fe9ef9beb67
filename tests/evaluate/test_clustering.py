"""Clustering scores: golden values, invariances, odd shapes and bad input."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score, f1_score, normalized_mutual_info_score

from graphlab.evaluate import clustering_scores
from tests._golden import arrays

NAMES = ("acc", "nmi", "ari", "f1")


@pytest.mark.parametrize("index", range(5))
def test_golden_scores_of_the_authors(index):
    case = arrays("pamc", "metrics")
    scores = clustering_scores(case[f"y{index}"], case[f"p{index}"])
    assert [scores[name] for name in NAMES] == pytest.approx(case[f"m{index}"], abs=1e-12)


def test_class_never_predicted_is_scored_as_it_is():
    case = arrays("pamc", "metrics")
    y, pred = case["y_gap"], case["p_gap"]
    before = pred.copy()
    scores = clustering_scores(y, pred)
    assert np.array_equal(pred, before)
    assert scores["ari"] == pytest.approx(adjusted_rand_score(y, pred), abs=1e-12)
    assert scores["nmi"] == pytest.approx(normalized_mutual_info_score(y, pred), abs=1e-12)
    best, mapped = best_assignment(y, pred)
    assert scores["acc"] == pytest.approx(best, abs=1e-12)
    assert scores["f1"] == pytest.approx(f1_score(y, mapped, average="macro"), abs=1e-12)
    authors = clustering_scores(y, case["p_gap_after_authors"])
    assert [authors[name] for name in NAMES] == pytest.approx(case["m_gap_authors"], abs=1e-12)
    assert scores["ari"] != pytest.approx(authors["ari"], abs=1e-3)


def best_assignment(y: np.ndarray, pred: np.ndarray) -> tuple[float, np.ndarray]:
    """Accuracy by trying every one-to-one assignment; unmatched clusters become -1."""
    classes, clusters = np.unique(y), np.unique(pred)
    slots = [*classes, *[-100 - i for i in range(len(clusters))]]
    best, kept = -1.0, pred
    for chosen in itertools.permutations(slots, len(clusters)):
        table = dict(zip(clusters, chosen, strict=True))
        mapped = np.array([table[p] for p in pred])
        if np.mean(mapped == y) > best:
            best, kept = float(np.mean(mapped == y)), np.where(mapped <= -100, -1, mapped)
    return best, kept


labellings = st.integers(1, 40).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(-1, 2), min_size=n, max_size=n),
        st.lists(st.integers(3, 6), min_size=n, max_size=n),
    )
)


@pytest.mark.filterwarnings("ignore:.* nodes have y = -1")
@given(labellings)
def test_accuracy_is_the_best_over_all_assignments(pair):
    y, pred = np.array(pair[0]), np.array(pair[1])
    assert clustering_scores(y, pred)["acc"] == pytest.approx(best_assignment(y, pred)[0])


@pytest.mark.filterwarnings("ignore:The number of unique classes")
@pytest.mark.filterwarnings("ignore:.* nodes have y = -1")
@given(labellings)
def test_information_and_rand_agree_with_sklearn(pair):
    scores = clustering_scores(*pair)
    assert scores["nmi"] == pytest.approx(normalized_mutual_info_score(*pair), abs=1e-12)
    assert scores["ari"] == pytest.approx(adjusted_rand_score(*pair), abs=1e-12)


@pytest.mark.filterwarnings("ignore:.* nodes have y = -1")
@given(labellings, st.permutations(range(4)))
def test_names_and_order_do_not_matter(pair, names):
    y, pred = np.array(pair[0]), np.array(pair[1])
    scores = clustering_scores(y, pred)
    renamed = clustering_scores(y + 100, -7 * np.array(names)[pred - 3])
    order = np.random.default_rng(0).permutation(len(y))
    shuffled = clustering_scores(y[order], pred[order])
    # F1 may differ between equally good assignments, so it is left out here.
    for name in ("acc", "nmi", "ari"):
        assert renamed[name] == pytest.approx(scores[name], abs=1e-12)
        assert shuffled[name] == pytest.approx(scores[name], abs=1e-12)
    for name in NAMES:
        assert -0.5 <= scores[name] <= 1.0


@pytest.mark.parametrize("kind", ["list", "array", "int32", "float", "tensor", "read-only"])
def test_kinds_of_input_agree_and_are_not_written(kind):
    y, pred = np.array([0, 0, 1, 1, 2, 2]), np.array([1, 1, 0, 0, 0, 0])
    convert = {
        "list": list,
        "array": np.array,
        "int32": lambda a: a.astype(np.int32),
        "float": lambda a: a.astype(float),
        "tensor": torch.from_numpy,
        "read-only": lambda a: (a.setflags(write=False), a)[1],
    }[kind]
    left, right = convert(y.copy()), convert(pred.copy())
    scores = clustering_scores(left, right)
    assert np.array_equal(np.asarray(left), y)
    assert np.array_equal(np.asarray(right), pred)
    assert scores == clustering_scores(y, pred)
    assert scores["acc"] == pytest.approx(4 / 6)
    # Classes 0, 1 and 2 have F1 1, 2/3 and 0 (in either tie), averaged over all three.
    assert scores["f1"] == pytest.approx((1 + 2 / 3) / 3)


def test_more_clusters_than_classes_count_as_errors():
    scores = clustering_scores([0, 0, 0, 1], [5, 5, 6, 7])
    assert scores["acc"] == pytest.approx(3 / 4)
    assert scores["f1"] == pytest.approx((0.8 + 1.0) / 2)


def test_every_node_its_own_cluster_and_one_cluster():
    own = clustering_scores([0, 0, 1, 1], [0, 1, 2, 3])
    assert own["acc"] == 0.5
    assert own["ari"] == 0.0
    one = clustering_scores([0, 0, 1, 1], [9, 9, 9, 9])
    assert (one["acc"], one["nmi"], one["ari"]) == (0.5, 0.0, 0.0)
    assert clustering_scores([3], [4]) == {"acc": 1.0, "nmi": 1.0, "ari": 1.0, "f1": 1.0}


def test_large_counts_do_not_overflow():
    y = np.repeat([0, 1], 150_000)
    assert clustering_scores(y, 1 - y)["ari"] == 1.0


@pytest.mark.parametrize(
    ("y", "pred", "error", "message"),
    [
        ([0, 1], [0], ValueError, "same length, got 2 and 1"),
        ([], [], ValueError, "y must hold at least one label"),
        ([0, 1], [0.0, float("nan")], ValueError, r"pred\[1\] = nan"),
        ([0, 1], [0.5, 1.0], ValueError, r"pred\[0\] = 0.5"),
        ([0, 1], [float("inf"), 1.0], ValueError, r"pred\[0\] = inf"),
        ([[0, 1]], [0, 1], ValueError, r"y must be 1-D.*\(1, 2\)"),
        (["a", "b"], [0, 1], TypeError, "y must hold whole numbers"),
        ([0, 1], [None, 1], TypeError, "pred must hold whole numbers"),
        ([0, 1], [1j, 0], TypeError, "pred must hold whole numbers"),
    ],
)
def test_bad_input(y, pred, error, message):
    with pytest.raises(error, match=message):
        clustering_scores(y, pred)


def test_nodes_without_a_class_are_told_with_the_fix():
    y, pred = torch.tensor([0, 1, -1, 1]), torch.tensor([0, 1, 1, 1])
    with pytest.warns(UserWarning, match="1 of 4 nodes have y = -1, .* to leave them out"):
        assert clustering_scores(y, pred)["acc"] == 0.75
    assert clustering_scores(y[y >= 0], pred[y >= 0])["acc"] == 1.0
    assert clustering_scores([0, 0, 1, 1], [0, 0, -1, -1])["acc"] == 1.0  # a cluster may be -1
    assert clustering_scores([-1, -1, 1, 1], [0, 0, 1, 1])["acc"] == 1.0  # two signs


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_labels_of_any_floating_type(dtype):
    y, pred = torch.tensor([0, 0, 1, 2]), torch.tensor([1, 1, 0, 0])
    assert clustering_scores(y.to(dtype), pred.to(dtype)) == clustering_scores(y, pred)
