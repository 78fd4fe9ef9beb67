"""Text graphs from tables of nodes and edges, joined by the names of the nodes."""

from __future__ import annotations

import json
import os
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from graphlab._io import StrPath, user_path
from graphlab._labels import encode_labels
from graphlab._progress import Progress
from graphlab._stored_texts import StoredTexts
from graphlab.tag.text_graph._class_names import descriptions_by_name
from graphlab.tag.text_graph._columns import IDS, LABELS, SPLIT, blank, find, find_texts, words
from graphlab.tag.text_graph._edge_tables import read_edges
from graphlab.tag.text_graph._id_hints import UnusedIds
from graphlab.tag.text_graph._sources import SUFFIXES, open_source
from graphlab.tag.text_graph._sources.source import Source, where

__all__: list[str] = []

_LISTED = 10  # rows in an error
_PARTS = {
    "train": "train", "training": "train", "test": "test", "testing": "test",
    "val": "val", "valid": "val", "validation": "val", "dev": "val",
}  # fmt: skip


@dataclass(frozen=True)
class TableOptions:
    """How tables are read; see :meth:`TextGraph.from_tables` for all of it."""

    id_column: str | None = None
    text_columns: str | Sequence[str] | None = None
    label_column: str | None = None
    source_column: str | None = None
    target_column: str | None = None
    edge_text_column: str | None = None
    label_names: Sequence[str] | None = None
    label_descriptions: Mapping[str, str] | Sequence[str] | None = None
    undirected: bool = True
    encoding: str | None = None
    sep: str | None = None
    text_file: StrPath | None = None
    csv_only: bool = False


def read_table_graph(nodes: Any, edges: Any, options: TableOptions) -> dict[str, Any]:
    """Arguments of a text graph that is stored as two tables."""
    names = options.label_names
    if isinstance(nodes, (str, os.PathLike)):
        folder = user_path(nodes, "nodes")
        if folder.is_dir():
            nodes = _in_folder(folder, "nodes", options)
            edges = _in_folder(folder, "edges", options) if edges is None else edges
            if names is None and (folder / "classes.json").is_file():
                names = _read_classes(folder / "classes.json")
    source = open_source(nodes, "nodes", options.encoding, options.sep, text_only=options.csv_only)
    read = _Nodes(source, options)
    result: dict[str, Any] = {"text": read.texts(), "node_id": read.distinct_ids()}
    result |= read.labels(names) | read.masks()
    if options.label_descriptions is not None:
        result["label_descriptions"] = descriptions_by_name(
            options.label_descriptions, result.get("label_names")
        )
    if edges is not None:
        table = open_source(
            edges, "edges", options.encoding, options.sep, text_only=options.csv_only
        )
        ends = (options.source_column, options.target_column, options.edge_text_column)
        result |= read_edges(table, result["node_id"], ends, options.undirected)
    return result


def _in_folder(folder: Path, stem: str, options: TableOptions) -> Path:
    """The table of a folder with this name."""
    usual = folder / f"{stem}.csv"
    if options.csv_only:
        return usual
    found = [path for suffix in SUFFIXES if (path := folder / f"{stem}{suffix}").is_file()]
    if len(found) > 1:
        raise ValueError(f"{folder} holds several tables {[p.name for p in found]}: name one")
    return found[0] if found else usual


@dataclass
class _Nodes:
    """What one pass over the table of nodes leaves in memory."""

    source: Source
    options: TableOptions
    ids: list[str] = field(default_factory=list)
    given: list[Any] = field(default_factory=list)  # labels
    split: list[Any] = field(default_factory=list)
    count: int = 0

    def __post_init__(self) -> None:
        self.id_column = find(self.source, self.options.id_column, IDS)
        self.text_columns = find_texts(self.source, self.options.text_columns)
        self.label_column = find(self.source, self.options.label_column, LABELS)
        self.split_column = find(self.source, None, SPLIT)
        used = [*self.text_columns, self.label_column, self.split_column]
        numbered = self.id_column is None and not self.source.named_rows
        self.unused_ids = UnusedIds(self.source, used if numbered else self.source.columns)

    def texts(self) -> Sequence[str]:
        """The texts, in memory or in a file; ids and labels are kept on the way."""
        if self.options.text_file is None:
            found: Sequence[str] = list(self._texts())
        else:
            target = user_path(self.options.text_file, "text_file")
            found = StoredTexts.write(self._texts(), target)
        if not self.count:
            raise ValueError(f"{self.source.name} has a header and no nodes")
        return found

    def _texts(self) -> Iterator[str]:
        extra = [c for c in (self.id_column, self.label_column, self.split_column) if c is not None]
        wanted = list(dict.fromkeys([*self.text_columns, *extra, *self.unused_ids.columns]))
        with Progress(None, "read nodes", unit="nodes") as progress:
            for part in self.source.parts(wanted):
                values = dict(zip(wanted, part, strict=True))
                if self.id_column is not None:
                    self._keep_ids(values[self.id_column])
                if self.label_column is not None:
                    self.given += values[self.label_column]
                if self.split_column is not None:
                    self.split += values[self.split_column]
                self.unused_ids.look(values, self.count)
                texts = self._joined([values[column] for column in self.text_columns])
                self.count += len(texts)
                progress.update(len(texts))
                yield from texts

    def _keep_ids(self, values: Sequence[Any]) -> None:
        ids = words(values, self.source, str(self.id_column), self.count)
        lacking = blank(ids)
        if lacking:
            place = where(self.source, [self.count + lacking[0]])
            raise ValueError(
                f"{self.source.name}, {place} lacks the id of its node (column "
                f"{self.id_column!r:.80}, got {values[lacking[0]]!r:.80})"
            )
        self.ids += ids  # type: ignore[arg-type]

    def _joined(self, columns: list[Sequence[Any]]) -> list[str]:
        parts = [
            words(values, self.source, name, self.count)
            for name, values in zip(self.text_columns, columns, strict=True)
        ]
        stripped = [[(text or "").strip() for text in part] for part in parts]
        if len(stripped) == 1:
            texts = stripped[0]
        else:
            texts = ["\n\n".join(filter(None, row)) for row in zip(*stripped, strict=True)]
        empty = [self.count + i for i, text in enumerate(texts) if not text]
        if empty:
            raise ValueError(
                f"{self.source.name} has nodes without text ({', '.join(self.text_columns)}), in "
                f"{where(self.source, empty[:_LISTED])}: give them one, or leave them and their "
                "edges out"
            )
        return texts

    def distinct_ids(self) -> list[str]:
        """Names of the nodes, of the rows where no column has any."""
        if self.id_column is None:
            self.unused_ids.warn()
            own = self.source.own_ids()
            self.ids = (
                list(map(str, range(self.count))) if own is None else self._names_of_rows(own)
            )
        if len(set(self.ids)) != len(self.ids):
            repeated = [name for name, count in Counter(self.ids).items() if count > 1]
            rows = [i for i, name in enumerate(self.ids) if name == repeated[0]]
            raise ValueError(
                f"{self.source.name} repeats {len(repeated)} ids: {repeated[:5]}, the first in "
                f"{where(self.source, rows[:_LISTED])}"
            )
        return self.ids

    def _names_of_rows(self, own: Sequence[Any]) -> list[str]:
        """Names that a table has apart from its columns, read as ids of a column are."""
        plain = [str(name) if isinstance(name, tuple) else name for name in own]  # several levels
        found = words(plain, self.source, "index", 0)
        lacking = blank(found)
        if lacking:
            raise ValueError(
                f"{self.source.name}, {where(self.source, lacking[:1])} lacks the id of its node "
                f"(the index, got {own[lacking[0]]!r:.80})"
            )
        return [name for name in found if name is not None]

    def labels(self, names: Sequence[str] | None) -> dict[str, Any]:
        """Numbers of the classes, and their names."""
        if self.label_column is None:
            # Classes to predict where no node has one yet.
            return {} if names is None else {"label_names": [str(name) for name in names]}
        if names is None:
            names = self.source.class_names(self.label_column)
        try:
            y, found = encode_labels(self.given, names)
        except (ValueError, TypeError) as error:
            raise type(error)(
                f"{self.source.name}, column {self.label_column!r:.80}: {error}"
            ) from error
        return {"y": y, "label_names": found}

    def masks(self) -> dict[str, Any]:
        """Masks of the parts that a column names."""
        if self.split_column is None:
            return {}
        column = str(self.split_column)
        parts_of = [name or "" for name in words(self.split, self.source, column, 0)]
        part = {name: _PARTS.get(name.strip().casefold()) for name in set(parts_of)}
        if not any(part.values()):
            warnings.warn(
                f"{self.source.name}, column {column!r:.80} has none of train, val and test, but "
                f"{sorted(part)[:5]}: the masks are empty",
                UserWarning,
                stacklevel=5,
            )
        parts = [part[name] for name in parts_of]
        return {
            f"{name}_mask": torch.tensor([found == name for found in parts], device="cpu")
            for name in ("train", "val", "test")
        }


def _read_classes(path: Path) -> list[str]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:  # also text that is not UTF-8
        raise ValueError(f"{path} is not a UTF-8 JSON file: {error}") from error
    if isinstance(content, dict):
        if sorted(content) != sorted(str(i) for i in range(len(content))):
            raise ValueError(f"{path} must name the classes 0 to C-1, got {sorted(content)!s:.400}")
        content = [content[str(i)] for i in range(len(content))]
    if not isinstance(content, list) or not all(isinstance(name, str) for name in content):
        raise ValueError(f"{path} must hold a list of names")
    return content
