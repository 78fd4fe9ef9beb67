"""Reconstruction of a graph from an embedding: sklearn, brute force over orders, bad input."""

from __future__ import annotations

import itertools
import math
from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from graphlab.evaluate import reconstruction_map

KARATE = torch.tensor(list(nx.karate_club_graph().to_directed().edges)).t()
PATH = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])


def normal(rows: int, columns: int, seed: int = 0) -> torch.Tensor:
    draw = np.random.default_rng(seed)
    return torch.from_numpy(draw.standard_normal((rows, columns)))


@pytest.mark.parametrize("score", ["dot", "cosine", "l2"])
@pytest.mark.parametrize("relation", ["exact", "within"])
def test_equals_sklearn_without_ties(score: Any, relation: Any) -> None:
    edges = KARATE
    count = int(edges.max()) + 1
    z = normal(count, 5)
    unit = z / z.norm(dim=1, keepdim=True)
    table = {"dot": z @ z.t(), "cosine": unit @ unit.t(), "l2": -torch.cdist(z, z)}[score]
    graph = nx.Graph(edges.t().tolist())
    found = reconstruction_map(z, edges, hops=(1, 2, 3), relation=relation, score=score, k=(3,))
    for hop in (1, 2, 3):
        values, precision = [], []
        for node in range(count):
            away = nx.single_source_shortest_path_length(graph, node)
            others = [other for other in range(count) if other != node]
            hit = [0 < away[o] <= hop if relation == "within" else away[o] == hop for o in others]
            if any(hit):
                own = table[node, others]
                values.append(average_precision_score(hit, own.numpy()))
                precision.append(np.array(hit)[own.argsort(descending=True)[:3].numpy()].mean())
        assert found[hop].nodes == len(values)
        assert found[hop].map == pytest.approx(np.mean(values), abs=1e-12)
        assert found[hop].precision_at_k[3] == pytest.approx(np.mean(precision), abs=1e-12)
        low, high = found[hop].interval
        assert low < found[hop].map < high


def brute_force(score: list[int], relevant: list[bool], k: int) -> tuple[float, float]:
    """Means of average precision and precision over all orders of equal scores."""
    values, precision = [], []
    for shuffled in itertools.permutations(range(len(score))):
        order = sorted(shuffled, key=lambda item: -score[item])
        hits = np.cumsum([relevant[item] for item in order])
        places = [place for place, item in enumerate(order) if relevant[item]]
        values.append(np.mean([hits[place] / (place + 1) for place in places]))
        precision.append(sum(relevant[item] for item in order[:k]) / k)
    return float(np.mean(values)), float(np.mean(precision))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), min_size=2, max_size=6))
def test_ties_are_the_mean_over_all_orders(items: list[tuple[int, bool]]) -> None:
    score, relevant = [s for s, _ in items], [r for _, r in items]
    neighbors = [number + 1 for number, hit in enumerate(relevant) if hit]
    if not neighbors:
        return
    edges = torch.tensor([[0] * len(neighbors), neighbors])
    z = torch.tensor([[1.0], *[[float(value)] for value in score]])
    found = reconstruction_map(z, edges, hops=(1,), score="dot", k=(2,))[1]
    expected, precision = brute_force(score, relevant, 2)
    assert found.nodes == 1  # the others have no edge of their own
    assert found.map == pytest.approx(expected, abs=1e-12)
    assert found.precision_at_k[2] == pytest.approx(precision, abs=1e-12)
    chance, _ = brute_force([0] * len(score), relevant, 2)
    assert found.random == pytest.approx(chance, abs=1e-12)


def test_equal_rows_are_a_random_order() -> None:
    edges = KARATE
    found = reconstruction_map(torch.zeros(34, 3), edges, hops=(1, 2))
    for result in found.values():
        assert result.map == pytest.approx(result.random, abs=1e-12)


def test_does_not_depend_on_the_numbers_of_nodes() -> None:
    edges, z = KARATE, normal(34, 2).round()
    order = torch.from_numpy(np.random.default_rng(1).permutation(34))
    shuffled = torch.empty_like(z)
    shuffled[order] = z
    one = reconstruction_map(z, edges, score="l2")
    other = reconstruction_map(shuffled, order[edges], score="l2")
    for hop in one:
        assert one[hop].map == pytest.approx(other[hop].map, abs=1e-12)


def test_held_out_edges_without_the_training_edges() -> None:
    # Node 0: 1 is known and closest, 2 is held out and next.
    z = torch.tensor([[0.0], [0.1], [0.2], [0.9]])
    known, held_out = torch.tensor([[0], [1]]), torch.tensor([[0], [2]])
    plain = reconstruction_map(z, held_out, hops=(1,), score="l2")[1]
    without = reconstruction_map(z, held_out, hops=(1,), score="l2", exclude=known)[1]
    assert (plain.map, without.map) == (0.5, 1.0)
    assert without.random == pytest.approx((1 + 1 / 2) / 2)


def test_sample_of_nodes() -> None:
    edges, z = KARATE, normal(34, 4)
    found = reconstruction_map(z, edges, hops=(1,), num_samples=10, seed=3)[1]
    assert found.nodes == 10
    again = reconstruction_map(z, edges, hops=(1,), num_samples=10, seed=3)[1]
    assert found == again
    assert reconstruction_map(z, edges, hops=(1,), num_samples=34)[1].map == pytest.approx(
        reconstruction_map(z, edges, hops=(1,))[1].map
    )


def test_no_relevant_node() -> None:
    found = reconstruction_map(normal(3, 2), PATH[:, :0], hops=(1,), k=(1,))[1]
    assert found.nodes == 0
    assert math.isnan(found.map)
    assert math.isnan(found.precision_at_k[1])


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"hops": ()}, ValueError, "hops must hold at least one"),
        ({"hops": 2}, TypeError, "hops"),
        ({"hops": (1, 1)}, ValueError, "hops"),
        ({"hops": (0,)}, ValueError, "hops"),
        ({"k": (0,)}, ValueError, "k"),
        ({"relation": "near"}, ValueError, "relation"),
        ({"score": "euclid"}, ValueError, "score"),
        ({"num_samples": 4}, ValueError, "num_samples"),
        ({"exclude": torch.tensor([[0], [3]])}, IndexError, "exclude"),
    ],
)
def test_bad_input_is_named(options: dict, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        reconstruction_map(normal(3, 2), PATH, **options)


def test_values_are_checked() -> None:
    with pytest.raises(ValueError, match="z must be finite"):
        reconstruction_map(torch.tensor([[float("nan")], [1.0], [2.0]]), PATH)
    with pytest.raises(ValueError, match="z must have finite inner products"):
        reconstruction_map(torch.full((3, 1), 1e200, dtype=torch.float64), PATH, score="dot")


@pytest.mark.parametrize("seed", [None, -1, 0.5, "0"])
def test_the_seed_is_a_number(seed: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="seed must be"):
        reconstruction_map(normal(3, 2), PATH, num_samples=2, seed=seed)


def test_no_rows_are_refused() -> None:
    nothing = torch.zeros(2, 0, dtype=torch.int64)
    with pytest.raises(ValueError, match="z must have at least one row"):
        reconstruction_map(torch.zeros(0, 2), nothing)
