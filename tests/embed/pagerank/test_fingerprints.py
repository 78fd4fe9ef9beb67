"""PageRank from stored walks: its algebra exactly, its estimates within their errors."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import numpy as np
import pytest
import torch
import torch.distributed as dist
from sklearn.exceptions import NotFittedError

from graphlab.embed import PPR, PPRFingerprints
from graphlab.embed.pagerank._visits import Visits, count_visits
from graphlab.ops import SparseRows
from tests import _golden
from tests._ranks import run_ranks

KARATE = _golden.load("retrieval", "ppr_decomposition")
HALF = KARATE["edges"].T.long()
EDGES = torch.cat([HALF, HALF.flip(0)], dim=1)
VISITS = [field.name for field in dataclasses.fields(Visits)]
DIRECTED = torch.tensor([[0, 1, 2, 0, 4], [1, 2, 0, 3, 0]])


def exact(edges: torch.Tensor, num_nodes: int) -> torch.Tensor:
    return PPR(tol=1e-13).fit(edges, num_nodes).query(torch.eye(num_nodes, dtype=torch.float64))


def test_golden_decomposition() -> None:
    model = PPRFingerprints(estimator="full_path").fit(EDGES)
    walks = KARATE["walks"].long().view(34, -1)
    counts = torch.stack([row[row >= 0].bincount(minlength=34) for row in walks])
    node = counts.nonzero()[:, 1].int()
    model.visits_ = dataclasses.replace(
        model.visits_,
        length=(counts > 0).sum(dim=1),
        node=node,
        count=counts[counts > 0].to(torch.uint16),
        returns=torch.full((34,), int(KARATE["num_walks"])),
    )
    unit = torch.eye(34, dtype=torch.float64)
    torch.testing.assert_close(
        model.query(unit, expansions=0).T, KARATE["fingerprint_full_path"], rtol=0, atol=1e-12
    )
    for steps in (1, 2, 3, 4):
        torch.testing.assert_close(
            model.query(unit, expansions=steps).T,
            KARATE[f"decomposed_T{steps}"],
            rtol=0,
            atol=1e-12,
        )


@pytest.mark.parametrize("estimator", ["time_average", "full_path"])
@pytest.mark.parametrize("edges", [EDGES, DIRECTED], ids=["undirected", "dangling"])
def test_estimates_are_as_close_as_their_errors_say(estimator: str, edges: torch.Tensor) -> None:
    count = int(edges.max()) + 1
    expected = exact(edges, count)
    errors = []
    for length in (200, 5_000):
        model = PPRFingerprints(walk_length=length, estimator=estimator).fit(edges)  # type: ignore[arg-type]
        found = model.query(torch.arange(count), expansions=0)
        error = (found - expected).abs().sum(dim=0)
        errors.append(float(error.mean()))
        assert float(error.mean()) < 2 * float(model.expected_error(torch.arange(count)).mean())
    assert errors[1] < 0.7 * errors[0]


def test_exact_steps_make_the_error_smaller() -> None:
    expected = exact(EDGES, 34)
    model = PPRFingerprints(walk_length=200).fit(EDGES)
    errors = [
        float((model.query(torch.arange(34), expansions=t) - expected).abs().sum())
        for t in (0, 2, 8, 40)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.05 * errors[0]


def test_time_average_sums_to_one_and_an_isolated_node_is_its_own() -> None:
    model = PPRFingerprints(walk_length=50).fit(EDGES, num_nodes=36)
    found = model.query(torch.arange(36))
    torch.testing.assert_close(found.sum(dim=0), torch.ones(36))
    assert found[35, 35] == 1


def test_batch_equals_single_queries() -> None:
    model = PPRFingerprints(walk_length=300).fit(EDGES)
    together = model.query(torch.arange(34), expansions=0)
    for node in (0, 33):
        single = model.query([node], expansions=0)
        torch.testing.assert_close(together[:, node : node + 1], single)


def test_saved_and_loaded(tmp_path) -> None:
    model = PPRFingerprints(walk_length=300).fit(DIRECTED)
    model.save(tmp_path)
    other = PPRFingerprints.load(tmp_path)
    assert np.array_equal(
        other.query([0, 4], topk=2).toarray(), model.query([0, 4], topk=2).toarray()
    )


def test_walks_answer_where_they_are_asked_for() -> None:
    walks = PPRFingerprints(walk_length=100)
    model = PPR(method="fingerprints", fingerprints=walks).fit(EDGES)
    assert torch.equal(model.query([3]), walks.fit(EDGES).query([3]))
    small = PPR(fingerprints=PPRFingerprints(walk_length=100)).fit(EDGES)
    assert torch.equal(small.query([3]), PPR().fit(EDGES).query([3]))


def test_walks_that_are_given_are_not_fitted_themselves() -> None:
    walks = PPRFingerprints(walk_length=100)
    one = PPR(method="fingerprints", fingerprints=walks).fit(EDGES)
    before = one.query([3])
    assert not walks.__sklearn_is_fitted__()
    other = PPR(method="fingerprints", fingerprints=walks).fit(DIRECTED)
    assert torch.equal(one.query([3]), before)
    assert other.query([3]).shape == (5, 1)
    own = walks.fit(DIRECTED).query([3])
    one.fit(EDGES)
    assert torch.equal(walks.query([3]), own)
    assert PPR().fit(EDGES).fingerprints_ is None


def test_walks_are_saved_beside_and_given_again(tmp_path) -> None:
    model = PPR(method="fingerprints", fingerprints=PPRFingerprints(walk_length=100)).fit(EDGES)
    model.save(tmp_path / "graph")
    model.fingerprints_.save(tmp_path / "walks")  # type: ignore[union-attr]
    walks = PPRFingerprints.load(tmp_path / "walks")
    again = PPR.load(tmp_path / "graph", fingerprints=walks)
    assert torch.equal(again.query([3]), model.query([3]))
    with pytest.raises(ValueError, match=r"saved graph of 34 nodes, got walks of 5 nodes"):
        PPR.load(tmp_path / "graph", fingerprints=PPRFingerprints().fit(DIRECTED))
    with pytest.raises(NotFittedError, match="PPRFingerprints is not fitted"):
        PPR.load(tmp_path / "graph", fingerprints=PPRFingerprints()).query([3])


def test_walks_of_another_teleport_do_not_answer() -> None:
    model = PPR(fingerprints=PPRFingerprints(walk_length=100)).fit(EDGES)
    model.set_params(teleport=0.3, fingerprints__teleport=0.3)
    with pytest.raises(ValueError, match="fingerprints must have the teleport"):
        model.query([3])
    plain = PPR().fit(EDGES).set_params(method="fingerprints", fingerprints=PPRFingerprints())
    with pytest.raises(ValueError, match="fingerprints must be a PPRFingerprints"):
        plain.query([3])


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_walks_survive_pickle_and_copies(protocol: int) -> None:
    model = PPR(method="fingerprints", fingerprints=PPRFingerprints(walk_length=300)).fit(EDGES)
    model.query([3])  # which makes what is cached
    for again in (pickle.loads(pickle.dumps(model, protocol)), copy.deepcopy(model)):
        assert torch.equal(again.query([3]), model.query([3]))
        assert again.fingerprints_.visits_.count.dtype == torch.uint16


def run_rank(index: int, size: int, folder: str) -> None:
    dist.init_process_group(
        "gloo", init_method=f"file://{folder}/rendezvous", rank=index, world_size=size
    )
    try:
        model = PPRFingerprints(walk_length=64).fit(EDGES, distributed=True)
        np.save(f"{folder}/{index}.npy", model.query([0, 9]).numpy())
    finally:
        dist.destroy_process_group()


@pytest.mark.skipif(not dist.is_available(), reason="torch without distributed")
def test_processes_share_the_walks_and_give_the_same_bits(tmp_path) -> None:
    run_ranks(run_rank, 3, tmp_path)
    alone = PPRFingerprints(walk_length=64).fit(EDGES).query([0, 9]).numpy()
    for index in range(3):
        assert np.array_equal(np.load(tmp_path / f"{index}.npy"), alone)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"walk_length": 0}, "walk_length must be at least 1"),
        ({"walk_length": 2**16}, "walk_length must be at most 65534"),
        ({"expansions": -1}, "expansions must be at least 0"),
        ({"estimator": "mean"}, "estimator must be one of"),
        ({"teleport": 1.5}, "teleport must lie strictly"),
        ({"seed": -1}, "seed must be at least 0"),
    ],
)
def test_bad_parameters(params: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PPRFingerprints(**params).fit(EDGES)  # type: ignore[arg-type]


def test_weighted_graphs_are_refused() -> None:
    repeated = torch.cat([EDGES, EDGES[:, :1]], dim=1)
    with pytest.raises(NotImplementedError, match="edge_weight"):
        PPRFingerprints().fit(repeated)
    with pytest.raises(NotImplementedError, match="edge_weight"):
        PPR(fingerprints=PPRFingerprints()).fit(EDGES, edge_weight=torch.rand(EDGES.size(1)))


def test_contradicting_parameters() -> None:
    with pytest.raises(ValueError, match="fingerprints must have the teleport"):
        PPR(teleport=0.3, fingerprints=PPRFingerprints()).fit(EDGES)
    with pytest.raises(ValueError, match="fingerprints must be a PPRFingerprints"):
        PPR(method="fingerprints").fit(EDGES)
    with pytest.raises(TypeError, match="fingerprints must be PPRFingerprints, got int"):
        PPR(fingerprints=3).fit(EDGES)  # type: ignore[arg-type]


def test_visits_of_another_graph_or_type_are_refused():
    empty = torch.zeros(2, dtype=torch.int64)
    none = torch.zeros(0, dtype=torch.int32)
    counts = none.to(torch.uint16)
    Visits(empty, none, counts, empty.int()).check(2)
    with pytest.raises(ValueError, match="visits must be those of 3 nodes, got shapes"):
        Visits(empty, none, counts, empty.int()).check(3)
    with pytest.raises(TypeError, match="visits must be int64, int32, uint16 and int32, got"):
        Visits(empty, none, none, empty.int()).check(2)


def test_a_process_without_nodes_has_no_visits() -> None:
    graph = SparseRows.from_edge_index(EDGES, 34)
    every, none = (
        count_visits(graph, nodes, length=20, restart=0.15, seed=0)
        for nodes in ((30, 34), (34, 34))
    )
    assert every.length.numel() == 4 and int(every.length.sum()) == every.node.numel()
    for one, other in ((getattr(v, name) for v in (every, none)) for name in VISITS):
        assert other.numel() == 0 and other.dtype == one.dtype
