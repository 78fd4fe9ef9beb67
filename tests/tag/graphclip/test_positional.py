"""Random-walk encodings: golden values, powers written out, the border."""

from __future__ import annotations

import pytest
import torch

from graphlab.tag.graphclip import random_walk_encoding
from tests._golden import load
from tests.tag.graphclip.test_encoder import random_batch


def test_golden():
    case = load("graphclip", "rwpe")
    got = random_walk_encoding(case["edge_index"], case["batch"], int(case["num_graphs"]), 32)
    torch.testing.assert_close(got, case["pe"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("length", [1, 2, 5, 31, 32, 33])
def test_equals_the_powers(length):
    _, edge_index, batch, _ = random_batch([1, 12, 5, 12, 40])
    got = random_walk_encoding(edge_index, batch, 5, length, dtype=torch.float64)
    dense = torch.zeros(len(batch), len(batch), dtype=torch.float64)
    dense.index_put_(tuple(edge_index), torch.ones(edge_index.size(1)).double(), accumulate=True)
    walk = dense / dense.sum(1, keepdim=True).clamp(min=1)
    power, want = torch.eye(len(batch), dtype=torch.float64), []
    for _ in range(length):
        power = power @ walk
        want.append(power.diagonal())
    torch.testing.assert_close(got, torch.stack(want, 1), rtol=1e-11, atol=1e-13)


def test_a_node_without_edges_has_zeros():
    got = random_walk_encoding(torch.zeros(2, 0).long(), torch.tensor([0]), 1, 3)
    assert got.tolist() == [[0, 0, 0]]


@pytest.mark.parametrize(
    ("edges", "batch", "error", "words"),
    [
        ([[0], [1]], [0, 1], ValueError, "must not join nodes of different graphs"),
        ([[0], [0]], [1, 0], ValueError, "batch must ascend"),
        ([[0], [2]], [0, 0], IndexError, "edge_index"),
        ([[0], [0]], [0, 2], IndexError, "batch"),
    ],
)
def test_bad_input_is_refused(edges, batch, error, words):
    with pytest.raises(error, match=words):
        random_walk_encoding(torch.tensor(edges), torch.tensor(batch), 2, 4)
