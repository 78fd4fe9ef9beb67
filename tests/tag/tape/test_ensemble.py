"""Averages of members and early stopping against the authors' figures."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlab.tag.tape import EarlyStopping, ensemble_logits
from tests._golden import document, load
from tests.tag.tape._golden import TOLERANCE


def test_golden_ensemble():
    case = load("tape", "tape_ensemble")
    members = list(case["logits"])
    found = ensemble_logits(members)
    torch.testing.assert_close(found, case["ensemble"], **TOLERANCE)
    accuracy = [(m.argmax(1) == case["y"]).double().mean() for m in (*members, found)]
    torch.testing.assert_close(torch.stack(accuracy), case["acc"], **TOLERANCE)


def test_probabilities_and_ranks():
    loud, quiet = torch.tensor([[9.0, 0.0, -9.0]]), torch.tensor([[0.0, 0.1, 0.2]])
    assert ensemble_logits([loud, quiet]).argmax() == 0
    probabilities = ensemble_logits([loud, quiet], "probs")
    torch.testing.assert_close(probabilities, (loud.softmax(1) + quiet.softmax(1)) / 2)
    ranks = ensemble_logits([loud, quiet, quiet], "rank")
    torch.testing.assert_close(ranks, torch.tensor([[1 / 3, 0.5, 2 / 3]]))
    ties = ensemble_logits([torch.tensor([[1.0, 1.0, 0.0], [5.0, 5.0, 5.0]])], "rank")
    torch.testing.assert_close(ties, torch.tensor([[0.75, 0.75, 0.0], [0.5, 0.5, 0.5]]))
    assert ensemble_logits([torch.zeros(2, 1)], "rank").tolist() == [[0.0], [0.0]]


def test_weights():
    first, second = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    found = ensemble_logits([first, second], weights=[3, 1])
    torch.testing.assert_close(found, torch.tensor([[0.75, 0.25]]))
    torch.testing.assert_close(ensemble_logits([first, second], weights=[0, 2]), second)


@given(st.integers(1, 4), st.floats(0.1, 50.0), st.floats(-5.0, 5.0))
def test_places_ignore_scale_and_shift(members, scale, shift):
    generator = torch.Generator().manual_seed(members)
    logits = [torch.randn(6, 5, generator=generator).double() for _ in range(members)]
    changed = [scale * logit + shift for logit in logits]
    torch.testing.assert_close(ensemble_logits(changed, "rank"), ensemble_logits(logits, "rank"))


@pytest.mark.parametrize(
    ("members", "options", "message"),
    [
        ([], {}, "must hold at least one member"),
        ([torch.ones(2, 3), torch.ones(2, 4)], {}, r"one shape, got \[\(2, 3\), \(2, 4\)\]"),
        ([torch.ones(2, 3), torch.ones(1, 3)], {}, "one shape"),
        ([torch.tensor([[0.0, float("nan")]])], {}, r"logits_list\[0\] must be finite"),
        ([torch.ones(3)], {}, "must be 2-D"),
        ([torch.ones(2, 3)], {"reduce": "vote"}, "reduce must be one of"),
        ([torch.ones(2, 3)], {"weights": [1, 1]}, "weights must be 1 numbers"),
        ([torch.ones(2, 3)], {"weights": [0]}, "not all zero"),
        ([torch.ones(2, 3)], {"weights": [-1]}, r"weights\[0\] must be non-negative"),
    ],
)
def test_malformed_members(members, options, message):
    with pytest.raises(ValueError, match=message):
        ensemble_logits(members, **options)


def test_members_must_be_floats():
    with pytest.raises(TypeError, match="must be floating point"):
        ensemble_logits([torch.ones(2, 3, dtype=torch.long)])


# --- early stopping -------------------------------------------------------------------------------

CASES = document("tape", "tape_early_stopping")


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"patience{case['patience']}")
def test_golden_early_stopping(case):
    stopper, stopped_at = EarlyStopping(case["patience"]), None
    for epoch, score in enumerate(case["val"]):
        stopper.step(score)
        if stopper.stopped:
            stopped_at = epoch
            break
    assert stopped_at == case["stopped_at"]
    assert stopper.best == pytest.approx(case["best"])
    assert stopper.best_epoch == case["best_epoch"]


def test_the_latest_of_equal_scores_is_kept():
    stopper = EarlyStopping(5)
    assert [stopper.step(score) for score in (0.3, 0.3, 0.1)] == [True, True, False]
    assert (stopper.best_epoch, stopper.stopped) == (1, False)


def test_malformed_stopping():
    with pytest.raises(ValueError, match="patience must be at least 1, got 0"):
        EarlyStopping(0)
    with pytest.raises(ValueError, match="score must be a number, got nan"):
        EarlyStopping(1).step(float("nan"))
