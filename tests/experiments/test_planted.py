"""The drawn documents: what tells their group, and what does not."""

from __future__ import annotations

import pytest
import torch
from torch_geometric.utils import coalesce, contains_self_loops, is_undirected

from experiments._data.planted import planted_documents


def test_words_and_links_tell_the_group_and_some_have_no_link():
    data = planted_documents(1000, 5, num_words=50, own_words=0.4, own_links=0.7, seed=1)
    assert data.validate() and is_undirected(data.edge_index)
    assert not contains_self_loops(data.edge_index)
    assert torch.equal(data.edge_index, coalesce(data.edge_index))
    assert torch.bincount(data.y).tolist() == [200] * 5
    assert set(data.x.unique().tolist()) == {0.0, 1.0}
    same = (data.y[data.edge_index[0]] == data.y[data.edge_index[1]]).double().mean()
    assert abs(float(same) - (0.7 + 0.3 / 5)) < 0.03
    alone = torch.bincount(data.edge_index[0], minlength=1000) == 0
    assert abs(float(alone.double().mean()) - 0.3) < 0.05
    words = data.x.view(1000, 5, 10).sum(2)  # ten words of each group
    assert abs(float(words.argmax(1).eq(data.y).double().mean())) > 0.8


def test_the_seed_decides():
    one, same, other = (planted_documents(200, 4, num_words=40, seed=s) for s in (0, 0, 1))
    assert torch.equal(one.x, same.x) and torch.equal(one.edge_index, same.edge_index)
    assert not torch.equal(one.y, other.y)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_groups": 1}, "num_groups must be at least 2"),
        ({"num_nodes": 3}, "num_nodes must be at least 4"),
        ({"num_words": 3}, "num_words must be at least 4"),
        ({"own_links": 1.5}, "own_links"),
    ],
)
def test_bad_arguments(change, message):
    arguments = {"num_nodes": 20, "num_groups": 4, "num_words": 8} | change
    with pytest.raises(ValueError, match=message):
        planted_documents(**arguments)
