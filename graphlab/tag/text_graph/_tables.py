"""Text graphs from tables of nodes and edges, joined by the names of the nodes."""

from __future__ import annotations

import codecs
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

from graphlab._io import user_path
from graphlab._labels import encode_labels
from graphlab.tag.text_graph._labels import descriptions_by_name

__all__: list[str] = []

_IDS = ("id", "node", "node_id")
_LABELS = ("label", "class", "y")
_SOURCES, _TARGETS = ("src", "source"), ("dst", "target")
_FIELD_LIMIT = 1 << 27  # characters; longer fields are a broken quote
_FIELD_LOCK = threading.Lock()

Columns = tuple[str | None, str | Sequence[str] | None, str | None]
Ends = tuple[str | None, str | None, str | None]
Row = tuple[int, dict[str, str]]  # line in the file, and its fields by column


def read_csv_graph(
    nodes: str | os.PathLike[str],
    edges: str | os.PathLike[str] | None,
    columns: Columns,
    ends: Ends,
    label_names: Sequence[str] | None,
    label_descriptions: Mapping[str, str] | Sequence[str] | None,
    undirected: bool,
    encoding: str | None = None,
) -> dict[str, Any]:
    """Arguments of a text graph that is stored as two tables."""
    nodes = user_path(nodes, "nodes")
    if nodes.is_dir():
        folder = nodes
        nodes = folder / "nodes.csv"
        edges = folder / "edges.csv" if edges is None else edges
        if label_names is None and (folder / "classes.json").is_file():
            label_names = _read_classes(folder / "classes.json")
    header, rows = _read_table(nodes, encoding)
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
        result["label_descriptions"] = descriptions_by_name(
            label_descriptions, result.get("label_names")
        )
    if "split" in header:
        split = [row["split"] for _, row in rows]
        for part in ("train", "val", "test"):
            result[f"{part}_mask"] = torch.tensor([value == part for value in split], device="cpu")
    if edges is not None:
        result |= _read_edges(user_path(edges, "edges"), ids, ends, undirected, encoding)
    return result


def _read_table(path: Path, encoding: str | None) -> tuple[list[str], list[Row]]:
    """Header and records of a table."""
    chosen = encoding or "utf-8-sig"
    try:
        codecs.lookup(chosen)
    except LookupError as error:
        raise ValueError(f"encoding must be a name that Python knows, got {encoding!r}") from error
    # The limit on fields is one for the whole process and shorter than long documents.
    with _FIELD_LOCK, path.open(encoding=chosen, newline="") as file:
        before = csv.field_size_limit(_FIELD_LIMIT)
        try:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            if len(set(header)) != len(header):
                raise ValueError(f"{path} repeats a column: {header!s:.400}")
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
            raise ValueError(
                f"{path} is not a {encoding or 'UTF-8'} CSV file: {error}; encoding=... reads "
                "others, such as 'cp1252' or 'utf-16'"
            ) from error
        finally:
            csv.field_size_limit(before)


def _find(header: list[str], named: str | None, usual: Sequence[str], path: Path) -> str | None:
    if named is not None:
        if named not in header:
            raise ValueError(f"{path} has no column {named!r:.80}, only {header!s:.400}")
        return named
    return next((name for name in usual if name in header), None)


def _ids(rows: list[Row], header: list[str], named: str | None, path: Path) -> list[str]:
    column = _find(header, named, _IDS, path)
    if column is None:
        return [str(i) for i in range(len(rows))]
    ids = [row[column] for _, row in rows]
    lacking = next((line for line, row in rows if not row[column].strip()), None)
    if lacking is not None:
        raise ValueError(f"{path}, line {lacking} lacks the id of its node")
    if len(set(ids)) != len(ids):
        repeated = [name for name, count in Counter(ids).items() if count > 1]
        raise ValueError(f"{path} repeats {len(repeated)} ids: {repeated[:5]!s:.400}")
    return ids


def _texts(
    rows: list[Row], header: list[str], named: str | Sequence[str] | None, path: Path
) -> list[str]:
    if named is None:
        named = ["text"] if "text" in header else [c for c in ("title", "abstract") if c in header]
    names = [named] if isinstance(named, str) else list(named)
    missing = [name for name in names if name not in header]
    if missing or not names:
        raise ValueError(f"{path} has no column {missing or 'text'}, only {header!s:.400}")
    texts = ["\n\n".join(filter(None, (row[n].strip() for n in names))) for _, row in rows]
    empty = [line for (line, _), text in zip(rows, texts, strict=True) if not text]
    if empty:
        raise ValueError(f"{path} has {len(empty)} nodes without text, in lines {empty[:10]}")
    return texts


def _read_classes(path: Path) -> list[str]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:  # also text that is not UTF-8
        raise ValueError(f"{path} is not a UTF-8 JSON file: {error}") from error
    if isinstance(content, dict):
        if sorted(content) != sorted(str(i) for i in range(len(content))):
            raise ValueError(f"{path} must name the classes 0 to C-1, got {sorted(content)}")
        content = [content[str(i)] for i in range(len(content))]
    if not isinstance(content, list) or not all(isinstance(name, str) for name in content):
        raise ValueError(f"{path} must hold a list of names")
    return content


def _read_edges(
    path: Path, ids: list[str], ends: Ends, undirected: bool, encoding: str | None
) -> dict[str, Any]:
    header, rows = _read_table(path, encoding)
    source = _find(header, ends[0], _SOURCES, path)
    target = _find(header, ends[1], _TARGETS, path)
    if header and (source is None or target is None):
        raise ValueError(f"{path} needs columns for both ends of an edge, it has {header!s:.400}")
    position = {name: i for i, name in enumerate(ids)}
    pairs, texts = [], []
    column = _find(header, ends[2], (), path) if header else None
    for line, row in rows:
        pair = (row[str(source)], row[str(target)])
        unknown = [name for name in pair if name not in position]
        if unknown:
            raise ValueError(f"{path}, line {line} names unknown nodes {unknown!s:.400}")
        pairs.append((position[pair[0]], position[pair[1]]))
        texts.append(row[column] if column else "")
    edge_index, kept = _arrange(pairs, undirected)
    result: dict[str, Any] = {"edge_index": edge_index}
    if column:
        result["edge_text"] = [texts[i] for i in kept]
    return result


def _arrange(pairs: list[tuple[int, int]], undirected: bool) -> tuple[Tensor, list[int]]:
    """Edges in their final order, and the row that each of them comes from."""
    if not undirected:
        return torch.tensor(pairs, dtype=torch.long, device="cpu").view(
            -1, 2
        ).t().contiguous(), list(range(len(pairs)))
    origin: dict[tuple[int, int], int] = {}
    for row, (a, b) in enumerate(pairs):
        if a != b:
            origin.setdefault((a, b), row)
            origin.setdefault((b, a), row)
    order = sorted(origin)
    edge_index = torch.tensor(order, dtype=torch.long, device="cpu").view(-1, 2).t().contiguous()
    return edge_index, [origin[pair] for pair in order]
