"""Every method of the room as an estimator: parameters, clones, saved folders, use before a fit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import check_is_fitted

from graphlab.hyper import (
    BayesianMDL,
    CliqueCover,
    CliqueSampler,
    HypergraphReconstructor,
    Marioh,
    MaxCliqueBaseline,
    maximal_cliques,
    project,
)
from tests.hyper._cases import make, random_hypergraph, sets_of

SOURCE = random_hypergraph(3)
EDGES, WEIGHT = project(SOURCE, weighted=True)
CLIQUES = maximal_cliques(EDGES, 12)


def fit_and_predict(model, fit=True):
    """What an estimator says of the source, as plain numbers."""
    if isinstance(model, CliqueSampler):
        model = model.fit(SOURCE, None, CLIQUES) if fit else model
        return model.sample(CLIQUES).to_list(), model.collected_
    model = model.fit(SOURCE) if fit else model
    arguments = (EDGES, 12, WEIGHT) if isinstance(model, Marioh) else (EDGES, 12)
    return sets_of(model.predict(*arguments))


MODELS = [
    HypergraphReconstructor(classifier="lr", seed=2),
    HypergraphReconstructor("motif", beta=20, classifier="rf", preset="paper"),
    Marioh("preserved", classifier="lr"),
    CliqueSampler(9, "cheapest", charge_maximal=False, seed=1),
    CliqueCover(),
    MaxCliqueBaseline(),
]


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_clones_do_the_same_and_so_do_saved_models(tmp_path, model):
    other = clone(model)
    assert other.get_params() == model.get_params()
    want = fit_and_predict(model)
    assert fit_and_predict(other) == want
    again = type(model).load(model.save(tmp_path))
    assert again.get_params() == model.get_params()
    assert fit_and_predict(again, fit=False) == want


@pytest.mark.parametrize("model", [HypergraphReconstructor(), Marioh(), CliqueSampler(3)], ids=repr)
def test_use_before_a_fit_is_refused(tmp_path, model):
    with pytest.raises(NotFittedError, match=f"call {type(model).__name__}.fit first"):
        fit_and_predict(model, fit=False)
    with pytest.raises(NotFittedError):
        model.save(tmp_path)


def test_methods_without_training_need_no_fit(tmp_path):
    cover = CliqueCover()
    assert cover.fit() is cover
    check_is_fitted(CliqueCover())
    assert fit_and_predict(CliqueCover.load(CliqueCover().save(tmp_path)), fit=False)


@pytest.mark.parametrize(
    ("model", "shown"),
    [
        (HypergraphReconstructor(beta=5), "HypergraphReconstructor(beta=5)"),
        (Marioh(seed=1, decay=0.1), "Marioh(decay=0.1, seed=1)"),
        (CliqueSampler(4), "CliqueSampler(beta=4)"),
        (BayesianMDL(), "BayesianMDL()"),
    ],
)
def test_repr_shows_what_is_not_the_default(model, shown):
    assert repr(model) == shown


def test_parameters_are_kept_as_given():
    classifier = LogisticRegression(C=3.0)
    model = HypergraphReconstructor("magic", beta=-1, classifier=classifier)
    assert (model.features, model.beta, model.classifier) == ("magic", -1, classifier)
    model.set_params(features="count", beta=5, classifier__C=0.5)
    assert classifier.C == 0.5
    assert model.fit(SOURCE).predict(EDGES, 12).num_nodes == 12


def test_a_second_fit_forgets_the_first():
    model = HypergraphReconstructor(classifier="lr").fit(SOURCE)
    assert model.beta_scores_
    model.set_params(beta=5).fit(make([(0, 1, 2), (2, 3)], 4))
    assert (model.beta_, model.beta_scores_) == (5, {})


def test_parameters_that_change_after_a_fit_wait_for_the_next(tmp_path):
    model = HypergraphReconstructor(beta=10, classifier="lr").fit(SOURCE)
    want = model.predict_proba(EDGES, 12)[1]
    model.set_params(features="motif", seed=5)
    assert torch.equal(model.predict_proba(EDGES, 12)[1], want)
    again = HypergraphReconstructor.load(model.save(tmp_path))
    assert torch.equal(again.predict_proba(EDGES, 12)[1], want)
    assert again.features == "count"


def test_budgets_are_saved_with_their_scores(tmp_path):
    model = HypergraphReconstructor(classifier="lr").fit(SOURCE)
    assert HypergraphReconstructor.load(model.save(tmp_path)).beta_scores_ == model.beta_scores_


def test_numbers_of_numpy_are_saved(tmp_path):
    params = {"beta": np.int64(9), "threshold": np.float32(0.5), "seed": np.int32(1)}
    model = HypergraphReconstructor(classifier="lr", **params).fit(SOURCE)
    again = HypergraphReconstructor.load(model.save(tmp_path))
    assert (again.beta, again.threshold, again.seed) == (9, 0.5, 1)
    assert fit_and_predict(again, fit=False) == fit_and_predict(model, fit=False)
