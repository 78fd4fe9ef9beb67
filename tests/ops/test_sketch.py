"""The sketch of COSTA."""

from __future__ import annotations

import pytest
import torch

from graphlab.contrastive import gaussian_sketch
from graphlab.ops import sketch as module


def test_sketch_is_a_gaussian_matrix() -> None:
    matrix = gaussian_sketch(torch.eye(300, dtype=torch.float64), 400, seed=5)
    assert matrix.shape == (400, 300)
    assert abs(float(matrix.mean())) < 1e-3
    assert abs(float(matrix.var()) * 400 - 1) < 0.01
    z = torch.randn(300, 6, dtype=torch.float64)
    torch.testing.assert_close(gaussian_sketch(z, 400, seed=5), matrix @ z)
    assert not torch.equal(matrix, gaussian_sketch(torch.eye(300).double(), 400, seed=6))


def test_blocks_do_not_change_it(monkeypatch: pytest.MonkeyPatch) -> None:
    z = torch.randn(20, 3, dtype=torch.float64)
    whole = gaussian_sketch(z, 9, seed=1)

    def pieces(total: int, width: int) -> list[slice]:
        return [slice(a, min(a + 2, total)) for a in range(0, total, 2)]

    monkeypatch.setattr(module, "chunks", pieces)
    torch.testing.assert_close(gaussian_sketch(z, 9, seed=1), whole)


def test_gradcheck() -> None:
    z = torch.randn(9, 3, dtype=torch.float64, requires_grad=True)
    torch.autograd.gradcheck(lambda a: gaussian_sketch(a, 4, seed=2), (z,))


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="rows must be at least 1"):
        gaussian_sketch(torch.ones(3, 2), 0, seed=0)
