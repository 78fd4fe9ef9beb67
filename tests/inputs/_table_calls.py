"""One call of every public function that takes a table, in memory or as a file, by its name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pandas
import torch

from graphlab import datasets, hyper, tag

Call = Callable[..., Any]

ENDS = [("ann", "bob"), ("bob", "eve"), ("eve", "ann")]


def edges(table: Any, **options: Any) -> tuple[Any, ...]:
    data, ids = datasets.read_edge_list(table, "source", "target", **options)
    return (data.edge_index.tolist(), list(ids))


def memberships(table: Any) -> tuple[Any, ...]:
    data = hyper.from_membership_table(table, node="source", hyperedge="target")
    return (data.edge_index.tolist(), data.node_id, data.hyperedge_id)


def framed(ids: Any) -> tuple[Any, ...]:
    frame = datasets.to_frame(torch.eye(3), ids)
    return (list(frame.index), frame.to_numpy().tolist())


def neighbours(ids: Any) -> tuple[Any, ...]:
    score, index = torch.tensor([[0.5], [0.25], [0.1]]), torch.tensor([[1], [2], [0]])
    frame = datasets.neighbors_to_frame(score, index, ids)
    return (frame["id"].tolist(), frame["neighbor"].tolist())


def csv_nodes(path: Any, **options: Any) -> tuple[Any, ...]:
    graph = tag.TextGraph.from_csv(path, id_column="source", text_columns="target", **options)
    return (graph.node_id, graph.text)


def csv_edges(path: Any, **options: Any) -> tuple[Any, ...]:
    nodes = Path(mkdtemp()) / "nodes.csv"
    nodes.write_text("id,text\nann,1\nbob,2\neve,3\n", encoding="utf-8")
    graph = tag.TextGraph.from_csv(nodes, path, **options)
    return (graph.edge_index.tolist(),)


def hyperedges(path: Any, **options: Any) -> tuple[Any, ...]:
    data = datasets.read_hyperedge_list(path, names=True, **options)
    return (data.edge_index.tolist(), data.node_id)


#: Tables in memory with the columns ``source`` and ``target``.
FRAMES: dict[str, Call] = {
    "read_edge_list.table": edges,
    "from_membership_table.table": memberships,
}

#: Three ids of nodes.
IDS: dict[str, Call] = {"to_frame.ids": framed, "neighbors_to_frame.ids": neighbours}

#: Text files with the columns ``source`` and ``target``.
FILES: dict[str, Call] = {
    "read_edge_list.table": edges,
    "TextGraph.from_csv.nodes": csv_nodes,
    "TextGraph.from_csv.edges": csv_edges,
}

#: Text files of lines without columns.
LINES: dict[str, Call] = {"read_hyperedge_list.path": hyperedges}


def frame(**columns: Any) -> pandas.DataFrame:
    plain = {"source": [a for a, _ in ENDS], "target": [b for _, b in ENDS]}
    return pandas.DataFrame(plain | columns)
