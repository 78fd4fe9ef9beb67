"""Scores of GTE: what the authors' program computed, walks counted by hand, and bad input."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.embed import gte_scores
from graphlab.evaluate import top_predictions
from tests._golden import cases, load

LIKES = torch.tensor([[0, 0, 1, 1, 2], [0, 1, 1, 2, 0]])


@pytest.mark.filterwarnings("ignore:num_layers = 2 is even")
@pytest.mark.parametrize("name", cases("tc", "gte_*"))
def test_golden(name: str) -> None:
    case = load("tc", name)
    size = int(case["num_users"]), int(case["num_items"])
    score = gte_scores(case["train"].long(), *size, int(case["k"]))
    torch.testing.assert_close(score, case["user_rep"].double(), rtol=0, atol=0)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(1, 4))
def test_is_the_block_of_a_dense_power(seed: int, num_layers: int, chunk_size: int) -> None:
    draw = np.random.default_rng(seed)
    users, items = int(draw.integers(1, 9)), int(draw.integers(1, 9))
    block = draw.random((users, items)) < 0.3
    dense = np.block([[np.eye(users), block.astype(float)], [block.T.astype(float), np.eye(items)]])
    expected = np.linalg.matrix_power(dense, num_layers)[:users, users:]
    edges = torch.from_numpy(np.stack(block.nonzero()))
    if num_layers % 2:
        score = gte_scores(edges, users, items, num_layers, chunk_size=chunk_size)
    else:
        with pytest.warns(UserWarning, match="is even"):
            score = gte_scores(edges, users, items, num_layers, chunk_size=chunk_size)
    np.testing.assert_array_equal(score.numpy(), expected)


def test_a_repeated_interaction_counts_once() -> None:
    twice = torch.cat([LIKES, LIKES[:, :2]], dim=1)
    torch.testing.assert_close(gte_scores(twice, 3, 3), gte_scores(LIKES, 3, 3))


def test_some_users_only() -> None:
    users = torch.tensor([2, 0])
    torch.testing.assert_close(gte_scores(LIKES, 3, 3, users=users), gte_scores(LIKES, 3, 3)[users])


def test_recommends_over_one_other_user() -> None:
    best = top_predictions(gte_scores(LIKES, 3, 3), 1, exclude=LIKES, exclude_self=False)
    assert best.flatten().tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ((LIKES, 2, 3), IndexError, r"edge_index\[0\]"),
        ((LIKES, 3, 2), IndexError, r"edge_index\[1\]"),
        ((LIKES.t(), 3, 3), ValueError, "edge_index"),
        ((LIKES, 0, 3), ValueError, "num_users"),
        ((LIKES, 3, 3, 0), ValueError, "num_layers"),
        ((LIKES, 3, 3, 65), ValueError, "num_layers"),
    ],
)
def test_bad_input_is_named(arguments: tuple, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        gte_scores(*arguments)


def test_users_are_checked() -> None:
    with pytest.raises(IndexError, match="users"):
        gte_scores(LIKES, 3, 3, users=torch.tensor([3]))
