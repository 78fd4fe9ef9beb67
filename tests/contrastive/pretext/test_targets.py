"""Targets of the pretext tasks: reference cases and brute force on random graphs."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Data

from graphlab.contrastive.pretext import (
    AttributeMask,
    DistanceToCluster,
    DistanceToLabeled,
    EdgeMask,
    MultiTaskLoss,
    NodeProperty,
    PairwiseDistance,
    PairwiseSimilarity,
)
from tests._golden import cases, load
from tests._graphs import planted

CASES = cases("pretext", "selftask_*")


def golden(name: str) -> tuple[dict[str, Any], Data]:
    case = load("pretext", name)
    mask = torch.zeros(case["y"].numel(), dtype=torch.bool)
    mask[case["train"]] = True
    edges = torch.stack([case["edge_row"], case["edge_col"]]).long()
    return case, Data(edge_index=edges, y=case["y"], train_mask=mask, num_nodes=mask.numel())


def random_graph(seed: int) -> tuple[nx.Graph, Data]:
    """A graph of up to 30 nodes, mostly of several components; every edge has both directions."""
    draw = np.random.default_rng(seed)
    size = int(draw.integers(6, 30))
    graph = nx.gnp_random_graph(size, float(draw.random()) * 0.3, seed=seed)
    graph.add_edge(0, 1)
    edges = torch.from_numpy(np.stack(nx.to_numpy_array(graph).nonzero()))
    loops = torch.tensor([[2], [2]])
    y = torch.arange(size) % 3
    mask = torch.arange(size) < 6
    data = Data(edge_index=torch.cat([edges, loops], dim=1), y=y, train_mask=mask, num_nodes=size)
    return graph, data


@pytest.mark.parametrize("name", CASES)
def test_golden_distance_to_labeled(name: str) -> None:
    case, data = golden(name)
    task = DistanceToLabeled(4, case["distance_to_labeled"].size(1)).setup(data)
    others = ~data.train_mask  # the authors' program has 0 from a node to itself, here it is 1
    wanted = case["distance_to_labeled"].float()
    torch.testing.assert_close(task.target[others], wanted[others], rtol=1e-6, atol=0)


@pytest.mark.parametrize("name", CASES)
def test_golden_distance_to_cluster(name: str) -> None:
    case, data = golden(name)
    centers = case["centers_authors"]
    task = DistanceToCluster(4, num_clusters=centers.numel(), centers=centers).setup(data)
    wanted = case["cluster_distance"].float()
    wanted[centers, torch.arange(centers.numel())] = 1
    torch.testing.assert_close(task.target, wanted, rtol=1e-6, atol=0)


@pytest.mark.parametrize("name", CASES)
def test_golden_degree_class(name: str) -> None:
    case, data = golden(name)
    assert torch.equal(NodeProperty(4).setup(data).target, case["degree_class"])


@pytest.mark.parametrize("name", [name for name in CASES if name == "selftask_random"])
def test_golden_pair_class(name: str) -> None:
    case, data = golden(name)
    with pytest.warns(UserWarning, match="fewer than num_pairs=4000 pairs of nodes: 90 at 1 hops"):
        task = PairwiseDistance(4).setup(data)
    assert task.target.numel() == 60 * 59 // 2
    assert torch.equal(case["pair_class"][task.pairs[0], task.pairs[1]], task.target)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_equal_brute_force(seed: int) -> None:
    graph, data = random_graph(seed)
    size = data.num_nodes
    hops = dict(nx.all_pairs_shortest_path_length(graph))
    near = np.zeros((size, size))
    for i in hops:
        for j, distance in hops[i].items():
            near[i, j] = 1 / max(distance, 1)
    labelled = np.stack([near[:, [c, c + 3]].mean(1) for c in range(3)], axis=1)
    np.testing.assert_allclose(DistanceToLabeled(4, 3).setup(data).target, labelled, rtol=1e-6)
    clusters = DistanceToCluster(4, num_clusters=4).setup(data)
    np.testing.assert_allclose(clusters.target, near[:, clusters.centers], rtol=1e-6)
    np.testing.assert_array_equal(clusters.mask, near[:, clusters.centers].any(1))
    share = nx.clustering(graph)
    wanted = np.digitize([share[i] for i in range(size)], [0.1, 0.5], right=True)
    found = NodeProperty(4, prop="clustering", bins=(0.1, 0.5)).setup(data).target
    np.testing.assert_array_equal(found, wanted)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 5))
@pytest.mark.filterwarnings("ignore:fewer than num_pairs")
def test_pairs_are_of_their_distance_and_come_once(seed: int, max_hops: int) -> None:
    graph, data = random_graph(seed)
    task = PairwiseDistance(4, num_pairs=15, max_hops=max_hops).setup(data)
    pairs = list(zip(*task.pairs.tolist(), strict=True))
    assert len(set(pairs)) == len(pairs)
    assert all(i < j for i, j in pairs)
    hops = dict(nx.all_pairs_shortest_path_length(graph))
    for (i, j), kind in zip(pairs, task.target.tolist(), strict=True):
        assert kind == min(hops[i].get(j, max_hops), max_hops) - 1
    assert max(task.report.values()) <= 15


def test_a_pair_has_one_distance_in_a_directed_graph() -> None:
    path = Data(edge_index=torch.tensor([[0, 1, 2], [1, 2, 3]]), num_nodes=4)
    for seed in range(3):
        task = PairwiseDistance(4, num_pairs=9, max_hops=3)
        with pytest.warns(UserWarning, match="fewer than num_pairs"):
            task.setup(path, generator=torch.Generator().manual_seed(seed))
        found = dict(zip(map(tuple, task.pairs.t().tolist()), task.target.tolist(), strict=True))
        assert found == {(i, j): j - i - 1 for j in range(4) for i in range(j)}


def test_pairs_of_a_class_are_drawn_evenly() -> None:
    # A path of 40 nodes has 38 pairs at two hops.
    steps = torch.arange(39)
    edges = torch.stack([torch.cat([steps, steps + 1]), torch.cat([steps + 1, steps])])
    data = Data(edge_index=edges, num_nodes=40)
    count = torch.zeros(40)
    for seed in range(200):
        task = PairwiseDistance(4, num_pairs=10, max_hops=3)
        task.setup(data, generator=torch.Generator().manual_seed(seed))
        count += task.pairs[0, task.target == 1].bincount(minlength=40)
    # 200 draws of 10 of 38: mean 52.6, standard deviation 6.2.
    assert bool((count[:38] > 25).all()) and bool((count[:38] < 80).all())


def test_hidden_edges_are_hidden_in_both_directions() -> None:
    data = planted(60, 3)
    task = EdgeMask(4, rate=0.3).setup(data)
    count = task.report["hidden"]
    stored = set(zip(*data.edge_index.tolist(), strict=True))
    seen = set(zip(*task.perturb(data).edge_index.tolist(), strict=True))
    hidden = list(zip(*task.pairs[:, :count].tolist(), strict=True))
    assert stored - seen == {(i, j) for a, b in hidden for i, j in ((a, b), (b, a))}
    assert count == int(0.3 * len(stored) / 2)
    none = zip(*task.pairs[:, count:].tolist(), strict=True)
    assert not stored.intersection(none)
    one = EdgeMask(4, rate=0.3, both_directions=False).setup(data)
    left = set(zip(*one.perturb(data).edge_index.tolist(), strict=True))
    assert any((j, i) in left for i, j in stored - left)


@pytest.mark.parametrize("both_directions", [True, False])
def test_the_other_direction_of_an_edge_is_no_pair_without_one(both_directions: bool) -> None:
    # Each edge runs one way, and half of all pairs have one: drawn as ordered pairs, many would be
    # edges the other way round.
    draw = np.random.default_rng(0)
    pairs = [(i, j) for i in range(12) for j in range(i + 1, 12) if draw.random() < 0.5]
    data = Data(edge_index=torch.tensor(pairs).t(), num_nodes=12)
    task = EdgeMask(4, rate=0.9, both_directions=both_directions).setup(data)
    none = task.pairs[:, task.report["hidden"] :].sort(0).values.t().tolist()
    assert not {(i, j) for i, j in none} & set(pairs)


def test_attributes_of_edges_go_with_them() -> None:
    data = planted(60, 3)
    data.edge_weight = data.edge_index.sum(0).float()
    data.edge_attr = data.edge_index.t().float()
    seen = EdgeMask(4).setup(data).perturb(data)
    torch.testing.assert_close(seen.edge_weight, seen.edge_index.sum(0).float())
    torch.testing.assert_close(seen.edge_attr, seen.edge_index.t().float())


def test_hidden_features_are_zero_and_predicted_by_components() -> None:
    data = planted(60, 3)
    task = AttributeMask(4, rate=0.2, num_components=6).setup(data)
    seen = task.perturb(data).x
    assert int(task.mask.sum()) == 12 == task.report["hidden"]
    assert float(seen[task.mask].abs().sum()) == 0
    torch.testing.assert_close(seen[~task.mask], data.x[~task.mask])
    centered = (data.x - data.x.mean(0)).double()
    left, size, _ = torch.linalg.svd(centered, full_matrices=False)
    wanted = (left * size)[:, :6]
    torch.testing.assert_close(task.target.double().abs(), wanted.abs(), rtol=1e-4, atol=1e-4)
    h = torch.zeros(60, 4)
    error = (task.head(h) - task.target)[task.mask].square().mean()
    torch.testing.assert_close(task.loss(h), error)


def test_similar_and_dissimilar_nodes_are_paired() -> None:
    data = planted(60, 3)
    task = PairwiseSimilarity(4, near=2, far=3, random=4).setup(data)
    unit = torch.nn.functional.normalize(data.x.double(), dim=1)
    cosine = unit @ unit.t()
    torch.testing.assert_close(
        task.target.double(), cosine[task.pairs[0], task.pairs[1]], rtol=1e-5, atol=1e-6
    )
    other = task.pairs[1].view(60, 9)
    assert not bool((other == torch.arange(60)[:, None]).any())
    apart = cosine.clone().fill_diagonal_(-torch.inf)
    torch.testing.assert_close(
        cosine.gather(1, other[:, :2]), apart.topk(2).values, rtol=1e-5, atol=1e-6
    )
    apart.fill_diagonal_(torch.inf)
    torch.testing.assert_close(
        cosine.gather(1, other[:, 2:5]), -(-apart).topk(3).values, rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("counts", [(3, 0, 0), (0, 3, 0), (0, 0, 3)])
def test_one_kind_of_pairs_alone_is_that_of_all_kinds(counts: tuple[int, int, int]) -> None:
    data = planted(60, 3)
    names = ("near", "far", "random")
    alone, every = (
        PairwiseSimilarity(4, **dict(zip(names, sizes, strict=True))).setup(data)
        for sizes in (counts, (3, 3, 3))
    )
    begin = 3 * counts.index(3)
    assert torch.equal(alone.pairs[1].view(60, 3), every.pairs[1].view(60, 9)[:, begin : begin + 3])


def test_a_full_sample_ends_after_the_first_nodes() -> None:
    data = planted(600, 3)
    task = PairwiseDistance(4, num_pairs=5, max_hops=2).setup(data)
    assert task.report == {"1 hops": 5, "2 hops": 5}
    linked = set(zip(*data.edge_index.tolist(), strict=True))
    pairs = zip(*task.pairs.tolist(), strict=True)
    assert [pair in linked for pair in pairs] == 5 * [True] + 5 * [False]


def test_clusters_of_a_partition_have_their_centers() -> None:
    # Two stars whose hubs, 3 and 8, are linked.
    edges = torch.tensor([[3, 3, 3, 3, 8, 8, 8, 8, 3], [0, 1, 2, 4, 5, 6, 7, 9, 8]])
    data = Data(edge_index=torch.cat([edges, edges.flip(0)], dim=1), num_nodes=10)
    partition = torch.tensor([0] * 5 + [1] * 5)
    for rule in ("medoid", "degree"):
        task = DistanceToCluster(4, num_clusters=2, partition=partition, centers=rule)  # type: ignore[arg-type]
        assert task.setup(data).centers.tolist() == [3, 8]
    # Without a partition both stars are found, whatever the first centres were.
    found = DistanceToCluster(4, num_clusters=2).setup(data)
    assert sorted(found.centers.tolist()) == [3, 8]


@pytest.mark.parametrize("prop", ["degree", "clustering", "pagerank"])
def test_classes_of_a_property(prop: Any) -> None:
    data = planted(90, 3)
    task = NodeProperty(4, prop=prop).setup(data)
    assert sum(task.report.values()) == 90
    assert task.head.out_features == 3
    if prop == "pagerank":
        assert list(task.report.values()) == [30, 30, 30]


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: EdgeMask(4, rate=2.0), ValueError, "rate must lie"),
        (lambda: EdgeMask(4, rate=1e-6).setup(planted(60, 3)), ValueError, "rate must hide"),
        (lambda: AttributeMask(4, rate=0.0).setup(planted(60, 3)), ValueError, "num_components"),
        (
            lambda: AttributeMask(4, rate=0.0, num_components=2).setup(planted(60, 3)),
            ValueError,
            "rate must hide at least one of the 60 nodes",
        ),
        (lambda: AttributeMask(4).setup(bare()), ValueError, "data must have x"),
        (lambda: PairwiseSimilarity(4).setup(bare()), ValueError, "data must have x"),
        (lambda: PairwiseSimilarity(4, near=0, far=0, random=0), ValueError, "near, far and"),
        (
            lambda: PairwiseSimilarity(4, near=60).setup(planted(60, 3)),
            ValueError,
            "below the number of nodes, 60, got 60 and 3",
        ),
        (lambda: NodeProperty(4, prop="closeness"), ValueError, "prop"),  # type: ignore[arg-type]
        (lambda: NodeProperty(4, bins=(3, 2)), ValueError, "bins must hold ascending"),
        (lambda: NodeProperty(4, bins=()), ValueError, "bins must hold ascending"),
        (lambda: PairwiseDistance(4, max_hops=1), ValueError, "max_hops"),
        (lambda: PairwiseDistance(4, num_pairs=0), ValueError, "num_pairs"),
        (lambda: DistanceToCluster(4, centers="hub"), ValueError, "centers"),  # type: ignore[arg-type]
        (
            lambda: DistanceToCluster(4, num_clusters=61).setup(planted(60, 3)),
            ValueError,
            "num_clusters must be at most the 60 nodes, got 61",
        ),
        (
            lambda: cut(torch.zeros(60, dtype=torch.long)),
            ValueError,
            "partition must have a node in each of 2 clusters, 1 has none",
        ),
        (lambda: cut(torch.zeros(59, dtype=torch.long)), ValueError, "partition must have 60"),
        (lambda: DistanceToLabeled(4, 1), ValueError, "num_classes"),
        (lambda: DistanceToLabeled(4, 4).setup(planted(60, 3)), ValueError, "3 has none"),
        (lambda: MultiTaskLoss([], []), ValueError, "tasks and weights must be of one length"),
        (lambda: MultiTaskLoss([EdgeMask(4)], [1, 2]), ValueError, "got 1 and 2"),
        (lambda: MultiTaskLoss([EdgeMask(4)], [-1.0]), ValueError, "weights"),
        (lambda: MultiTaskLoss([torch.nn.Linear(2, 2)], [1.0]), TypeError, "got Linear"),  # type: ignore[list-item]
    ],
)
def test_bad_input_is_named(make: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        make()


@pytest.mark.parametrize(
    ("task", "fewest"),
    [
        (lambda: PairwiseDistance(4), 2),
        (lambda: PairwiseSimilarity(4, near=0, far=0, random=1), 2),
        (lambda: PairwiseSimilarity(4), 2),
        (lambda: NodeProperty(4), 1),
        (lambda: NodeProperty(4, prop="clustering"), 1),
        (lambda: NodeProperty(4, prop="pagerank"), 1),
        (lambda: DistanceToCluster(4, num_clusters=1), 1),
        (lambda: AttributeMask(4, num_components=1, rate=1.0), 1),
    ],
)
def test_a_graph_of_too_few_nodes_is_named(task: Any, fewest: int) -> None:
    for count in range(2):
        edges = torch.empty(2, 0, dtype=torch.long)
        data = Data(x=torch.ones(count, 3), edge_index=edges, num_nodes=count)
        if count < fewest:
            match = "data must have at least 2 nodes, .* got 1" if count else "at least one node"
            with pytest.raises(ValueError, match=match):
                task().setup(data)
        else:
            assert bool(task().setup(data).loss(torch.randn(count, 4)).isfinite())


def bare() -> Data:
    return Data(edge_index=planted(60, 3).edge_index, num_nodes=60)


def cut(partition: torch.Tensor) -> None:
    DistanceToCluster(4, num_clusters=2, partition=partition).setup(planted(60, 3))


def test_sum_of_tasks_trains_their_heads_and_hides_what_they_hide() -> None:
    data = planted(60, 3)
    both = MultiTaskLoss([EdgeMask(4), AttributeMask(4, num_components=3)], [1.0, 0.5]).setup(data)
    assert len(list(both.parameters())) == 4
    seen = both.perturb(data)
    assert seen.num_edges < data.num_edges
    assert bool((seen.x == 0).all(1).any())


def test_edges_are_hidden_in_the_graph_of_setup_alone():
    data = planted(40)
    task = EdgeMask(4).setup(data)
    other = Data(x=data.x, edge_index=data.edge_index[:, :-2])
    with pytest.raises(ValueError, match=r"data must be the graph of setup, of .* edges, got"):
        task.perturb(other)
