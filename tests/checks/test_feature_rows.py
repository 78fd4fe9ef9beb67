"""Features that are read by rows: what a store has to be to stand for a tensor."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from graphlab._feature_rows import check_feature_rows


class Rows(SimpleNamespace):
    def __getitem__(self, index: Any) -> torch.Tensor:
        return torch.ones(2, 3)[index]


def rows(*shape: int, dtype: torch.dtype = torch.float32) -> Any:
    return Rows(shape=shape, dtype=dtype)


def test_a_store_of_the_right_size_passes() -> None:
    store = rows(2, 3)
    assert check_feature_rows(store, "x", rows=2, cols=3) is store
    assert check_feature_rows(store, "x") is store


@pytest.mark.parametrize(
    ("store", "size", "message"),
    [
        (rows(2), {}, r"^x must be \(rows, columns\), floating point, got \(2,\) torch.float32$"),
        (rows(2, 3, dtype=torch.int64), {}, r"floating point, got \(2, 3\) torch.int64$"),
        (rows(2, 3), {"rows": 3}, r"^x must have 3 rows, got shape \(2, 3\)$"),
        (rows(2, 3), {"rows": 2, "cols": 2}, r"^x must have 2 columns, got shape \(2, 3\)$"),
    ],
)
def test_a_store_of_another_kind_or_size_is_refused(store: Any, size: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_feature_rows(store, "x", **size)
