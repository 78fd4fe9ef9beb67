"""TAPE on sampled neighbourhoods, with features on disk."""

from __future__ import annotations

import pytest
import torch
from torch_geometric.nn import GCNConv

from graphlab.tag import TAPE, EmbeddingStore
from graphlab.tag._neighbors import NeighborSampler, distinct_positions
from graphlab.tag.tape.adjacency import SharedAdjacency
from graphlab.tag.tape.graph_view import SampledGraph
from tests.tag.tape.test_tape import SMALL, accuracy, tape_graph

BATCHES = {**SMALL, "batch_size": 16, "num_neighbors": (3, 3)}


@pytest.mark.parametrize("gnn", ["gcn", "sage", "mlp", "revgat", lambda i, o: GCNConv(i, o)])
def test_members_learn_from_batches(gnn):
    data = tape_graph()
    model = TAPE(gnn, {"TA", "P"}, **{**BATCHES, "lr": 0.01}).fit(data)
    assert accuracy(model, data) > 0.7
    assert torch.equal(model.predict(), model.predict())
    again = TAPE(gnn, {"TA", "P"}, **{**BATCHES, "lr": 0.01}).fit(data)
    assert again.history_ == model.history_


@pytest.mark.parametrize("gnn", ["gcn", "sage", "mlp"])
def test_with_all_neighbours_predictions_are_those_of_the_whole_graph(gnn):
    data = tape_graph()
    model = TAPE(gnn, {"TA", "P"}, **{**BATCHES, "num_neighbors": (-1, -1)}).fit(data)
    whole = TAPE(gnn, {"TA", "P"}, **SMALL).fit(data)
    whole.members_ = model.members_
    found, want = model.member_logits(data), whole.member_logits(data)
    for name, logits in want.items():
        torch.testing.assert_close(found[name], logits, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(model.member_logits()[name], logits, rtol=1e-4, atol=1e-5)


def test_sampled_sums_are_right_on_average():
    """The mean over many draws of GCN's sum is the sum over all neighbours."""
    data, x, draws = tape_graph(), torch.ones(90, 1), 400
    sampler, total = NeighborSampler(data.edge_index, 90), torch.zeros(90, 1)
    for seed in range(draws):
        view = SampledGraph(x, sampler, "gcn", 90, (2,), seed, torch.device("cpu"))
        (piece,) = view.training(torch.arange(90), 0)
        total.index_add_(0, piece.node, (piece.graph @ piece.x)[piece.row])
    want = SharedAdjacency.build(data.edge_index, 90, "gcn") @ x
    torch.testing.assert_close(total / draws, want, rtol=0.05, atol=0.02)


def test_no_nodes_have_no_logits():
    data = tape_graph()
    sampler = NeighborSampler(data.edge_index, 90)
    view = SampledGraph(data.TA, sampler, "other", 16, (2,), 0, torch.device("cpu"))
    model = GCNConv(data.TA.size(1), 3)
    assert view.logits(model, 3, torch.arange(0)).shape == (0, 3)
    assert view.logits(model, 3, torch.tensor([7, 4])).shape == (2, 3)
    assert model.training


@pytest.mark.parametrize("batch_size", [None, 16])
def test_features_on_disk_are_those_in_memory(batch_size, tmp_path):
    data = tape_graph()
    store = EmbeddingStore.write(tmp_path, data.TA, shard_size=32, dtype="float32")
    options = {**SMALL, "batch_size": batch_size}
    want = TAPE("gcn", {"TA": data.TA, "P": data.P}, **options).fit(data)
    found = TAPE("gcn", {"TA": store, "P": data.P}, **options).fit(data)
    assert found.history_ == want.history_
    assert torch.equal(found.predict_proba(), want.predict_proba())
    data.TA = store
    assert torch.equal(want.member_logits(data)["TA"], want.member_logits()["TA"])


def test_a_batch_reads_the_rows_of_its_neighbourhood(tmp_path):
    data = tape_graph()

    class Noted:
        shape, dtype = tuple(data.TA.shape), data.TA.dtype
        most = 0

        def __getitem__(self, index):
            if isinstance(index, torch.Tensor):
                self.most = max(self.most, index.numel())
            return data.TA[index]

    noted = Noted()
    options = {**SMALL, "epochs": 2, "batch_size": 4, "num_neighbors": (2, 1)}
    TAPE("gcn", {"TA": noted}, **options).fit(data)
    assert 0 < noted.most <= 4 + 8 + 8


def test_bad_rows_of_a_store_are_refused(tmp_path):
    data = tape_graph()
    for name, rows, words in (
        ("short", data.TA[:50], "must have 90 rows"),
        ("equal", torch.ones(90, 3), "the same for all nodes"),
        ("zero", data.TA.index_fill(0, torch.tensor([70]), 0), r"1 all-zero rows, nodes \[70\]"),
    ):
        store = EmbeddingStore.write(tmp_path / name, rows, shard_size=32)
        with pytest.raises(ValueError, match=words):
            TAPE("gcn", {"TA": store}, **SMALL).fit(data)


def test_bad_batches_are_refused():
    data = tape_graph()
    for changes, error, words in (
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1"),
        ({"batch_size": None}, ValueError, "num_neighbors needs a batch_size"),
        ({"num_neighbors": 5}, TypeError, "num_neighbors must be a list"),
        ({"num_neighbors": [3, 0]}, ValueError, r"num_neighbors\[1\] must be -1"),
    ):
        with pytest.raises(error, match=words):
            TAPE("gcn", {"TA"}, **(BATCHES | changes)).fit(data)


def test_batches_are_saved(tmp_path):
    data = tape_graph()
    model = TAPE("sage", {"TA"}, **BATCHES).fit(data)
    model.save(tmp_path)
    again = TAPE.load(tmp_path)
    assert tuple(again.num_neighbors) == (3, 3) and again.batch_size == 16
    assert torch.equal(again.member_logits(data)["TA"], model.member_logits(data)["TA"])


# --- draws ----------------------------------------------------------------------------------------


def test_positions_are_distinct_and_uniform():
    generator = torch.Generator().manual_seed(0)
    chosen = distinct_positions(torch.full((6000,), 6), 3, generator)
    assert int(chosen.min()) == 0 and int(chosen.max()) == 5
    ordered = chosen.sort(1).values
    assert bool((ordered.diff(dim=1) > 0).all())
    counts = torch.bincount((ordered * torch.tensor([36, 6, 1])).sum(1))
    counts = counts[counts > 0]
    assert counts.numel() == 20  # all sets of three out of six
    assert float(((counts - 300.0) ** 2 / 300).sum()) < 45  # chi-squared, 19 degrees


@pytest.mark.parametrize("neighbors", [(2, 2), (-1,), (-1, 3, 1)])
def test_neighbourhoods_hold_true_edges_and_no_more_than_asked(neighbors):
    data = tape_graph()
    sampler = NeighborSampler(data.edge_index, 90)
    seeds = torch.tensor([7, 50, 3])
    hood = sampler.sample(seeds, neighbors, torch.Generator().manual_seed(1))
    assert hood.node[:3].tolist() == [7, 50, 3] and hood.node.unique().numel() == hood.node.numel()
    edges = {tuple(e) for e in data.edge_index.t().tolist()}
    drawn = [tuple(e) for e in hood.node[hood.edge_index].t().tolist()]
    assert set(drawn) <= edges and len(set(drawn)) == len(drawn)
    degree = torch.bincount(data.edge_index[1], minlength=90)
    have = torch.bincount(hood.edge_index[1], minlength=hood.node.numel())[:3]
    full = degree[seeds]
    want = full if neighbors[0] < 0 else full.clamp(max=neighbors[0])
    assert torch.equal(have, want)
    inside = {e for e in edges if {*e} <= {*hood.node.tolist()}}
    induced = {tuple(e) for e in hood.node[sampler.induced(hood.node)].t().tolist()}
    assert induced == inside
