"""The border of the interval operators; their values are tested with POT."""

from __future__ import annotations

import pytest
import torch

from graphlab.ops import SparseRows, budget_minimum, edge_bound, interval_propagate, reference

PATTERN = SparseRows.from_rows(torch.tensor([0, 0, 1]), torch.tensor([0, 1, 1]), 3, 2)
ENTRY = torch.ones(3)


def minimum(value=None, budget=(1, 1, 0)):
    return budget_minimum(
        torch.ones(2, 4) if value is None else value,
        PATTERN,
        torch.ones(3, dtype=torch.int8),
        torch.ones(2),
        torch.ones(2),
        torch.ones(3),
        torch.tensor(budget) if isinstance(budget, tuple) else budget,
        power=0.5,
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_refused_by_name(dtype):
    low, weight = torch.ones(2, 4, dtype=dtype), torch.ones(3, 4, dtype=dtype)
    with pytest.raises(TypeError, match="low must be float32 or float64"):
        interval_propagate(low, low, PATTERN, ENTRY, ENTRY)
    with pytest.raises(TypeError, match="weight must be float32 or float64"):
        edge_bound(weight, low, None, PATTERN)
    with pytest.raises(TypeError, match="value must be float32 or float64"):
        minimum(low)


def test_budgets_are_whole_numbers_of_drops():
    assert minimum().shape == (3, 4)
    with pytest.raises(ValueError, match=r"budget\[1\] = -2"):
        minimum(budget=(1, -2, 0))
    with pytest.raises(TypeError, match="budget must be a torch.Tensor, got list"):
        minimum(budget=[1, 1, 1])


def test_no_budget_is_the_sum_of_what_is_there():
    args = PATTERN.rowptr, PATTERN.col, torch.ones(3, dtype=torch.int8), *(torch.ones(2),) * 2
    value = torch.tensor([[1.0, -2.0], [4.0, 8.0]])
    none = torch.zeros(3, dtype=torch.int64)
    sums, (count, smallest, place) = reference.budget_minimum(
        value, *args, torch.ones(3), none, 0.5, *(none,) * 3
    )
    assert sums.tolist() == [[5.0, 6.0], [4.0, 8.0], [0.0, 0.0]]
    assert not bool(count.any()) and bool((smallest == torch.inf).all())
    assert bool((place == -1).all())
