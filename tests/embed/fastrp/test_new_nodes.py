"""Nodes that come after the fit."""

from __future__ import annotations

import pytest
import torch
from torch_geometric.utils import to_undirected

from graphlab.embed import FastRP
from tests._saving import forget_parameters


def grown(nodes=60, new=5, seed=0):
    """A graph, and the same with new nodes behind the others."""
    generator = torch.Generator().manual_seed(seed)
    index = to_undirected(torch.randint(nodes, (2, 300), generator=generator), num_nodes=nodes)
    old = torch.randint(nodes, (new,), generator=generator)
    added = to_undirected(torch.stack([torch.arange(new) + nodes, old]))
    return index, added, nodes, nodes + new


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("direction", [None, "both"])
def test_update_equals_a_fresh_run_with_the_first_sparsity(named, direction):
    index, added, before, after = grown()
    names = torch.randperm(1000, generator=torch.Generator().manual_seed(1))[:after]
    old, new, every = (names[:before], names[before:], names) if named else (None, None, None)
    model = FastRP(8, direction=direction).fit(index, before, node_id=old)
    found = model.update(added, num_nodes=after, node_id=new)
    assert found.shape == (after, 8) and model.num_nodes_ == after
    fresh = FastRP(8, direction=direction, sparsity=before**0.5)
    fresh.fit(torch.cat([index, added], 1), after, node_id=every)
    for one, other in zip(model.propagate(), fresh.propagate(), strict=True):
        assert torch.equal(one, other)
    torch.testing.assert_close(found, fresh.transform())


def test_names_of_new_nodes_are_enough():
    index, added, before, after = grown()
    model = FastRP(8).fit(index, before, node_id=torch.arange(before))
    found = model.update(added, node_id=torch.arange(before, after))
    other = FastRP(8).fit(index, before).update(added, num_nodes=after)
    assert torch.equal(found, other)


def test_new_nodes_without_edges_have_a_row_of_zeros():
    index, _, before, after = grown()
    model = FastRP(8).fit(index, before)
    expected = model.transform()
    found = model.update(torch.empty(2, 0, dtype=torch.long), num_nodes=after)
    torch.testing.assert_close(found[:before], expected)
    assert not found[before:].any()


def test_the_sparsity_of_the_fit_is_saved(tmp_path):
    index, added, before, after = grown()
    model = FastRP(8).fit(index, before)
    model.update(added, num_nodes=after)
    again = FastRP.load(model.save(tmp_path / "model"))
    assert again.num_nodes_ == after
    assert torch.equal(again.transform(), model.transform())


def test_folders_of_earlier_versions_are_read(tmp_path):
    index, _, before, _ = grown()
    model = FastRP(8).fit(index, before)
    folder = forget_parameters(model.save(tmp_path / "model"), "direction", "weight")
    assert torch.equal(FastRP.load(folder).transform(), model.transform())


def test_what_does_not_fit_is_refused():
    index, added, before, after = grown()
    model = FastRP(8).fit(index, before)
    with pytest.raises(IndexError, match="nodes below 60, got 64: num_nodes= adds nodes"):
        model.update(added)
    with pytest.raises(ValueError, match="num_nodes must be at least 60, got 59"):
        model.update(added, num_nodes=59)
    with pytest.raises(ValueError, match="node_id must be None, as in the fit"):
        model.update(added, num_nodes=after, node_id=torch.arange(5))
    named = FastRP(8).fit(index, before, node_id=torch.arange(before))
    with pytest.raises(ValueError, match="node_id must name the new nodes"):
        named.update(added, num_nodes=after)
    with pytest.raises(ValueError, match="node_id must have 5 entries, got 4"):
        named.update(added, num_nodes=after, node_id=torch.arange(60, 64))
    with pytest.raises(ValueError, match="repeats a name"):
        named.update(added, num_nodes=after, node_id=torch.arange(55, 60))
    own = FastRP(8).fit(index, before, projection_matrix=torch.ones(before, 8))
    with pytest.raises(ValueError, match="fit the whole graph again"):
        own.update(added, num_nodes=after)
