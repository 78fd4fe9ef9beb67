"""Edges dropped at random."""

from __future__ import annotations

import copy
import time

import pytest
import torch
from torch_geometric.data import Data, HeteroData
from torch_geometric.transforms import Compose

from graphlab.contrastive import CentralityDropEdge, DropEdge
from graphlab.contrastive.augment._draws import pair_number
from graphlab.contrastive.augment.edge_drop import EdgeDrop
from tests.contrastive._hosts import NODES, graph


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


def drops(edge_index: torch.Tensor) -> dict[str, EdgeDrop]:
    return {
        "DropEdge": DropEdge(0.4),
        "undirected": DropEdge(0.4, undirected=True),
        "CentralityDropEdge": CentralityDropEdge(edge_index, NODES, 0.4),
    }


KINDS = tuple(drops(torch.tensor([[0], [1]])))


@pytest.mark.parametrize("kind", KINDS)
def test_what_belongs_to_the_edges_follows_them(kind: str) -> None:
    _, edge_index, _ = graph()
    drop, number = drops(edge_index)[kind], torch.arange(edge_index.size(1))
    kept, weight, attr = drop(
        edge_index,
        generator=generator(),
        edge_weight=number.double(),
        edge_attr=torch.stack([number, -number], dim=1),
    )
    assert torch.equal(kept, drop(edge_index, generator=generator()))
    assert torch.equal(kept, edge_index[:, weight.long()])
    assert torch.equal(attr[:, 0], weight.long())
    assert torch.equal(drop.keep(edge_index, generator=generator()).nonzero()[:, 0], attr[:, 0])
    only, attr = drop(edge_index, generator=generator(), edge_attr=number)
    assert torch.equal(only, kept) and torch.equal(attr, weight.long())
    with pytest.raises(ValueError, match="edge_weight must have"):
        drop(edge_index, edge_weight=weight)
    with pytest.raises(TypeError, match="edge_attr must be"):
        drop(edge_index, edge_attr=weight.tolist())


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_generator_calls_go_on_from_the_seed(kind: str) -> None:
    _, edge_index, _ = graph()
    before = torch.get_rng_state()
    drop, again = drops(edge_index)[kind], drops(edge_index)[kind]
    views = [drop(edge_index) for _ in range(3)]
    assert drop.seed == 0
    assert all(torch.equal(view, again(edge_index)) for view in views)
    assert not torch.equal(views[0], views[1]) and not torch.equal(views[1], views[2])
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(copy.deepcopy(drop)(edge_index), drop(edge_index))
    with pytest.raises(TypeError, match="generator must be a torch.Generator or None, got int"):
        drop(edge_index, generator=3)


def test_other_seed_draws_other_edges() -> None:
    _, edge_index, _ = graph()
    assert not torch.equal(DropEdge(0.4, seed=1)(edge_index), DropEdge(0.4)(edge_index))
    for bad, error in ((-1, ValueError), (0.5, TypeError), (True, TypeError)):
        with pytest.raises(error, match="seed"):
            DropEdge(0.4, seed=bad)


@pytest.mark.parametrize("kind", KINDS)
def test_transform_keeps_all_that_belongs_to_the_edges(kind: str) -> None:
    x, edge_index, _ = graph()
    number = torch.arange(edge_index.size(1))
    data = Data(
        x=x, edge_index=edge_index, edge_attr=number[:, None], edge_weight=number.float(),
        time=number, y=torch.arange(NODES), num_nodes=NODES, name="toy",
    )  # fmt: skip
    made = drops(edge_index)[kind](data)
    assert isinstance(made, Data) and 0 < made.num_edges < data.num_edges == number.numel()
    assert torch.equal(made.edge_index, edge_index[:, made.time])
    assert torch.equal(made.edge_attr[:, 0], made.time)
    assert torch.equal(made.edge_weight.long(), made.time)
    assert torch.equal(made.y, data.y) and made.x is data.x and made.name == "toy"
    assert torch.equal(Compose([drops(edge_index)[kind]])(data).time, made.time)
    made.validate()


def test_other_graphs_are_refused_by_name() -> None:
    hetero = HeteroData()
    hetero["paper"].x = torch.eye(3)
    with pytest.raises(TypeError, match="HeteroData.to_homogeneous"):
        DropEdge(0.4)(hetero)
    with pytest.raises(ValueError, match="data must have edge_index"):
        DropEdge(0.4)(Data(x=torch.eye(3)))
    data = Data(edge_index=torch.tensor([[0], [1]]))
    with pytest.raises(TypeError, match="edge_weight and edge_attr must not be given"):
        DropEdge(0.4)(data, edge_weight=torch.ones(1))
    for bad in (torch.ones(2, 3), "edges", torch.zeros(3, 2, dtype=torch.long)):
        with pytest.raises((TypeError, ValueError), match="edge_index must"):
            DropEdge(0.4)(bad)
