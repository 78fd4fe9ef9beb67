"""Edges dropped at random."""

from __future__ import annotations

import time

import pytest
import torch

from graphlab.contrastive import DropEdge
from graphlab.contrastive.augment._draws import pair_number
from tests.contrastive._hosts import graph


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_edges_survive_at_the_rate_and_in_order() -> None:
    _, edge_index, _ = graph()
    kept = [DropEdge(0.3)(edge_index, generator=generator(s)) for s in range(50)]
    share = sum(k.size(1) for k in kept) / (50 * edge_index.size(1))
    assert abs(share - 0.7) < 0.02
    position = {tuple(pair): i for i, pair in enumerate(edge_index.t().tolist())}
    order = [position[tuple(pair)] for pair in kept[0].t().tolist()]
    assert order == sorted(order)


def test_extreme_rates() -> None:
    _, edge_index, _ = graph()
    assert torch.equal(DropEdge(0)(edge_index, generator=generator()), edge_index)
    assert DropEdge(1)(edge_index, generator=generator()).shape == (2, 0)


def test_directions_are_independent_unless_undirected() -> None:
    _, edge_index, _ = graph()

    def symmetric(view: torch.Tensor) -> bool:
        pairs = set(map(tuple, view.t().tolist()))
        return all((b, a) in pairs for a, b in pairs)

    assert not symmetric(DropEdge(0.5)(edge_index, generator=generator()))
    view = DropEdge(0.5, undirected=True)(edge_index, generator=generator())
    assert symmetric(view)
    assert 0 < view.size(1) < edge_index.size(1)


def test_budget_rounds_half_to_even_and_spares_one_edge() -> None:
    star = torch.tensor([[1, 2, 3, 4, 5, 0], [0, 0, 0, 0, 0, 1]])
    # Node 0 has in-degree 5, node 1 has 1, the others none.
    for p, wanted in ((0.1, 0), (0.3, 2), (0.5, 2), (0.7, 4), (0.9, 4), (1.0, 4)):
        assert DropEdge(p).expected_budget(star, 7).tolist() == [wanted] + 6 * [0]


def test_bad_input() -> None:
    for p in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match=r"p must lie in \[0, 1\]"):
            DropEdge(p)
    with pytest.raises(IndexError, match="edge_index"):
        DropEdge(0.5).expected_budget(torch.tensor([[0], [3]]), 3)


def test_pairs_are_numbered_as_sorted_columns_are() -> None:
    edges = torch.randint(50, (2, 900), generator=generator())
    edges = torch.cat([edges, edges.flip(0)], dim=1)
    wanted = edges.sort(dim=0).values.unique(dim=1, return_inverse=True)[1]
    assert torch.equal(pair_number(edges), wanted)  # so that every seed draws what it always drew
    assert torch.equal(pair_number(edges.int()), wanted)
    assert pair_number(edges[:, :0]).shape == (0,)


def test_dropping_pairs_costs_little_more_than_dropping_edges() -> None:
    edges = torch.randint(20_000, (2, 200_000), generator=generator())

    def seconds(drop: DropEdge) -> float:
        took = []
        for _ in range(3):
            start = time.process_time()
            drop(edges, generator=generator())
            took.append(time.process_time() - start)
        return min(took)

    # Sorting columns as columns took 150 times as long.
    assert seconds(DropEdge(0.3, undirected=True)) < 40 * seconds(DropEdge(0.3))
