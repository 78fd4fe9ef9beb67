"""Random walks: the format, the law, independence of what is beside; subgraphs; the border."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlab._random import philox_uint32
from graphlab.ops import CSRGraph, SparseRows, random_walk, reference, walk_subgraphs


def ring_with_chords(nodes=12):
    at = torch.arange(nodes)
    edges = torch.cat([torch.stack([at, (at + 1) % nodes]), torch.stack([at, (at * 5) % nodes])], 1)
    return CSRGraph.from_edge_index(torch.cat([edges, edges.flip(0)], 1), nodes)


def walk_by_hand(graph, start, length, restart, seed, stream):
    words = philox_uint32(seed, torch.tensor([start]), 0, 2 * length, stream)[0].tolist()
    at, out = start, [start]
    for step in range(length):
        row = graph.col[graph.rowptr[at] : graph.rowptr[at + 1]].tolist()
        back = words[2 * step] < math.floor(restart * 2**32 + 0.5) or not row
        at = start if back else row[words[2 * step + 1] * len(row) // 2**32]
        out.append(-1 if back else at)
    return out


@pytest.mark.parametrize("seed", [0, 2**64 - 5])
@pytest.mark.parametrize("length", [1, 7, 8])
def test_walks_follow_the_published_words(seed, length, device):
    graph = ring_with_chords()
    start = torch.tensor([3, 0, 3, 11])
    got = random_walk(
        graph.to(device), start.to(device),
        length=length, restart=0.3, seed=seed, stream=9,
    )  # fmt: skip
    want = [walk_by_hand(graph, s, length, 0.3, seed, 9) for s in start.tolist()]
    assert got.tolist() == want


def test_a_walk_does_not_depend_on_the_others():
    graph = ring_with_chords()
    options = {"length": 9, "restart": 0.5, "seed": 4}
    whole = random_walk(graph, torch.arange(12), **options)
    part = random_walk(graph, torch.tensor([7, 2]), **options)
    assert torch.equal(part, whole[[7, 2]])


def test_bits_are_those_of_the_definition():
    generator = torch.Generator().manual_seed(0)
    graph = CSRGraph.from_edge_index(torch.randint(500, (2, 3000), generator=generator), 600)
    start = torch.randint(600, (2000,), generator=generator)
    got = random_walk(graph, start, length=33, restart=0.4, seed=1)
    assert torch.equal(got, reference.random_walk(graph.rowptr, graph.col, start, 1, 0, 33, 0.4))


def test_returns_and_neighbours_have_their_probabilities():
    graph = CSRGraph.from_edge_index(torch.tensor([[0, 0, 0, 1, 2, 3], [1, 2, 3, 0, 0, 0]]), 4)
    walks = [
        random_walk(graph, torch.zeros(1).long(), length=2000, restart=0.25, seed=s)
        for s in range(10)
    ]
    steps = torch.cat(walks)[:, 1:]
    assert abs(float((steps == -1).double().mean()) - 0.25) < 0.02
    for node in (1, 2, 3):
        share = float((steps == node).sum() / ((steps > 0).sum()))
        assert abs(share - 1 / 3) < 0.03


def test_a_lonely_node_only_returns():
    rowptr, col = torch.zeros(3).long(), torch.zeros(0, dtype=torch.int32)
    got = random_walk(SparseRows(rowptr, col), torch.tensor([1]), length=3, restart=0.0)
    assert got.tolist() == [[1, -1, -1, -1]]


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"rowptr": torch.tensor([0, 1, 2]).int()}, TypeError, "rowptr must be int64"),
        ({"rowptr": torch.tensor([0, 2, 1, 2])}, ValueError, "rowptr must ascend"),
        ({"col": torch.tensor([1, 0])}, TypeError, "col must be int32"),
        ({"col": torch.tensor([1, 2]).int()}, IndexError, r"col\[1\] = 2 is outside"),
        ({"start": torch.tensor([2])}, IndexError, r"start\[0\] = 2 is outside"),
        ({"length": 0}, ValueError, "length must be at least 1"),
        ({"restart": 1.0}, ValueError, r"restart must lie in \[0, 1\)"),
        ({"restart": -0.1}, ValueError, r"restart must lie in \[0, 1\)"),
        ({"restart": True}, TypeError, "restart must be a number"),
        ({"seed": 2**64}, ValueError, "seed must be at most"),
        ({"stream": -1}, ValueError, "stream must be at least 0"),
    ],
)
def test_bad_input_is_refused_by_name(changes, error, words):
    arguments = {
        "rowptr": torch.tensor([0, 1, 2]),
        "col": torch.tensor([1, 0], dtype=torch.int32),
        "start": torch.tensor([0]),
        "length": 2,
    } | changes
    rowptr, col, start = (arguments.pop(name) for name in ("rowptr", "col", "start"))
    with pytest.raises(error, match=words):
        random_walk(SparseRows(rowptr, col), start, **arguments)


def test_loose_tensors_still_work_and_warn():
    graph, start = ring_with_chords(), torch.tensor([3])
    with pytest.warns(FutureWarning, match=r"random_walk\(rowptr, col\) is random_walk with"):
        out = random_walk(graph.rowptr, graph.col, start, length=4)
    assert torch.equal(out, random_walk(graph, start, length=4))
    with pytest.warns(FutureWarning, match="random_walk"):
        out = random_walk(rowptr=graph.rowptr, col=graph.col, start=start, length=4)
    assert torch.equal(out, random_walk(graph, start, length=4))


def test_walks_need_a_square_matrix():
    rows = SparseRows.from_rows(torch.tensor([0]), torch.tensor([2]), 2, 3)
    with pytest.raises(ValueError, match=r"graph must be square, got SparseRows\(2 x 3, 1 entries"):
        random_walk(rows, torch.tensor([0]), length=2)


def subgraph_by_hand(walk, max_nodes):
    start, *moves = walk
    at, seen, edges = start, {start}, set()
    for move in moves:
        nxt = start if move < 0 else move
        if max_nodes is not None and len(seen | {nxt}) > max_nodes:
            break
        if move >= 0:
            edges |= {(at, nxt), (nxt, at)}
        seen.add(nxt)
        at = nxt
    return sorted(seen), sorted(edges) or [(start, start)]


def unpacked(subgraphs):
    node_ptr, node, edge_ptr, edge, root = (part.tolist() for part in subgraphs)
    for i, local in enumerate(root):
        own = node[node_ptr[i] : node_ptr[i + 1]]
        ends = (side[edge_ptr[i] : edge_ptr[i + 1]] for side in edge)
        yield own[local], own, [(own[a], own[b]) for a, b in zip(*ends, strict=True)]


@st.composite
def walks_of_any_kind(draw):
    count, length = draw(st.integers(0, 5)), draw(st.integers(0, 12))
    top = draw(st.sampled_from([0, 3, 40, 2**31 - 1]))
    start = st.lists(st.integers(0, top), min_size=count, max_size=count)
    step = st.lists(st.integers(-1, top), min_size=length, max_size=length)
    rows = [[s, *draw(step)] for s in draw(start)]
    return torch.tensor(rows, dtype=torch.int32).reshape(count, length + 1)


@given(walks=walks_of_any_kind(), max_nodes=st.sampled_from([None, 1, 2, 5]))
def test_subgraphs_hold_what_was_traversed(walks, max_nodes):
    found = walk_subgraphs(walks, max_nodes=max_nodes)
    got = list(unpacked(found))
    want = [(walk[0], *subgraph_by_hand(walk, max_nodes)) for walk in walks.tolist()]
    assert got == want
    assert [part.dtype for part in found] == [
        torch.int64, torch.int32, torch.int64, torch.int16, torch.int32
    ]  # fmt: skip


@pytest.mark.parametrize("length", [500, 2**15 - 1, 2**15])
def test_subgraphs_of_long_walks(length):
    generator = torch.Generator().manual_seed(length)
    walks = torch.randint(-1, 700, (300 if length < 1000 else 3, length + 1), generator=generator)
    walks[:, 0] = 5
    found = walk_subgraphs(walks.int())
    want = [(5, *subgraph_by_hand(walk, None)) for walk in walks.tolist()]
    assert list(unpacked(found)) == want
    assert found[3].dtype == (torch.int32 if length == 2**15 else torch.int16)


@pytest.mark.parametrize(
    ("walks", "options", "error", "words"),
    [
        (torch.zeros(1, 2).long(), {}, TypeError, "walks must be int32 and 2-D"),
        (torch.zeros(2).int(), {}, TypeError, "walks must be int32 and 2-D"),
        (torch.zeros(2, 0).int(), {}, ValueError, "walks must have at least one column"),
        (torch.tensor([[0, 1], [-1, 1]]).int(), {}, IndexError, r"walks\[1, 0\] = -1 must name"),
        (torch.tensor([[0, 1], [1, -3]]).int(), {}, IndexError, r"walks\[1, 1\] = -3 is below"),
        (torch.zeros(1, 2).int(), {"max_nodes": 0}, ValueError, "max_nodes must be at least 1"),
    ],
)
def test_bad_walks_are_refused(walks, options, error, words):
    with pytest.raises(error, match=words):
        walk_subgraphs(walks, **options)
