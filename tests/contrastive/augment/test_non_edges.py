"""Pairs of nodes without an edge."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlab.contrastive import sample_non_edges


def seeded(value: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(value)


@given(
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=30),
    st.integers(0, 40),
    st.integers(0, 5),
)
def test_non_edges_are_none(edges, count, seed):
    index = torch.tensor(edges, dtype=torch.long).view(-1, 2).t()
    drawn = sample_non_edges(index, 8, count, generator=seeded(seed))
    assert drawn.shape == (2, count)
    known = set(edges)
    assert all(a != b and (a, b) not in known for a, b in drawn.t().tolist())


def test_non_edges_cover_all_free_pairs_alike():
    index = torch.tensor([[0, 1], [1, 2]])
    drawn = sample_non_edges(index, 3, 4000, generator=seeded())
    count = torch.bincount(drawn[0] * 3 + drawn[1], minlength=9)
    assert set(count.nonzero().view(-1).tolist()) == {2, 3, 6, 7}
    assert int(count.max()) < 1.2 * 1000


def test_non_edges_of_a_complete_graph_are_refused():
    full = torch.tensor([[0, 1], [1, 0]])
    with pytest.raises(ValueError, match="too few of 2 nodes' pairs"):
        sample_non_edges(full, 2, 1, generator=seeded())
