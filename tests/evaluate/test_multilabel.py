"""Multilabel probe: scores by hand, leaks, degenerate labels, BlogCatalog."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.multiclass import OneVsRestClassifier

from graphlab.datasets import MultilabelDataset
from graphlab.embed import FastRP
from graphlab.evaluate import multilabel_cross_validation, multilabel_probe
from tests._data import test_data_root
from tests._golden import document


def problem(nodes=240, dim=8, labels=5):
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(nodes, dim, generator=generator)
    score = z @ torch.randn(dim, labels, generator=generator)
    y = score + torch.randn(nodes, labels, generator=generator) > 1.5
    return z, y, torch.arange(150), torch.arange(150, nodes)


def test_equals_scikit_learn():
    z, y, train, test = problem()
    got = multilabel_probe(z, y, train, test, c=0.5)
    model = OneVsRestClassifier(LogisticRegression(C=0.5, solver="liblinear"))
    score = model.fit(z[train].double().numpy(), y[train].numpy()).predict_proba(
        z[test].double().numpy()
    )
    truth = y[test].numpy()
    known = np.zeros_like(truth)
    for row, count in enumerate(truth.sum(1)):
        known[row, np.argsort(-score[row])[:count]] = True
    want = [
        f1_score(truth, decision, average=average, zero_division=0)
        for decision in (known, score >= 0.5)
        for average in ("micro", "macro")
    ]
    scores = [got.micro_f1, got.macro_f1, got.micro_f1_threshold, got.macro_f1_threshold]
    assert scores == pytest.approx(want)


def test_thresholded_scores_do_not_depend_on_how_many_labels_the_test_has():
    z, y, train, test = problem()
    first = multilabel_probe(z, y, train, test, threshold=1.0)
    assert first.micro_f1_threshold == 0.0 and first.micro_f1 > 0.3


def test_candidates_are_chosen_inside_the_train_nodes():
    z, y, train, test = problem()
    grid = (0.01, 0.1, 1.0, 10.0)
    result = multilabel_probe(z, y, train, test, c=grid)
    inside = multilabel_cross_validation(z, y, train, grid)
    assert result.val_scores == {c: means["micro_f1"] for c, means in inside.items()}
    assert result.c == max(grid, key=result.val_scores.__getitem__)
    again = multilabel_probe(z, y, train, test, c=result.c)
    assert (again.micro_f1, again.macro_f1) == (result.micro_f1, result.macro_f1)
    hidden = y.clone()
    hidden[test] = ~hidden[test]
    assert multilabel_cross_validation(z, hidden, train, grid) == inside
    assert multilabel_cross_validation(z, y, train, grid, seed=1) != inside


def test_the_outermost_candidate_is_a_warning():
    z, y, train, test = problem()
    with pytest.warns(UserWarning, match="best C is the largest candidate, 0.003, .* larger ones"):
        multilabel_probe(z, y, train, test, c=(1e-3, 2e-3, 3e-3))
    for candidates in ((), (1.0, -1.0)):
        with pytest.raises(ValueError, match="candidates"):
            multilabel_probe(z, y, train, test, c=candidates)
    with pytest.raises(ValueError, match="select must be one of"):
        multilabel_probe(z, y, train, test, select="f1")


def test_labels_that_all_or_no_train_nodes_have():
    z, y, train, test = problem()
    y = y.clone()
    y[train, 0], y[train, 1] = True, False
    result = multilabel_probe(z, y, train, test)
    assert 0 < result.macro_f1 < 1
    y[:] = torch.tensor([True, False, True, False, False])
    result = multilabel_probe(z, y, train, test)
    assert (result.micro_f1, result.macro_f1) == (1.0, 0.4)  # labels that nobody has count 0


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"z": torch.ones(240)}, ValueError, "z must be 2-D"),
        ({"z": torch.ones(240, 0)}, ValueError, r"z must have at least one column, got shape"),
        ({"y": torch.full((240, 5), 2)}, ValueError, r"0 and 1 alone, but y\[\(0, 0\)\] = 2"),
        ({"y": torch.full((240, 5), 0.5)}, ValueError, r"0 and 1 alone, but y\[\(0, 0\)\] = 0.5"),
        ({"y": torch.full((240, 5), torch.nan)}, ValueError, r"but y\[\(0, 0\)\] = nan"),
        ({"y": torch.ones(9, 5).bool()}, ValueError, r"bool, or 0 and 1, of shape \(240, K\)"),
        ({"y": torch.ones(240).bool()}, ValueError, r"bool, or 0 and 1, of shape \(240, K\)"),
        ({"train": torch.arange(160)}, ValueError, "share 10 nodes, the first is 150"),
        ({"test": torch.tensor([240])}, IndexError, r"test\[0\] = 240"),
        ({"train": torch.arange(0)}, ValueError, "train must hold at least one node"),
        ({"c": 0.0}, ValueError, "c must be positive"),
        ({"threshold": 2.0}, ValueError, "threshold must lie in"),
    ],
)
def test_bad_input_is_refused_by_name(changes, error, words):
    arguments = dict(zip(("z", "y", "train", "test"), problem(), strict=True))
    with pytest.raises(error, match=words):
        multilabel_probe(**(arguments | changes))


@pytest.mark.parametrize("dtype", [torch.int64, torch.uint8, torch.float32, torch.float64])
def test_zeros_and_ones_are_labels(dtype):
    z, y, train, test = problem()
    given = y.to(dtype)
    assert multilabel_probe(z, given, train, test, c=[0.5, 1.0, 2.0], folds=2) == multilabel_probe(
        z, y, train, test, c=[0.5, 1.0, 2.0], folds=2
    )
    assert multilabel_probe(z.numpy(), given.numpy(), train, test) == multilabel_probe(
        z, y, train, test
    )


def test_values_of_nodes_in_no_part_are_not_looked_at():
    z, y, train, test = problem()
    given = y.float()
    outside = torch.ones(len(y), dtype=torch.bool)
    outside[train], outside[test] = False, False
    given[outside] = torch.nan
    given[test[0], 1] = 3
    train_only = multilabel_cross_validation(z, given, train, [1.0])
    assert train_only == multilabel_cross_validation(z, y, train, [1.0])
    with pytest.raises(ValueError, match=rf"but y\[\({int(test[0])}, 1\)\] = 3.0"):
        multilabel_probe(z, given, train, test)


@pytest.mark.slow
def test_blogcatalog_reaches_the_authors_scores(tmp_path):
    data = MultilabelDataset(tmp_path, "blogcatalog", source=test_data_root("multilabel"))[0]
    bar = document("embed", "f1_blogcatalog")
    authors = bar["d128_norm1"]["scores"]["0.1"]
    z = FastRP(128, standardize=True, seed=0).fit_transform(data)
    scores = []
    for seed in range(3):
        order = torch.from_numpy(np.random.RandomState(seed).permutation(data.num_nodes))
        count = data.num_nodes // 10
        result = multilabel_probe(z, data.y, order[:count], order[count:], c=0.1)
        scores.append((result.micro_f1, result.macro_f1))
    micro, macro = np.mean(scores, axis=0)
    assert abs(micro - authors["micro_mean"]) < 3 * authors["micro_std"]
    assert abs(macro - authors["macro_mean"]) < 3 * authors["macro_std"]


def test_global_generators_stay_as_they_are():
    z, y = torch.randn(20, 3), torch.arange(20).unsqueeze(1) % 2 == torch.arange(2)
    before = np.random.get_state()
    multilabel_probe(z, y, torch.arange(10), torch.arange(10, 20))
    after = np.random.get_state()
    assert after[2] == before[2] and np.array_equal(after[1], before[1])


def test_no_labels_at_all_are_refused():
    with pytest.raises(ValueError, match="y must hold at least one label"):
        multilabel_probe(torch.eye(4), torch.ones(4, 0).bool(), torch.arange(2), torch.arange(2, 4))


def test_labels_of_near_certain_probability_are_still_ranked():
    # Log-odds of some hundred: as probabilities, most of the best labels are one and tie.
    draw = np.random.default_rng(0)
    z = 200 * draw.standard_normal((200, 4))
    y = z @ draw.standard_normal((4, 6)) > 0
    model = OneVsRestClassifier(LogisticRegression(solver="liblinear", tol=1e-8))
    best = model.fit(z[:100], y[:100]).decision_function(z[100:]).argmax(axis=1)
    y[100:] = np.eye(6, dtype=bool)[best]
    train, test = torch.arange(100), torch.arange(100, 200)
    assert multilabel_probe(z, y, train, test).micro_f1 > 0.95


def test_repeated_nodes_are_refused():
    z, y, train, test = problem()
    twice = torch.cat([train, train[:1]])
    for call in (
        lambda: multilabel_probe(z, y, twice, test),
        lambda: multilabel_probe(z, y, train, torch.cat([test, test[:1]])),
        lambda: multilabel_cross_validation(z, y, twice, [1.0]),
    ):
        with pytest.raises(ValueError, match="must be distinct"):
            call()
