"""Sorted integers against NumPy and plain lists."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlab._sorted import distinct, run_starts, sort_values


@given(st.lists(st.integers(-3, 3) | st.integers(-(2**62), 2**62)), st.booleans())
def test_distinct_values_ascend(values, square):
    array = np.array(values, np.int64)
    array = np.tile(array, (2, 1)) if square else array
    found = distinct(array)
    assert found.tolist() == sorted(set(values))
    assert found.dtype == np.int64


@given(st.lists(st.integers(-3, 3) | st.integers(-(2**62), 2**62)))
def test_sorted_tensor_and_where_its_runs_begin(values):
    ordered = sort_values(torch.tensor(values, dtype=torch.int64))
    assert ordered.tolist() == sorted(values)
    starts = run_starts(ordered).tolist()
    assert ordered[starts].tolist() == sorted(set(values))
    assert starts == [sorted(values).index(value) for value in sorted(set(values))]
