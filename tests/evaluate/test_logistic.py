"""Logistic regressions of many labels at once, against scikit-learn one by one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from graphlab.evaluate import _logistic
from graphlab.evaluate._logistic import fit_logistic


def problem(rows=300, dim=7, labels=6, scale=1.0):
    generator = np.random.default_rng(0)
    x = scale * generator.standard_normal((rows, dim))
    score = x @ generator.standard_normal((dim, labels)) / scale
    return x, score + generator.standard_normal((rows, labels)) > np.linspace(-2, 3, labels)


@pytest.mark.parametrize("c", [1e-3, 1.0, 100.0])
def test_equals_scikit_learn(c):
    x, y = problem()
    assert y.any(0).all() and not y.all(0).any()
    found = fit_logistic(x, y, c)
    for weights, label in zip(found.T, y.T, strict=True):
        model = LogisticRegression(C=c, solver="liblinear", tol=1e-9, max_iter=1000)
        model.fit(x, label)
        np.testing.assert_allclose(weights[:-1], model.coef_[0], rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(weights[-1], model.intercept_[0], rtol=1e-4, atol=1e-6)


def check_gradient(x, y, c):
    found = fit_logistic(x, y, c)
    ones = np.column_stack([x, np.ones(len(x))])
    first = np.linalg.norm(c * (ones.T @ (0.5 - y)), axis=0)
    rest = np.linalg.norm(found + c * (ones.T @ (expit(ones @ found) - y)), axis=0)
    assert (rest <= 1e-5 * first).all()


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
@pytest.mark.parametrize("c", [0.1, 1e4])
def test_the_gradient_vanishes_whatever_the_scale(scale, c):
    x, y = problem(scale=scale)
    y[:, 0] = x[:, 0] > 0  # separable: only the penalty bounds its weights
    check_gradient(x, y, c)


def test_a_step_that_goes_too_far_is_halved():
    x, y = problem(rows=20, scale=100.0)
    check_gradient(x, y[:, y.any(0) & ~y.all(0)], 1e4)


@pytest.mark.parametrize("steps", [1, 100])
def test_labels_that_no_step_improves_stay_where_they_are(steps, monkeypatch):
    monkeypatch.setattr(_logistic, "_MAX_HALVINGS", 0)
    monkeypatch.setattr(_logistic, "_MAX_STEPS", steps)
    assert not fit_logistic(*problem(), 1.0).any()


def test_rough_steps_arrive_too(monkeypatch):
    x, y = problem()
    whole = fit_logistic(x, y, 1.0)
    monkeypatch.setattr(_logistic, "_MAX_INNER", 2)
    np.testing.assert_allclose(fit_logistic(x, y, 1.0), whole, rtol=1e-3, atol=1e-5)


def test_blocks_of_labels_change_nothing(monkeypatch):
    x, y = problem()
    whole = fit_logistic(x, y, 1.0)
    monkeypatch.setattr(_logistic, "_BLOCK", 2 * len(x))
    np.testing.assert_allclose(fit_logistic(x, y, 1.0), whole, rtol=1e-6, atol=1e-8)


def test_labels_that_do_not_arrive_are_counted(monkeypatch):
    monkeypatch.setattr(_logistic, "_MAX_STEPS", 1)
    with pytest.warns(UserWarning, match="6 of 6 logistic regressions .* after 1 Newton steps"):
        fit_logistic(*problem(), 10.0)
