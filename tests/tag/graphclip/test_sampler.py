"""Subgraphs: golden parsing, walks written out, hops, caps, packing, files."""

from __future__ import annotations

import os
import tracemalloc

import numpy as np
import pytest
import torch
from torch_geometric.utils import k_hop_subgraph, subgraph, to_undirected

from graphlab._io import atomic_path, read_json
from graphlab.ops import CSRGraph, random_walk
from graphlab.tag import SubgraphSampler
from graphlab.tag.graphclip import SubgraphStore, random_walk_encoding
from graphlab.tag.graphclip._pack import runs
from graphlab.tag.graphclip.sampler import undirected
from tests._golden import document, load

FIELDS = ("node_ptr", "node", "edge_ptr", "edge", "root")
NODES = 40


def golden_parse():
    return document("graphclip", "subgraph_parse")


def edges_at_random(seed=0, nodes=NODES, edges=70):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(nodes - 3, (2, edges), generator=generator)  # the last nodes are alone


def equal(a, b):
    return all(np.array_equal(getattr(a, f), getattr(b, f)) for f in FIELDS)


def global_edges(part):
    return {(int(part.node[a]), int(part.node[b])) for a, b in part.edge_index.t().tolist()}


def test_golden_parsing_and_encodings():
    case, x = golden_parse(), load("graphclip", "subgraph_parse_x")
    edges = [torch.tensor(s["walk_edges"]).reshape(2, -1).long() for s in case["subgraphs"]]
    centers = [s["id"] for s in case["subgraphs"]]
    store = SubgraphStore.from_edges(edges, centers, case["num_nodes"])
    for i, want in enumerate(case["parsed"]):
        part = store[i]
        assert part.edge_index.tolist() == want["edge_index"]
        assert (part.root, part.node.numel()) == (want["root_n_index"], want["num_nodes"])
        if f"x_{i}" in x:
            assert torch.equal(x["x_full"][part.node], x[f"x_{i}"])
            one = torch.zeros(part.node.numel(), dtype=torch.int64)
            got = random_walk_encoding(part.edge_index, one, 1, 32)
            torch.testing.assert_close(got, x[f"pe_{i}"], rtol=1e-5, atol=1e-6)
    assert store.center.tolist() == centers


@pytest.mark.parametrize("max_nodes", [None, 1, 4])
def test_walked_subgraphs_hold_what_was_traversed(max_nodes):
    edge_index = edges_at_random()
    sampler = SubgraphSampler(walk_length=14, restart=0.3, max_nodes=max_nodes, seed=5)
    store = sampler.sample(edge_index, NODES)
    graph = undirected(edge_index, NODES)
    walks = random_walk(graph, torch.arange(NODES), length=14, restart=0.3, seed=5)
    for start, walk in enumerate(walks.tolist()):
        at, seen, edges = start, {start}, set()
        for node in walk[1:]:
            nxt = start if node < 0 else node
            if max_nodes is not None and len(seen | {nxt}) > max_nodes:
                break
            if node >= 0:
                edges |= {(at, node), (node, at)}
            seen.add(nxt)
            at = nxt
        part = store[start]
        assert part.node.tolist() == sorted(seen)
        assert global_edges(part) == (edges or {(start, start)})
        assert int(part.node[part.root]) == start


def test_induced_walks_and_hops_equal_pyg():
    edge_index = edges_at_random()
    both = to_undirected(edge_index[:, edge_index[0] != edge_index[1]], num_nodes=NODES)
    walked = SubgraphSampler(walk_length=14, edges="induced", seed=2).sample(edge_index, NODES)
    hops = SubgraphSampler("khop", num_hops=2).sample(edge_index, NODES)
    for i in range(NODES):
        kept, _ = subgraph(walked[i].node, both, num_nodes=NODES)
        want = {tuple(e) for e in kept.t().tolist()} or {(i, i)}
        assert global_edges(walked[i]) == want
        nodes, kept, _, _ = k_hop_subgraph(i, 2, both, num_nodes=NODES)
        assert hops[i].node.tolist() == sorted(nodes.tolist())
        assert global_edges(hops[i]) == ({tuple(e) for e in kept.t().tolist()} or {(i, i)})


def test_capped_hops_keep_nearer_nodes():
    edge_index = edges_at_random(edges=150)
    one = SubgraphSampler("khop", num_hops=1).sample(edge_index, NODES)
    two = SubgraphSampler("khop", num_hops=2).sample(edge_index, NODES)
    capped = SubgraphSampler("khop", num_hops=2, max_nodes=9, seed=1).sample(edge_index, NODES)
    other = SubgraphSampler("khop", num_hops=2, max_nodes=9, seed=2).sample(edge_index, NODES)
    assert not equal(capped, other)
    for i in range(NODES):
        near, all_of = set(one[i].node.tolist()), set(two[i].node.tolist())
        got = set(capped[i].node.tolist())
        assert len(got) == min(9, len(all_of)) and i in got and got <= all_of
        assert near <= got if len(near) <= 9 else got <= near


@pytest.mark.parametrize(
    "options",
    [{}, {"max_nodes": 3}, {"edges": "induced"}, {"method": "khop", "max_nodes": 6}],
    ids=str,
)
def test_a_subgraph_does_not_depend_on_what_is_beside_it(options):
    edge_index = edges_at_random(1)
    whole = SubgraphSampler(**options, seed=3).sample(edge_index, NODES)
    assert equal(whole, SubgraphSampler(**options, seed=3, chunk_size=7).sample(edge_index, NODES))
    nodes = torch.tensor([30, 4, 39])
    part = SubgraphSampler(**options, seed=3).sample(edge_index, NODES, nodes)
    assert equal(part, whole.select(nodes))
    stream = SubgraphSampler(**options, seed=3).sample(edge_index, NODES, stream=1)
    assert not equal(whole, stream)


def test_long_walks_have_wide_ids():
    edge_index = edges_at_random(2)
    short = SubgraphSampler(walk_length=181, restart=0.1, seed=1).sample(edge_index, NODES)
    long = SubgraphSampler(walk_length=400, restart=0.1, seed=1).sample(edge_index, NODES)
    for i in range(NODES):
        assert global_edges(short[i]) <= global_edges(long[i]) | {(i, i)}


def test_batches_join_subgraphs():
    store = SubgraphSampler(walk_length=9).sample(edges_at_random(), NODES)
    index = [3, 39, 3, 0]
    batch = store.batch(index)
    start = 0
    for position, i in enumerate(index):
        part = store[i]
        here = batch.batch == position
        assert torch.equal(batch.node[here], part.node)
        inside = (batch.edge_index[0] >= start) & (batch.edge_index[0] < start + len(part.node))
        assert torch.equal(batch.edge_index[:, inside] - start, part.edge_index)
        assert int(batch.root_index[position]) == start + part.root
        assert torch.equal(torch.as_tensor(store.node)[batch.node_row[here]].long(), part.node)
        start += len(part.node)
    assert torch.equal(batch.subgraph, torch.tensor(index))


@pytest.mark.parametrize("mode", ["mapped", "memory"])
def test_files_give_the_store_back(mode, tmp_path):
    store = SubgraphSampler(walk_length=9).sample(edges_at_random(), NODES)
    again = SubgraphStore.load(store.save(tmp_path / "store"), mode=mode)
    assert equal(store, again)
    assert isinstance(again.node, np.memmap) == (mode == "mapped")
    assert again.batch([1, 2]).node.tolist() == store.batch([1, 2]).node.tolist()


def test_damaged_or_foreign_files_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError):
        SubgraphStore.load(tmp_path / "none")
    store = SubgraphSampler(walk_length=9).sample(edges_at_random(), NODES)
    store.save(tmp_path)
    (path,) = tmp_path.glob("node-*.npy")
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match=rf"{path.name} is damaged"):
        SubgraphStore.load(tmp_path)
    (tmp_path / "store.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ValueError, match="does not describe a store"):
        SubgraphStore.load(tmp_path)


def test_a_save_replaces_what_was_there(tmp_path):
    one, two = (
        SubgraphSampler(walk_length=9, seed=seed).sample(edges_at_random(), NODES)
        for seed in (0, 1)
    )
    one.save(tmp_path)
    mapped = SubgraphStore.load(tmp_path)
    (tmp_path / "node-notes.npy").write_bytes(b"somebody's")
    two.save(tmp_path)
    assert equal(SubgraphStore.load(tmp_path), two) and equal(mapped, one)
    assert len(list(tmp_path.iterdir())) == 8  # five arrays, the record, the lock, the notes
    SubgraphStore.load(tmp_path).save(tmp_path)
    assert equal(SubgraphStore.load(tmp_path), two)


def test_a_failed_save_leaves_the_older_store(tmp_path, monkeypatch):
    one, two = (
        SubgraphSampler(walk_length=9, seed=seed).sample(edges_at_random(), NODES)
        for seed in (0, 1)
    )
    one.save(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("graphlab.tag.graphclip.store.files.write_json", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            two.save(tmp_path)
    assert equal(SubgraphStore.load(tmp_path), one)


def test_stores_of_the_first_version_are_read(tmp_path):
    store = SubgraphSampler(walk_length=9).sample(edges_at_random(), NODES)
    store.save(tmp_path)
    for path in tmp_path.glob("*-*.npy"):
        path.rename(tmp_path / f"{path.name.split('-')[0]}.npy")
    record = tmp_path / "store.json"
    record.write_text(record.read_text().replace('"version": 2', '"version": 1'))
    assert equal(SubgraphStore.load(tmp_path), store)
    store.save(tmp_path)
    assert not (tmp_path / "node.npy").exists() and equal(SubgraphStore.load(tmp_path), store)


def test_a_reader_follows_a_store_that_is_replaced_meanwhile(tmp_path, monkeypatch):
    one, two = (
        SubgraphSampler(walk_length=9, seed=seed).sample(edges_at_random(), NODES)
        for seed in (0, 1)
    )
    one.save(tmp_path)

    def read_too_early(path):
        record = read_json(path)
        two.save(tmp_path)
        return record

    monkeypatch.setattr("graphlab.tag.graphclip.store.files.read_json", read_too_early)
    assert equal(SubgraphStore.load(tmp_path), two)
    (path,) = tmp_path.glob("node-*.npy")
    monkeypatch.undo()
    path.unlink()
    for verify in (True, False):
        with pytest.raises(FileNotFoundError, match=path.name):
            SubgraphStore.load(tmp_path, verify=verify)


def test_a_store_takes_four_bytes_a_node_and_four_an_edge():
    store = SubgraphSampler(walk_length=9).sample(edges_at_random(), NODES)
    pointers, roots = 2 * 8 * (len(store) + 1), 4 * len(store)
    assert store.nbytes == pointers + roots + 4 * store.node.size + 2 * store.edge.size


def test_joined_stores_keep_their_subgraphs():
    a = SubgraphSampler(walk_length=9).sample(edges_at_random(), NODES)
    b = SubgraphSampler("khop", num_hops=1).sample(edges_at_random(4), NODES)
    both = SubgraphStore.concat([a, b], [0, NODES])
    assert len(both) == 2 * NODES
    assert equal(both.select(range(NODES)), a) or both.edge.dtype != a.edge.dtype
    assert both[NODES + 5].node.tolist() == (b[5].node + NODES).tolist()
    assert torch.equal(both[NODES + 5].edge_index, b[5].edge_index)
    with pytest.raises(ValueError, match="equally many"):
        SubgraphStore.concat([a], [])


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"method": "bfs"}, ValueError, "method must be one of"),
        ({"restart": 1.0}, ValueError, r"restart must lie in \[0, 1\)"),
        ({"restart": -0.5}, ValueError, r"restart must lie in \[0, 1\)"),
        ({"walk_length": 0}, ValueError, "walk_length must be at least 1"),
        ({"max_nodes": 0}, ValueError, "max_nodes must be at least 1"),
        ({"num_hops": 0}, ValueError, "num_hops must be at least 1"),
        ({"method": "khop", "edges": "traversed"}, ValueError, "edges must be 'induced'"),
        ({"seed": -1}, ValueError, "seed must be at least 0"),
    ],
)
def test_bad_options_are_refused(options, error, words):
    with pytest.raises(error, match=words):
        SubgraphSampler(**options)


@pytest.mark.parametrize(
    ("edge_index", "nodes", "error", "words"),
    [
        (torch.tensor([[0], [5]]), None, IndexError, r"edge_index\[1, 0\] = 5"),
        (torch.tensor([[-1], [0]]), None, IndexError, "is outside"),
        (torch.zeros(3, 2).long(), None, ValueError, "must have shape"),
        (torch.zeros(2, 2), None, TypeError, "must be int64"),
        (torch.zeros(2, 0).long(), torch.tensor([5]), IndexError, r"nodes\[0\] = 5"),
        (torch.zeros(2, 0).long(), torch.zeros(0).long(), ValueError, "at least one root"),
    ],
)
def test_bad_graphs_are_refused(edge_index, nodes, error, words):
    with pytest.raises(error, match=words):
        SubgraphSampler().sample(edge_index, 5, nodes)


@pytest.mark.parametrize(
    ("edges", "centers", "error", "words"),
    [
        ([[[0], [1]]], [2], ValueError, r"edges\[0\] must touch its center 2"),
        ([[[0], [9]]], [0], IndexError, r"edges\[0\]\[1, 0\] = 9"),
        ([[[0], [1]]], [0, 1], ValueError, "edges must have 2 entries"),
        ([], [7], IndexError, r"centers\[0\] = 7"),
    ],
)
def test_bad_edge_lists_are_refused(edges, centers, error, words):
    with pytest.raises(error, match=words):
        SubgraphStore.from_edges([torch.tensor(e) for e in edges], centers, 5)


def test_what_a_killed_writer_left_is_swept(tmp_path):
    store = SubgraphSampler(walk_length=4).sample(torch.tensor([[0], [1]]), 2)
    with atomic_path(tmp_path / "node.npy") as temporary:
        temporary.write_bytes(b"")
        name = temporary.name
    left = tmp_path / name.replace(f"-{os.getpid()}-", "-4194399-")  # above the largest id
    left.write_bytes(b"half")
    store.save(tmp_path)
    assert not left.exists()


@pytest.mark.parametrize("options", [{"method": "khop", "num_hops": 2}, {"edges": "induced"}])
def test_capped_subgraphs_around_a_hub_stay_small_on_the_way(options):
    nodes = 20_000
    star = torch.stack([torch.zeros(nodes - 1, dtype=torch.long), torch.arange(1, nodes)])
    sampler = SubgraphSampler(max_nodes=4, **options)
    tracemalloc.start()
    try:
        store = sampler.sample(star, nodes, torch.arange(256))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert int(store.sizes.max()) <= 4
    assert peak < 40e6  # all edges of the hub, for all roots at once: 41 MB an array


def test_runs_cover_everything_once():
    weight = np.array([3, 0, 9, 1, 1, 5])
    assert list(runs(weight, 5)) == [(0, 2), (2, 3), (3, 5), (5, 6)]
    assert list(runs(weight[:0], 5)) == []


def test_a_prepared_graph_with_loops_is_refused():
    graph = CSRGraph.from_edge_index(torch.tensor([[0, 1, 1], [1, 0, 1]]), 2)
    with pytest.raises(ValueError, match="without self-loops: SubgraphSampler.prepare"):
        SubgraphSampler().sample(graph)


def test_stores_are_compared_by_their_arrays():
    edges = torch.tensor([[0, 1, 2], [1, 2, 0]])
    one, two = (SubgraphSampler(seed=0).sample(edges, 4) for _ in range(2))
    assert one == two and one != two.select([0, 1, 2]) and one != "store"
    with pytest.raises(TypeError, match="index must be the number of a subgraph, .*select takes"):
        one[0:2]
