"""Features as sparse rows."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from graphlab.contrastive import GraphCL, MaskFeatures, sparse_features


def words(share: float) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(30, 40, generator=generator)
    return x * (torch.rand(30, 40, generator=generator) < share)


def test_few_words_become_sparse_rows() -> None:
    x = words(0.05)
    rows = sparse_features(x)
    assert rows.layout == torch.sparse_csr
    assert torch.equal(rows.to_dense(), x)


def test_dense_features_stay_dense() -> None:
    x = words(0.5)
    assert sparse_features(x) is x


@pytest.mark.parametrize("p", [0.0, 0.4, 1.0])
def test_masks_are_those_of_dense_features(p: float) -> None:
    x = words(0.05)
    dense, sparse = (
        MaskFeatures(p)(rows, generator=torch.Generator().manual_seed(3))
        for rows in (x, sparse_features(x))
    )
    assert sparse.layout == torch.sparse_csr
    assert torch.equal(sparse.to_dense(), dense)


@pytest.mark.parametrize("share", [0.0, 0.02])
def test_corrupted_rows_are_those_of_dense_features(share: float) -> None:
    x = words(share)
    model = GraphCL(nn.Linear(40, 8), 8)
    dense, sparse = (
        model.corrupt(rows, generator=torch.Generator().manual_seed(3))
        for rows in (x, sparse_features(x))
    )
    assert sparse.layout == torch.sparse_csr
    assert torch.equal(sparse.to_dense(), dense)


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="x must be finite"):
        sparse_features(words(0.05) / 0)
    with pytest.raises(TypeError, match="x must be floating point"):
        sparse_features(words(0.05).long())
