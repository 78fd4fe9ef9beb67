"""Feature columns masked at random."""

from __future__ import annotations

import pytest
import torch

from graphlab.contrastive import MaskFeatures, sparse_features


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_columns_are_masked_for_all_nodes_alike() -> None:
    x = torch.ones(5, 400)
    masked = MaskFeatures(0.25)(x, generator=generator())
    assert torch.equal(masked, masked[:1].expand(5, -1))
    assert abs(float(masked.mean()) - 0.75) < 0.08
    assert x.all()  # the input is left alone
    assert MaskFeatures(0.25).expected_budget(x) == 100


def test_extreme_rates() -> None:
    x = torch.rand(5, 7) + 1
    assert MaskFeatures(0)(x, generator=generator()) is x
    assert not MaskFeatures(1)(x, generator=generator()).any()


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_bad_rates(p: float) -> None:
    with pytest.raises(ValueError, match=r"p must lie in \[0, 1\]"):
        MaskFeatures(p)


def test_budget_of_sparse_features_is_that_of_dense_ones() -> None:
    x = torch.eye(20)
    sparse = sparse_features(x)
    assert sparse.layout == torch.sparse_csr
    assert MaskFeatures(0.3).expected_budget(sparse) == 6
    assert MaskFeatures(0.3).expected_budget(x) == 6
