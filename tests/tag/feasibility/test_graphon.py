"""Step functions of graphs: recovery, invariance, neighbourhoods, bad input."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch

from graphlab.tag.feasibility import graphon

STAR = torch.tensor([[0, 0, 0, 1, 2, 3], [1, 2, 3, 0, 0, 0]])


def sampled(size: int, seed: int = 0) -> torch.Tensor:
    """Edges of a graph drawn from W(x, y) = x y."""
    draw = np.random.default_rng(seed)
    place = draw.random(size)
    upper = np.triu(draw.random((size, size)) < np.outer(place, place), 1)
    return torch.from_numpy(np.stack((upper | upper.T).nonzero()))


def product(resolution: int) -> torch.Tensor:
    place = 1 - (torch.arange(resolution, dtype=torch.float64) + 0.5) / resolution
    return place[:, None] * place


@pytest.mark.parametrize("method", ["blocks", "usvt"])
def test_recovers_the_function_that_graphs_were_drawn_from(method: Any) -> None:
    found = graphon([sampled(400, seed) for seed in range(3)], resolution=16, method=method)
    assert float((found - product(16)).abs().mean()) < 0.03
    torch.testing.assert_close(found, found.t())


def test_singular_values_of_noise_are_dropped() -> None:
    edges = sampled(400)
    plain, cut = graphon(edges), graphon(edges, method="usvt")
    assert int(torch.linalg.matrix_rank(cut, tol=1e-2)) < 4
    assert float((cut - product(32)).abs().mean()) < float((plain - product(32)).abs().mean())


@pytest.mark.parametrize("num_egos", [None, 60])
def test_does_not_depend_on_the_numbers_of_nodes(num_egos: int | None) -> None:
    edges = sampled(60)
    order = torch.from_numpy(np.random.default_rng(1).permutation(60))
    options: dict[str, Any] = {"resolution": 8, "num_egos": num_egos, "num_hops": 1}
    plain, moved = (graphon(e, 60, **options) for e in (edges, order[edges]))
    torch.testing.assert_close(plain, moved)


def test_nodes_that_are_alike_share_their_places() -> None:
    cycle = torch.tensor(list(nx.cycle_graph(6).to_directed().edges)).t()
    with pytest.warns(UserWarning, match="differ by"):
        found = graphon(cycle, resolution=3)
    torch.testing.assert_close(found, torch.full((3, 3), 1 / 3, dtype=torch.float64))


def test_keeps_the_density() -> None:
    edges = sampled(50)
    for resolution in (1, 7, 50):
        assert float(graphon(edges, 50, resolution=resolution).mean()) == pytest.approx(
            edges.size(1) / 50**2
        )


def test_equals_block_means_where_degrees_differ() -> None:
    for seed in range(100):
        graph = nx.gnp_random_graph(8, 0.5, seed=seed)
        matrix = nx.to_numpy_array(graph)
        keys = list(zip(-matrix.sum(1), -matrix @ matrix.sum(1), strict=True))
        if len(set(keys)) == 8:
            break
    else:
        raise RuntimeError("no graph whose nodes all differ")
    order = sorted(range(8), key=keys.__getitem__)
    wanted = matrix[np.ix_(order, order)].reshape(4, 2, 4, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(graphon(graph, resolution=4).numpy(), wanted, atol=1e-12)


def test_neighbourhoods_are_denser_than_the_graph() -> None:
    caves = torch.tensor(list(nx.connected_caveman_graph(12, 6).to_directed().edges)).t()
    whole = graphon(caves, resolution=6)
    egos = graphon(caves, resolution=6, num_egos=1000, num_hops=1)
    assert float(egos.mean()) > 5 * float(whole.mean())


def test_neighbourhood_equals_that_graph() -> None:
    found = graphon(STAR, resolution=2, num_egos=1, num_hops=2)
    torch.testing.assert_close(found, graphon(STAR, resolution=2))


def test_repeated_edges_and_loops_count_once() -> None:
    more = torch.cat([STAR, STAR[:, :2], torch.tensor([[0, 1], [0, 1]])], dim=1)
    torch.testing.assert_close(graphon(more, resolution=2), graphon(STAR, resolution=2))


def test_one_direction_is_taken_as_both() -> None:
    with pytest.warns(UserWarning, match="3 of its 3 edges have no edge back"):
        found = graphon(STAR[:, :3], resolution=2)
    torch.testing.assert_close(found, graphon(STAR, resolution=2))


@pytest.mark.parametrize(
    ("graph", "options", "error", "match"),
    [
        (STAR[:, :0], {"num_nodes": 3}, ValueError, "must have an edge"),
        (torch.tensor([[1], [1]]), {}, ValueError, "must have an edge"),
        (STAR, {"resolution": 5}, ValueError, "resolution must be at most the 4 nodes"),
        (STAR, {"resolution": 0}, ValueError, "resolution"),
        (STAR, {"method": "sas"}, ValueError, "method"),
        (STAR, {"num_egos": 0, "resolution": 2}, ValueError, "num_egos"),
        (STAR, {"max_nodes": 1}, ValueError, "max_nodes"),
        ([], {}, ValueError, "empty sequence"),
        ([STAR, STAR], {"num_nodes": 4}, ValueError, "num_nodes must be None"),
        ("star", {}, TypeError, "edge_index"),
    ],
)
def test_bad_input_is_named(
    graph: Any, options: dict[str, Any], error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        graphon(graph, **options)
