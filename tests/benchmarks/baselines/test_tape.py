"""The yardstick computes what the authors' code computed, and the benchmark runs."""

from __future__ import annotations

import pytest
import torch

from benchmarks.baselines.tape import embed_and_multiply
from benchmarks.tape import layer
from tests._golden import load
from tests.tag.tape._golden import TOLERANCE


@pytest.mark.parametrize("name", ["cora", "products"])
def test_lookup(name):
    case = load("tape", f"tape_pred_{name}")
    identity = torch.eye(case["feature"].size(1))
    found = embed_and_multiply(case["encoded"], case["emb_weight"], identity)
    torch.testing.assert_close(found, case["feature"], **TOLERANCE)


def test_rows():
    plain, fused = layer(300)
    assert (plain["name"], fused["name"]) == ("embedding + GEMM", "fused")
    assert fused["largest_relative_difference"] < 1e-5
