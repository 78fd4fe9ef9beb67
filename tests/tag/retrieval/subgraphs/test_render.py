"""Text of a graph: exact lines, and the graph again from the lines."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.tag import TextGraph
from graphlab.tag.retrieval import render_subgraph

GRAPH = TextGraph(
    edge_index=torch.tensor([[0, 1, 2, 0], [1, 2, 0, 2]]),
    text=["a", "b", "c", "alone"],
    edge_text=["to", "on", "back", "over"],
)


def test_triples() -> None:
    assert render_subgraph(GRAPH).splitlines() == [
        "(a; to; b)", "(c; back; a)", "(a; over; c)", "(b; on; c)", "(alone)",
    ]  # fmt: skip


def test_tree() -> None:
    assert render_subgraph(GRAPH, style="tree").splitlines() == [
        "[0] a",
        "  = over -> [2]",
        "  - to -> [1] b",
        "    = on -> [2]",
        "  <- back - [2] c",
        "[3] alone",
    ]


def test_important_nodes_come_first() -> None:
    graph = TextGraph(
        edge_index=torch.tensor([[0, 1], [1, 2]]),
        text=["a", "b", "c"],
        score=torch.tensor([0.1, 0.5, 0.9]),
        root=torch.tensor([True, False, False]),
        origin=torch.tensor([7, 8, 9]),
    )
    lines = render_subgraph(graph, style="tree").splitlines()
    assert lines == [
        "[7] a", "  - related to -> [8] b", "    - related to -> [9] c",
    ]  # fmt: skip
    graph.root = torch.tensor([False, False, True])
    assert render_subgraph(graph, style="tree").splitlines()[0] == "[9] c"


def test_names_that_repeat_or_hold_signs() -> None:
    graph = TextGraph(
        edge_index=torch.tensor([[0], [1]]),
        text=["f(x); y", "same", "same"],
        edge_text=["is\nnear"],
    )
    assert render_subgraph(graph).splitlines() == [
        r"(f\(x\)\; y; is near; same [1])", "(same [2])",
    ]  # fmt: skip


@pytest.mark.parametrize("style", ["triples", "tree", "csv"])
def test_whole_lines_within_a_number_of_tokens(style: Any) -> None:
    whole = render_subgraph(GRAPH, style=style)
    for most in (0, 3, 7, 10_000):
        part = render_subgraph(GRAPH, style=style, max_tokens=most, count_tokens=lambda _: 1)
        assert part.splitlines() == whole.splitlines()[:most]
    assert len(render_subgraph(GRAPH, style=style, max_tokens=8)) <= 4 * 8


Edges = Counter[tuple[str, str, str]]


def parsed_triples(text: str) -> tuple[set[str], Edges]:
    nodes: set[str] = set()
    edges: Edges = Counter()
    for line in text.splitlines():
        cells = [re.sub(r"\\(.)", r"\1", cell) for cell in re.split(r"(?<!\\); ", line[1:-1])]
        nodes |= {cells[0], cells[-1]}
        if len(cells) == 3:
            edges[cells[0], cells[1], cells[2]] += 1
    return nodes, edges


def parsed_tree(text: str) -> tuple[set[str], Edges]:
    name: dict[str, str] = {}
    found: list[tuple[str, str, str]] = []
    above: dict[int, str] = {}
    for line in text.splitlines():
        indent = (len(line) - len(line.lstrip())) // 2
        body = line.strip()
        if body.startswith("= "):
            relation, number = re.fullmatch(r"= (.*) -> \[(\d+)\]", body).groups()  # type: ignore[union-attr]
            found.append((above[indent - 1], relation, number))
            continue
        match = re.fullmatch(r"(?:(- (.*) ->|<- (.*) -) )?\[(\d+)\] (.*)", body)
        arrow, forward, backward, number, label = match.groups()  # type: ignore[union-attr]
        name[number], above[indent] = label, number
        if arrow and forward is not None:
            found.append((above[indent - 1], forward, number))
        elif arrow:
            found.append((number, backward, above[indent - 1]))
    edges = Counter((name[head], relation, name[tail]) for head, relation, tail in found)
    return set(name.values()), edges


def parsed_csv(text: str) -> tuple[set[str], Edges]:
    nodes, _, edges = text.partition("\n\nsrc,edge_attr,dst\n")
    name = {row["node_id"]: row["node_attr"] for row in csv.DictReader(io.StringIO(nodes))}
    found: Edges = Counter()
    for row in csv.reader(io.StringIO(edges)):
        if row:
            found[name[row[0]], row[1], name[row[2]]] += 1
    return set(name.values()), found


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 100_000),
    st.sampled_from([("triples", parsed_triples), ("tree", parsed_tree), ("csv", parsed_csv)]),
)
def test_the_graph_can_be_read_back(seed: int, form: Any) -> None:
    draw = np.random.default_rng(seed)
    count = int(draw.integers(1, 8))
    edges = draw.integers(0, count, (2, int(draw.integers(0, 14))))
    words = [f"node {letter}" for letter in "stuvwxyz"[:count]]
    relations = [str(draw.choice(["is (a)", "has; part", "near"])) for _ in edges[0]]
    graph = TextGraph(
        edge_index=torch.from_numpy(edges),
        text=words,
        edge_text=relations,
        score=torch.from_numpy(draw.random(count)).float(),
    )
    nodes, found = form[1](render_subgraph(graph, style=form[0]))
    assert nodes == set(words)
    assert found == Counter(
        (words[head], relation, words[tail])
        for head, relation, tail in zip(edges[0], relations, edges[1], strict=True)
    )


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"graph": "text"}, TypeError, "graph must be a TextGraph"),
        ({"style": "json"}, ValueError, "style"),
        ({"max_tokens": -1}, ValueError, "max_tokens"),
    ],
)
def test_bad_input_is_named(arguments: dict, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        render_subgraph(**({"graph": GRAPH} | arguments))
