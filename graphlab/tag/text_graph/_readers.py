"""Text graphs from tables, from PyG and from networkx: always joined by name where names exist."""

from __future__ import annotations

import csv
import json
import os
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data

__all__: list[str] = []

_IDS = ("id", "node", "node_id")
_LABELS = ("label", "class", "y")
_SOURCES, _TARGETS = ("src", "source"), ("dst", "target")
_FIELD_LIMIT = 1 << 27  # characters; longer fields are a broken quote
_MOST_CLASSES = 1_000_000  # larger numbers are ids or dates, and no list of all below them is meant
_FIELD_LOCK = threading.Lock()

Columns = tuple[str | None, str | Sequence[str] | None, str | None]
Ends = tuple[str | None, str | None, str | None]
Row = tuple[int, dict[str, str]]  # line in the file, and what stands there


def read_csv_graph(
    nodes: str | os.PathLike[str],
    edges: str | os.PathLike[str] | None,
    columns: Columns,
    ends: Ends,
    label_names: Sequence[str] | None,
    label_descriptions: Mapping[str, str] | Sequence[str] | None,
    undirected: bool,
) -> dict[str, Any]:
    """Read two tables; returns the arguments of a text graph."""
    nodes = Path(nodes)
    if nodes.is_dir():
        folder = nodes
        nodes = folder / "nodes.csv"
        edges = folder / "edges.csv" if edges is None else edges
        if label_names is None and (folder / "classes.json").is_file():
            label_names = _read_classes(folder / "classes.json")
    header, rows = _read_table(nodes)
    if header and not rows:
        raise ValueError(f"{nodes} has a header and no nodes")
    ids = _ids(rows, header, columns[0], nodes)
    result: dict[str, Any] = {"node_id": ids, "text": _texts(rows, header, columns[1], nodes)}
    label = _find(header, columns[2], _LABELS, nodes)
    if label is not None:
        y, names = encode_labels([row[label] for _, row in rows], label_names)
        result |= {"y": y, "label_names": names}
    elif label_names is not None:  # classes to predict where no node has one yet
        result["label_names"] = [str(name) for name in label_names]
    if label_descriptions is not None:
        result["label_descriptions"] = _by_name(label_descriptions, result.get("label_names"))
    if "split" in header:
        split = [row["split"] for _, row in rows]
        for part in ("train", "val", "test"):
            result[f"{part}_mask"] = torch.tensor([value == part for value in split])
    if edges is not None:
        result |= _read_edges(Path(edges), ids, ends, undirected)
    return result


def _read_table(path: Path) -> tuple[list[str], list[Row]]:
    """Header and rows of a table, each row with its line number."""
    # The limit on fields is one for the whole process and shorter than long documents.
    with _FIELD_LOCK, path.open(encoding="utf-8-sig", newline="") as file:
        before = csv.field_size_limit(_FIELD_LIMIT)
        try:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            if len(set(header)) != len(header):
                raise ValueError(f"{path} repeats a column: {header}")
            rows = []
            for row in reader:
                if not row:
                    raise ValueError(f"{path}, line {reader.line_num} is empty")
                if len(row) != len(header):
                    raise ValueError(
                        f"{path}, line {reader.line_num} has {len(row)} fields, "
                        f"the header {len(header)}"
                    )
                rows.append((reader.line_num, dict(zip(header, row, strict=True))))
            return header, rows
        except (csv.Error, UnicodeDecodeError) as error:
            raise ValueError(f"{path} is not a UTF-8 CSV file: {error}") from error
        finally:
            csv.field_size_limit(before)


def _find(header: list[str], named: str | None, usual: Sequence[str], path: Path) -> str | None:
    if named is not None:
        if named not in header:
            raise ValueError(f"{path} has no column {named!r}, only {header}")
        return named
    return next((name for name in usual if name in header), None)


def _ids(rows: list[Row], header: list[str], named: str | None, path: Path) -> list[str]:
    column = _find(header, named, _IDS, path)
    if column is None:
        return [str(i) for i in range(len(rows))]
    ids = [row[column] for _, row in rows]
    if len(set(ids)) != len(ids):
        repeated = [name for name, count in Counter(ids).items() if count > 1]
        raise ValueError(f"{path} repeats {len(repeated)} ids: {repeated[:5]}")
    return ids


def _texts(
    rows: list[Row], header: list[str], named: str | Sequence[str] | None, path: Path
) -> list[str]:
    if named is None:
        named = ["text"] if "text" in header else [c for c in ("title", "abstract") if c in header]
    names = [named] if isinstance(named, str) else list(named)
    missing = [name for name in names if name not in header]
    if missing or not names:
        raise ValueError(f"{path} has no column {missing or 'text'}, only {header}")
    texts = ["\n\n".join(filter(None, (row[n].strip() for n in names))) for _, row in rows]
    empty = [line for (line, _), text in zip(rows, texts, strict=True) if not text]
    if empty:
        raise ValueError(f"{path} has {len(empty)} nodes without text, in lines {empty[:10]}")
    return texts


def encode_labels(labels: Sequence[Any], names: Sequence[str] | None) -> tuple[Tensor, list[str]]:
    """Number labels that are names, numbers, or numbers of given names; -1 is no label.

    Raises:
        ValueError: If a label is not among the names.
    """
    words = ["" if _is_missing(value) else str(value).strip() for value in labels]
    found = {word for word in words if word}
    numeric = all(word.isdecimal() for word in found)
    if names is None:
        # Numbers keep their meaning, whatever classes are missing.
        names = _numbered(max(map(int, found), default=-1) + 1) if numeric else sorted(found)
    names = [str(name) for name in names]
    numbers = {name: i for i, name in enumerate(names)}
    if numeric and not found <= set(names):
        numbers = {str(i): i for i in range(len(names))}
    unknown = sorted(found - set(numbers))
    if unknown:
        raise ValueError(f"labels {unknown[:5]} are not among the label_names {names}")
    return torch.tensor([numbers[w] if w else -1 for w in words], dtype=torch.long), names


def _is_missing(value: Any) -> bool:
    nan = isinstance(value, float) and value != value  # what tables in memory hold for nothing
    return value is None or nan or str(value).strip() in ("", "-1")


def _numbered(count: int) -> list[str]:
    if count > _MOST_CLASSES:
        raise ValueError(
            f"labels must be numbers of classes from 0, got {count - 1}; "
            "give label_names where they are numbers of another kind"
        )
    return [str(i) for i in range(count)]


def _by_name(descriptions: Mapping[str, str] | Sequence[str], names: list[str] | None) -> list[str]:
    if not isinstance(descriptions, Mapping):
        return list(descriptions)
    if names is None or set(descriptions) != set(names):
        raise ValueError(f"label_descriptions must describe {names}, got {sorted(descriptions)}")
    return [descriptions[name] for name in names]


def _read_classes(path: Path) -> list[str]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:  # also text that is not UTF-8
        raise ValueError(f"{path} is not a UTF-8 JSON file: {error}") from error
    if isinstance(content, dict):
        if sorted(content) != sorted(str(i) for i in range(len(content))):
            raise ValueError(f"{path} must name the classes 0 to C-1, got {sorted(content)}")
        content = [content[str(i)] for i in range(len(content))]
    if not isinstance(content, list) or not all(isinstance(name, str) for name in content):
        raise ValueError(f"{path} must hold a list of names")
    return content


def _read_edges(path: Path, ids: list[str], ends: Ends, undirected: bool) -> dict[str, Any]:
    header, rows = _read_table(path)
    source = _find(header, ends[0], _SOURCES, path)
    target = _find(header, ends[1], _TARGETS, path)
    if header and (source is None or target is None):
        raise ValueError(f"{path} needs columns for both ends of an edge, it has {header}")
    position = {name: i for i, name in enumerate(ids)}
    pairs, texts = [], []
    column = _find(header, ends[2], (), path) if header else None
    for line, row in rows:
        pair = (row[str(source)], row[str(target)])
        unknown = [name for name in pair if name not in position]
        if unknown:
            raise ValueError(f"{path}, line {line} names unknown nodes {unknown}")
        pairs.append((position[pair[0]], position[pair[1]]))
        texts.append(row[column] if column else "")
    edge_index, kept = _arrange(pairs, undirected)
    result: dict[str, Any] = {"edge_index": edge_index}
    if column:
        result["edge_text"] = [texts[i] for i in kept]
    return result


def _arrange(pairs: list[tuple[int, int]], undirected: bool) -> tuple[Tensor, list[int]]:
    """Edges in their final order, and the row each of them comes from."""
    if not undirected:
        return torch.tensor(pairs, dtype=torch.long).view(-1, 2).t().contiguous(), list(
            range(len(pairs))
        )
    origin: dict[tuple[int, int], int] = {}
    for row, (a, b) in enumerate(pairs):
        if a != b:
            origin.setdefault((a, b), row)
            origin.setdefault((b, a), row)
    order = sorted(origin)
    edge_index = torch.tensor(order, dtype=torch.long).view(-1, 2).t().contiguous()
    return edge_index, [origin[pair] for pair in order]


def joined(
    data: Data,
    text: Sequence[str] | Mapping[Any, str],
    node_id: Sequence[Any] | None,
    labels: Sequence[int] | Tensor | None,
) -> list[str]:
    """The texts of a graph's nodes in their order."""
    if isinstance(text, Mapping):
        if node_id is None or len(node_id) != data.num_nodes:
            got = None if node_id is None else len(node_id)
            raise ValueError(f"node_id must name the {data.num_nodes} nodes, got {got} names")
        if len(set(node_id)) != len(node_id):
            raise ValueError("node_id must be distinct")
        missing = [name for name in node_id if name not in text]
        if missing:
            raise ValueError(f"text lacks {len(missing)} nodes: {missing[:5]}")
        return [text[name] for name in node_id]
    if len(text) != data.num_nodes:
        raise ValueError(
            f"text must have {data.num_nodes} entries, got {len(text)}; are these the texts of "
            "another version of the graph? Join them by name: text={name: text}, node_id=..."
        )
    if labels is not None:
        _compare_labels(torch.as_tensor(labels), data.y)
    return list(text)


def _compare_labels(theirs: Tensor, ours: Tensor | None) -> None:
    if ours is None or ours.shape != theirs.shape:
        raise ValueError(f"labels must have the shape of data.y, got {tuple(theirs.shape)}")
    ours = ours.to(theirs.device)
    if torch.equal(theirs, ours):
        return
    share = float((theirs == ours).double().mean())
    same = torch.equal(theirs.sort().values, ours.sort().values)
    reason = (
        "they are the same nodes in another order"
        if same
        else "the order of the nodes or the numbers of the classes differ"
    )
    raise ValueError(f"only {share:.1%} of the labels equal data.y: {reason}")


def read_networkx(
    graph: Any,
    text: str,
    label: str | None,
    edge_text: str | None,
    label_names: Sequence[str] | None,
    label_descriptions: Sequence[str] | None,
) -> dict[str, Any]:
    """Convert a networkx graph; returns the arguments of a text graph."""
    nodes = list(graph.nodes(data=True))
    lacking = [name for name, values in nodes if text not in values]
    if lacking:
        raise ValueError(f"{len(lacking)} nodes have no attribute {text!r}: {lacking[:5]}")
    position = {name: i for i, (name, _) in enumerate(nodes)}
    result: dict[str, Any] = {
        "node_id": list(position),
        "text": [values[text] for _, values in nodes],
    }
    if label is not None and any(label in values for _, values in nodes):
        y, names = encode_labels([values.get(label) for _, values in nodes], label_names)
        result |= {"y": y, "label_names": names}
    elif label_names is not None:
        result["label_names"] = [str(name) for name in label_names]
    if label_descriptions is not None:
        result["label_descriptions"] = list(label_descriptions)
    edges = [(position[a], position[b], values) for a, b, values in graph.edges(data=True)]
    if edge_text is not None:
        bad = [(a, b) for a, b, values in edges if edge_text not in values]
        if bad:
            raise ValueError(f"{len(bad)} edges have no attribute {edge_text!r}: {bad[:5]}")
    if not graph.is_directed():
        edges += [(b, a, values) for a, b, values in edges if a != b]
    edges.sort(key=lambda edge: edge[:2])
    pairs = torch.tensor([edge[:2] for edge in edges], dtype=torch.long).view(-1, 2)
    result["edge_index"] = pairs.t().contiguous()
    if edge_text is not None:
        result["edge_text"] = [values[edge_text] for _, _, values in edges]
    return result
