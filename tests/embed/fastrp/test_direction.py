"""FastRP on edges that are given once: the warning, and what each direction computes."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_geometric.data import Data
from torch_geometric.utils import to_undirected

from graphlab.embed import AddFastRP, FastRP, fastrp
from graphlab.tag.gaugllm import propose_edge_candidates

CHAIN = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 4]])


def one_way(nodes=200, count=600, seed=0):
    generator = torch.Generator().manual_seed(seed)
    pairs = torch.randint(nodes, (2, count), generator=generator)
    return pairs[:, pairs[0] < pairs[1]].unique(dim=1), nodes


def test_rows_of_zeros_are_told_with_their_share():
    index, nodes = one_way()
    with pytest.warns(UserWarning, match="pass direction='both'") as caught:
        z = fastrp(index, nodes, dim=8, projection="gaussian")
    with_edges = torch.zeros(nodes, dtype=torch.bool)
    with_edges[index.reshape(-1)] = True
    zero = int((with_edges & ~z.any(1)).sum())
    assert f"{zero} of 200 nodes ({zero / 2:.3g} %)" in str(caught[0].message)
    assert len(caught) == 1 and caught[0].filename == __file__
    assert torch.equal(z, fastrp(index, nodes, dim=8, projection="gaussian", direction="out"))


@pytest.mark.parametrize("weights", [(1.0,), (0.0, 0.0, 1.0, 2.0), (0.0, 0.0, 0.0, 0.0, 1.0), None])
def test_walks_of_the_lengths_that_are_used_decide(weights):
    options = {"weights": weights, "num_powers": 2 if weights is None else None}
    with pytest.warns(UserWarning) as caught:
        z = fastrp(CHAIN, dim=4, projection="gaussian", **options)
    zero = int((~z.any(1)).sum())
    assert str(caught[0].message).startswith(f"{zero} of 5 nodes ({20 * zero} %)")


def test_silence_where_no_row_is_lost():
    ring = torch.tensor([[0, 1, 2], [1, 2, 0]])
    isolated = to_undirected(CHAIN), 9
    for run in (
        lambda: fastrp(ring, dim=4),
        lambda: fastrp(*isolated, dim=4),
        lambda: fastrp(CHAIN, dim=4, self_weight=0.5),
        lambda: fastrp(CHAIN, dim=4, direction="out"),
        lambda: fastrp(CHAIN, dim=4, direction="in"),
        lambda: fastrp(CHAIN, dim=4, direction="both"),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            run()


def test_edges_of_weight_zero_lead_nowhere():
    edges, weight = to_undirected(CHAIN), torch.tensor([1.0, 1, 1, 1, 1, 1, 1, 0])
    with pytest.warns(UserWarning, match="1 of 5 nodes"):
        fastrp(edges, 5, weight, dim=4)


def test_another_graph_and_a_transform_are_looked_at_too():
    model = FastRP(4).fit(to_undirected(CHAIN))
    with pytest.warns(UserWarning, match="get a row of zeros"):
        model.transform(CHAIN)
    with pytest.warns(UserWarning, match="get a row of zeros"):
        AddFastRP(dim=4)(Data(edge_index=CHAIN, num_nodes=5))
    both = AddFastRP(dim=4, direction="both")(Data(edge_index=CHAIN, num_nodes=5)).x
    assert torch.equal(both, model.transform())


@given(st.integers(0, 2**32), st.integers(2, 30), st.integers(0, 90))
def test_both_is_the_undirected_graph(seed, nodes, count):
    generator = torch.Generator().manual_seed(seed)
    index = torch.randint(nodes, (2, count), generator=generator).unique(dim=1)
    options = {"dim": 8, "sparsity": 1.0, "normalize": False}
    expected = fastrp(to_undirected(index, num_nodes=nodes), nodes, **options)
    assert torch.equal(fastrp(index, nodes, direction="both", **options), expected)
    turned = fastrp(index.flip(0), nodes, direction="in", **options)
    assert torch.equal(turned, fastrp(index, nodes, direction="out", **options))


def test_both_takes_the_larger_weight():
    index, weight = torch.tensor([[0, 1, 2], [1, 0, 0]]), torch.tensor([2.0, 5.0, 3.0])
    matrix = sp.csr_array(np.array([[0, 5, 3], [5, 0, 0], [3, 0, 0]], dtype=float))
    options = {"dim": 8, "input_matrix": "adjacency", "normalize": False}
    found = fastrp(index, 3, weight, direction="both", **options)
    assert torch.equal(found, fastrp(matrix, **options))
    # A graph that holds both directions stays as it is.
    assert torch.equal(fastrp(matrix, direction="both", **options), found)


def test_counts_of_edges_follow_the_direction():
    index, nodes = one_way()
    expected = FastRP.neo4j(8).fit_transform(to_undirected(index), nodes)
    assert torch.equal(FastRP.neo4j(8, direction="both").fit_transform(index, nodes), expected)
    with pytest.raises(ValueError, match="does not tell repeated edges apart"):
        FastRP.neo4j(8, direction="both").fit(index.repeat(1, 2), nodes)


@pytest.mark.parametrize("direction", ["both", "in", "out"])
def test_updates_follow_the_direction(direction):
    index, nodes = one_way(80, 200)
    model = FastRP(8, direction=direction).fit(index[:, ::2], nodes)
    found = model.update(index[:, 1::2])
    fresh = FastRP(8, direction=direction).fit(index, nodes)
    for one, other in zip(model.propagate(), fresh.propagate(), strict=True):
        assert torch.equal(one, other)
    torch.testing.assert_close(found, fresh.transform())


def test_direction_is_checked_and_saved(tmp_path):
    with pytest.raises(ValueError, match="direction must be one of 'both', 'out', 'in', got 'any'"):
        FastRP(direction="any").fit(CHAIN)
    model = FastRP(4, direction="both", weight=None).fit(CHAIN)
    again = FastRP.load(model.save(tmp_path / "model"))
    assert (again.direction, again.weight) == ("both", None)
    assert torch.equal(again.transform(), model.transform())


def test_candidates_compare_nodes_in_both_directions():
    index, nodes = one_way(40, 120)
    found = propose_edge_candidates(None, index, num_nodes=nodes, min_del=1)
    again = propose_edge_candidates(fastrp(to_undirected(index), nodes, dim=128), index, min_del=1)
    assert torch.equal(found.score, again.score)
