"""Graphs sorted on disk: the graph of memory, within bounds, after every failure."""

from __future__ import annotations

import os
import threading
import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab._io import read_json
from graphlab.tag import SubgraphSampler
from graphlab.tag.graphclip._prepared import merge, prepare
from graphlab.tag.graphclip._prepared import runs as sorted_runs
from graphlab.tag.graphclip._prepared.prepare import prepare_on_disk

NODES = 60
#: Seven edges a chunk, and a range of the merge as short as it gets.
LITTLE = 7 * sorted_runs.EDGE_BYTES


def random_edges(seed=0, count=60, nodes=NODES):
    """Some edges twice, some in both directions, loops, and nodes without any."""
    draw = torch.randint(nodes - 9, (2, count), generator=torch.Generator().manual_seed(seed))
    extra = torch.stack([draw[0, :20], draw[0, :20]])
    return torch.cat([draw, draw[:, :10].flip(0), draw[:, 30:50], extra], dim=1)


def on_disk(edges, folder, memory=LITTLE, nodes=NODES):
    return prepare_on_disk(edges, nodes, folder, memory)


def same(graph, edges, nodes=NODES):
    want = SubgraphSampler.prepare(edges, nodes)
    return torch.equal(graph.rowptr, want.rowptr) and torch.equal(graph.col, want.col)


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture
def short_blocks(monkeypatch):
    for module in (sorted_runs, merge):
        monkeypatch.setattr(module, "BLOCK", 4)


@pytest.mark.parametrize("memory", [LITTLE, 40 * LITTLE])
def test_the_graph_is_that_of_memory(tmp_path, memory, short_blocks):
    edges = random_edges()
    graph = on_disk(edges, tmp_path, memory)
    assert same(graph, edges) and type(graph) is type(SubgraphSampler.prepare(edges, NODES))
    graph.check_values()
    # Nothing is left of the way there.
    assert sorted(p.name for p in tmp_path.iterdir() if not p.name.startswith(".")) == [
        "col.npy", "graph.json", "rowptr.npy", "settings.json",
    ]  # fmt: skip


@settings(max_examples=15)
@given(data=st.data())
def test_whatever_the_edges_and_their_pieces(data, tmp_path_factory):
    nodes = data.draw(st.integers(1, 12))
    ends = st.lists(st.tuples(*[st.integers(0, nodes - 1)] * 2), max_size=40)
    pieces = [
        torch.tensor(piece, dtype=torch.int64).reshape(-1, 2).T
        for piece in data.draw(st.lists(ends, max_size=5))
    ]
    whole = torch.cat([torch.zeros(2, 0, dtype=torch.int64), *pieces], dim=1)
    memory = data.draw(st.integers(1, 30)) * sorted_runs.EDGE_BYTES
    graph = on_disk(iter(pieces), tmp_path_factory.mktemp("graph"), memory, nodes)
    assert same(graph, whole, nodes)


def test_through_the_sampler(tmp_path):
    edges = random_edges()
    np.save(tmp_path / "edges.npy", edges.numpy())
    mapped = torch.from_numpy(np.load(tmp_path / "edges.npy", mmap_mode="c"))
    graph = SubgraphSampler.prepare(mapped, NODES, directory=tmp_path / "graph")
    for sampler in (SubgraphSampler("rwr", 8), SubgraphSampler("khop", num_hops=2)):
        one, two = sampler.sample(graph), sampler.sample(edges, NODES)
        assert np.array_equal(one.node, two.node) and np.array_equal(one.edge, two.edge)
    again = SubgraphSampler.prepare(edges.int(), NODES, directory=tmp_path / "graph")
    assert same(again, edges)


def test_a_graph_that_is_there_is_not_sorted_again(tmp_path, monkeypatch):
    edges = random_edges()
    on_disk(edges, tmp_path)
    monkeypatch.setattr(sorted_runs, "sorted_keys", None)
    # Also with other bounds.
    assert same(on_disk(edges.split(11, dim=1), tmp_path, 3 * LITTLE), edges)
    others = edges.flip(1), edges[:, :-1], edges[:, :105], torch.cat([edges, edges], dim=1)
    for other in others:  # also without the whole last chunk
        with pytest.raises(ValueError, match="holds the graph of other edges"):
            on_disk(other, tmp_path)
    with pytest.raises(ValueError, match="a graph of 60 nodes, not of 61"):
        on_disk(edges, tmp_path, nodes=61)


class Killed(Exception):
    pass


def test_after_a_failure_wherever_it_goes_on(tmp_path, monkeypatch, short_blocks):
    """Stopped at every flush in turn, and called again until it is through."""
    edges, sorted_ = random_edges(), []
    monkeypatch.setattr(
        sorted_runs, "sorted_keys",
        lambda *given, original=sorted_runs.sorted_keys: sorted_.append(1) or original(*given),
    )  # fmt: skip
    left = 0

    def stopping(descriptor):
        nonlocal left
        left -= 1
        if left < 0:
            raise Killed

    monkeypatch.setattr(os, "fsync", stopping)
    attempts = 0
    while True:
        left, attempts = 9, attempts + 1
        try:
            graph = on_disk(edges, tmp_path)
        except Killed:
            continue
        break
    assert attempts > 10 and same(graph, edges)
    chunks = -(-edges.size(1) // 7)
    assert len(read_json(tmp_path / "graph.json")["chunks"]) == chunks
    assert len(sorted_) <= 2 * chunks  # what was done stays done


def test_a_merge_whose_files_are_gone_begins_again(tmp_path, monkeypatch, short_blocks):
    edges = random_edges()
    with monkeypatch.context() as patched, pytest.raises(TypeError):
        patched.setattr(merge, "_put_header", None)
        on_disk(edges, tmp_path)
    (tmp_path / "col.npy").unlink()
    assert same(on_disk(edges, tmp_path), edges)


def test_a_merge_that_lacks_its_heads_alone_reads_no_key_again(tmp_path, monkeypatch):
    edges = random_edges()
    with monkeypatch.context() as patched, pytest.raises(TypeError):
        patched.setattr(merge, "_put_header", None)
        on_disk(edges, tmp_path)
    monkeypatch.setattr(merge, "_together", None)
    assert same(on_disk(edges, tmp_path), edges)


def test_a_graph_without_edges(tmp_path):
    edges = torch.zeros(2, 0, dtype=torch.int64)
    graph = on_disk(edges, tmp_path)
    assert same(graph, edges) and graph.rowptr.tolist() == [0] * (NODES + 1)


def test_shares_that_two_processes_sort_one_after_the_other(tmp_path, monkeypatch):
    edges, sorted_ = random_edges(), []
    monkeypatch.setattr(prepare, "world_size", lambda: 2)
    monkeypatch.setattr(
        sorted_runs, "sorted_keys",
        lambda *given, original=sorted_runs.sorted_keys: sorted_.append(1) or original(*given),
    )  # fmt: skip
    with monkeypatch.context() as patched, pytest.raises(FileNotFoundError, match="graph.json"):
        patched.setattr(prepare, "rank", lambda: 1)
        on_disk(edges, tmp_path)  # the other has not joined the parts yet
    assert len(sorted_) == 8 and not (tmp_path / "col.npy").exists()
    assert same(on_disk(edges, tmp_path), edges) and len(sorted_) == 16


def test_pieces_may_come_in_the_same_memory(tmp_path):
    edges = random_edges()

    def pieces():
        memory = torch.empty(2, 5, dtype=torch.int64)
        for piece in edges.split(5, dim=1):
            part = memory[:, : piece.size(1)]
            yield part.copy_(piece)

    assert same(on_disk(pieces(), tmp_path), edges)


def test_a_second_call_waits_for_the_first(tmp_path, monkeypatch):
    edges, found = random_edges(), []
    second = threading.Thread(target=lambda: found.append(on_disk(edges, tmp_path)))

    def merge_runs(*given, original=prepare.merge_runs):
        if not second.ident:
            second.start()
            second.join(0.3)  # alone, it would be through by now, and the runs gone
        return original(*given)

    monkeypatch.setattr(prepare, "merge_runs", merge_runs)
    found.append(on_disk(edges, tmp_path))
    second.join()
    assert len(found) == 2 and all(same(graph, edges) for graph in found)


def test_memory_is_bounded(tmp_path):
    nodes, memory = 50_000, 2**20
    edges = random_edges(1, 400_000, nodes)
    np.save(tmp_path / "edges.npy", edges.numpy())
    mapped = torch.from_numpy(np.load(tmp_path / "edges.npy", mmap_mode="c"))
    tracemalloc.start()
    try:
        graph = SubgraphSampler.prepare(mapped, nodes, directory=tmp_path / "graph", memory=memory)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert same(graph, edges, nodes)
    # The keys of all edges are 6.4 MB.
    assert peak < 1.5 * memory


def test_damaged_files_are_told(tmp_path):
    edges = random_edges()
    on_disk(edges, tmp_path)
    (tmp_path / "col.npy").write_bytes((tmp_path / "col.npy").read_bytes()[:-40])
    with pytest.raises(ValueError, match="col.npy is damaged"):
        on_disk(edges, tmp_path)
    for wrong in ("{}", "[]"):
        (tmp_path / "graph.json").write_text(wrong)
        with pytest.raises(ValueError, match="graph.json is damaged"):
            on_disk(edges, tmp_path)
    for wrong in ("{}", '{"format": "graphlab.prepared_graph", "num_nodes": 60}'):
        (tmp_path / "settings.json").write_text(wrong)
        with pytest.raises(ValueError, match="settings.json is of something else"):
            on_disk(edges, tmp_path)


def test_what_is_no_graph(tmp_path):
    for wrong in (random_edges().numpy(), "edges.csv", 3):
        with pytest.raises(TypeError, match="edge_index must be a torch.Tensor"):
            SubgraphSampler.prepare(wrong, NODES, directory=tmp_path / "a")
    with pytest.raises(IndexError, match=r"edge_index\[1\]"):
        pieces = [random_edges(), torch.tensor([[0], [NODES]])]
        SubgraphSampler.prepare(pieces, NODES, directory=tmp_path / "b")
    with pytest.raises(ValueError, match="memory must be at least"):
        SubgraphSampler.prepare(random_edges(), NODES, directory=tmp_path / "c", memory=1000)


def stopped_behind_the_runs(folder, monkeypatch):
    with monkeypatch.context() as patched, pytest.raises(ZeroDivisionError):
        patched.setattr(prepare, "_join", lambda *arguments: 1 / 0)
        on_disk(random_edges(), folder)


def test_a_folder_of_other_edges_is_refused_while_it_is_made(tmp_path, monkeypatch):
    stopped_behind_the_runs(tmp_path, monkeypatch)
    with pytest.raises(ValueError, match="is of other edges; use another folder"):
        on_disk(random_edges(1), tmp_path)
    with pytest.raises(ValueError, match="holds the graph of other edges; use another folder"):
        on_disk(random_edges()[:, :105], tmp_path)


@pytest.mark.parametrize("cut", ["00003.keys", "00003.npy"])
def test_runs_that_were_cut_are_told(cut, tmp_path, monkeypatch):
    stopped_behind_the_runs(tmp_path, monkeypatch)
    path = tmp_path / "runs" / cut
    if cut.endswith(".npy"):
        np.save(path, np.zeros(0, np.int64))
    else:
        path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(ValueError, match=r"00003.keys is damaged: remove its folder and prepare"):
        on_disk(random_edges(), tmp_path)


def test_a_graph_of_another_length_is_damaged(tmp_path):
    on_disk(random_edges(), tmp_path)
    rows = np.load(tmp_path / "rowptr.npy")
    np.save(tmp_path / "rowptr.npy", rows[:-1])
    with pytest.raises(ValueError, match=r"rowptr.npy is damaged: int64 \(60,\), not \(61,\)"):
        on_disk(random_edges(), tmp_path)
