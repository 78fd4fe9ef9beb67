"""Sorted sets of integers against NumPy's."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from graphlab._sorted import distinct


@given(st.lists(st.integers(-3, 3) | st.integers(-(2**62), 2**62)), st.booleans())
def test_distinct_values_ascend(values, square):
    array = np.array(values, np.int64)
    array = np.tile(array, (2, 1)) if square else array
    found = distinct(array)
    assert found.tolist() == sorted(set(values))
    assert found.dtype == np.int64
