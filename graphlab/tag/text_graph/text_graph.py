"""Graphs whose nodes, and maybe edges, carry text."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from graphlab._checks import check_edge_index, check_subset
from graphlab._checks.graph_kinds import check_simple_graph
from graphlab._graphs.edges import read_structure
from graphlab._graphs.typed import Data
from graphlab._io import user_path
from graphlab._labels import encode_labels
from graphlab._stored_texts import StoredTexts
from graphlab.tag._texts import as_list, check_texts
from graphlab.tag.text_graph._class_names import check_labels, require_tensor
from graphlab.tag.text_graph._join import join_texts
from graphlab.tag.text_graph._networkx import read_networkx
from graphlab.tag.text_graph._storage import TextStorage
from graphlab.tag.text_graph._tables import TableOptions, read_table_graph

__all__ = ["TextGraph"]


class TextGraph(Data):
    """A PyG ``Data`` with a text for every node.

    It is used like any ``Data``: transforms, loaders and models see ``x``, ``edge_index`` and
    ``y``. What is new is checked, and loudly: a text per node and none of them empty, labels that
    have names. The order of nodes is the usual trap of published texts and predictions. Prefer
    the constructors that join by names (:meth:`from_csv`, :meth:`from_data` with ids), and see
    :func:`check_text_alignment` and :func:`check_alignment` for evidence where there are none.

    Texts and names follow their nodes, and ``edge_text`` its edges, through ``subgraph``,
    ``edge_subgraph``, ``sort``, ``coalesce`` and the transforms that select or repeat nodes and
    edges. They cannot follow where PyG treats ``edge_attr`` alone (``AddSelfLoops``,
    ``RemoveSelfLoops``, ``RemoveDuplicatedEdges``, ``VirtualNode``), nor into ``NeighborLoader``,
    which wants tensors: drop them there, and look them up by ``n_id``.

    Args:
        x (Tensor, optional): Features ``(N, F)``.
        edge_index (Tensor, optional): ``(2, E)`` int64.
        edge_attr (Tensor, optional): Attributes of edges.
        y (Tensor, optional): Labels ``(N,)`` int64, -1 where there is none. Whole numbers that are
            floats because of a NaN, or beside ``label_names``, are made int64, NaN to -1. Anything
            but a tensor (a list, a column of a table) is read as :meth:`from_csv` reads labels.
        text (Sequence[str], optional): N texts, a list or :class:`StoredTexts`.
        label_names (Sequence[str], optional): C names of classes.
        label_descriptions (Sequence[str], optional): C descriptions of classes.
        edge_text (Sequence[str], optional): E texts, in the order of ``edge_index``.
        **attributes (Any): Anything else, as in ``Data``.

    Raises:
        TypeError, ValueError, IndexError: If texts, labels, names and edges do not fit together.

    Example:
        >>> graph = TextGraph(
        ...     edge_index=torch.tensor([[0, 1], [1, 0]]),
        ...     y=torch.tensor([0, 1]),
        ...     text=["A cat purrs.", "A dog barks."],
        ...     label_names=["cats", "dogs"],
        ... )
        >>> graph.num_nodes, graph.num_label_names
        (2, 2)
    """

    # Where they were given; what is kept in the store of ``Data`` has no type otherwise.
    text: Sequence[str]
    label_names: list[str]
    label_descriptions: list[str]
    edge_text: list[str]
    node_id: list[Any]

    def __init__(
        self,
        x: Tensor | None = None,
        edge_index: Tensor | None = None,
        edge_attr: Tensor | None = None,
        y: Tensor | Sequence[Any] | None = None,
        *,
        text: Sequence[str] | None = None,
        label_names: Sequence[str] | None = None,
        label_descriptions: Sequence[str] | None = None,
        edge_text: Sequence[str] | None = None,
        **attributes: Any,
    ) -> None:
        for name, value in (
            ("text", text),
            ("label_names", label_names),
            ("label_descriptions", label_descriptions),
            ("edge_text", edge_text),
        ):
            if value is not None:
                attributes[name] = as_list(value, name)
        if text is not None:
            attributes.setdefault("num_nodes", len(text))
            if y is not None and not isinstance(y, Tensor):
                y, names = encode_labels(y, label_names)
                attributes.setdefault("label_names", names)
            if edge_index is None and attributes.get("adj_t") is not None:
                edge_index, _ = read_structure(Data(adj_t=attributes["adj_t"]), len(text))
            elif edge_index is None:
                edge_index = torch.empty(2, 0, dtype=torch.long, device="cpu")
        super().__init__(x, edge_index, edge_attr, y, **attributes)
        self.__dict__["_store"] = TextStorage(self._store.to_dict(), _parent=self)
        # PyG makes empty objects that it fills afterwards.
        if text is not None:
            self.check()

    @property
    def num_label_names(self) -> int:
        """Number of named classes; 0 without names."""
        return len(self.label_names) if "label_names" in self else 0

    def check(self) -> TextGraph:
        """Check that everything fits together; run it after changing attributes by hand.

        Returns:
            TextGraph: This graph.

        Raises:
            TypeError, ValueError, IndexError: If it does not.
        """
        if "text" not in self:
            raise ValueError("text must be given: a TextGraph needs a text for every node")
        count = len(self.text)
        if count != self.num_nodes:
            raise ValueError(f"text must have {self.num_nodes} entries (nodes), got {count}")
        check_texts(self.text, "text")
        self["edge_index"] = check_edge_index(self["edge_index"], count)
        if "edge_text" in self:
            if len(self.edge_text) != self.num_edges:
                raise ValueError(
                    f"edge_text must have {self.num_edges} entries, got {len(self.edge_text)}"
                )
            check_texts(self.edge_text, "edge_text")
        if self.x is not None:
            require_tensor(self.x, "x")
            if self.x.size(0) != count:
                raise ValueError(f"x must have {count} rows, got shape {tuple(self.x.shape)}")
        check_labels(self, count)
        return self

    def subgraph(self, subset: Tensor) -> TextGraph:
        """The graph that some nodes induce; texts in a file stay there.

        Args:
            subset (Tensor): Nodes, ``(K,)`` int64, or their mask, ``(N,)`` bool.

        Returns:
            TextGraph: The part. Raises TypeError, ValueError or IndexError for other nodes.
        """
        subset = check_subset(subset, self.num_nodes or 0, "subset")
        stored = self._store.get("text")
        if not isinstance(stored, StoredTexts):
            part: TextGraph = super().subgraph(subset)
            return part
        bare = copy.copy(self)  # PyG selects from lists only
        del bare["text"]
        part = super(TextGraph, bare).subgraph(subset)
        part["text"] = stored[subset]
        return part

    @classmethod
    def from_csv(
        cls,
        nodes: str | os.PathLike[str],
        edges: str | os.PathLike[str] | None = None,
        *,
        id_column: str | None = None,
        text_columns: str | Sequence[str] | None = None,
        label_column: str | None = None,
        source_column: str | None = None,
        target_column: str | None = None,
        edge_text_column: str | None = None,
        label_names: Sequence[str] | None = None,
        label_descriptions: Mapping[str, str] | Sequence[str] | None = None,
        undirected: bool = True,
        encoding: str | None = None,
        sep: str | None = None,
        text_file: str | os.PathLike[str] | None = None,
    ) -> TextGraph:
        """Read a CSV table of nodes and one of edges, joined by the ids of the nodes.

        As :meth:`from_tables`, for files that are CSV whatever their ending.

        Args:
            nodes (path): Table of nodes, or a folder with ``nodes.csv``, ``edges.csv`` and maybe
                ``classes.json`` (names in the order of label numbers).
            edges (path, optional): Table of edges; None with a file means no edges.
            id_column (str, optional): Column with the name of a node.
            text_columns (str or Sequence[str], optional): Column or columns with the text; several
                are joined by a blank line.
            label_column (str, optional): Column with the label.
            source_column (str, optional): Column of the edges' first ends.
            target_column (str, optional): Column of the edges' second ends.
            edge_text_column (str, optional): Column with the text of an edge; it is kept with both
                directions. Edges of two nodes repeat only if their texts are equal, too.
            label_names (Sequence[str], optional): Names of the classes, kept also where there is no
                label; by default those of ``classes.json``, else those of the column, sorted.
            label_descriptions (Mapping or Sequence, optional): A description per class, in order or
                by name.
            undirected (bool): Whether both directions of every edge are stored, self-loops and
                repeats removed; otherwise edges stay as they are.
            encoding (str, optional): Encoding of the tables; by default that of their byte order
                marks, else UTF-8.
            sep (str, optional): Separator; by default the first of tab, comma, semicolon and ``|``
                that the header has.
            text_file (path, optional): File to keep the texts in.

        Returns:
            TextGraph: The graph; ``node_id`` holds the ids in order.

        Raises:
            ValueError: If a row is ragged, a column is missing, ids repeat, an edge names an
                unknown node, or a text is empty; the message names the file and line.
            FileNotFoundError: If a file is missing.
        """
        options = TableOptions(
            id_column, text_columns, label_column, source_column, target_column, edge_text_column,
            label_names, label_descriptions, undirected, encoding, sep, text_file, csv_only=True,
        )  # fmt: skip
        paths = (user_path(nodes, "nodes"), None if edges is None else user_path(edges, "edges"))
        return cls(**read_table_graph(*paths, options))

    @classmethod
    def from_tables(
        cls,
        nodes: Any,
        edges: Any = None,
        *,
        id_column: str | None = None,
        text_columns: str | Sequence[str] | None = None,
        label_column: str | None = None,
        source_column: str | None = None,
        target_column: str | None = None,
        edge_text_column: str | None = None,
        label_names: Sequence[str] | None = None,
        label_descriptions: Mapping[str, str] | Sequence[str] | None = None,
        undirected: bool = True,
        encoding: str | None = None,
        sep: str | None = None,
        text_file: str | os.PathLike[str] | None = None,
    ) -> TextGraph:
        """Read a table of nodes and one of edges, joined by the ids of the nodes.

        A table is a file, by its ending CSV (``.csv``, ``.tsv`` and what is not known; also packed
        with gzip, bzip2 or xz), JSON lines (``.jsonl``, ``.ndjson``), Parquet (``.parquet``,
        ``.pq``) or Arrow (``.arrow``, ``.feather``, ``.ipc``); or a pandas ``DataFrame``, a table
        of pyarrow or polars, a ``datasets.Dataset`` (one split, also streamed), or a dict of
        columns. The two may be of different kinds. Files are read part by part, and only the
        columns that are used.

        Columns may be named; otherwise the first that is there is taken, in any case of letters:
        ``id``, ``node``, ``node_id`` (without any, ids are row numbers, or the index of a frame,
        with a warning where a column is left over that looks like ids, such as ``paper_id``);
        ``text``, or ``title`` and ``abstract``; ``label``, ``class``, ``y``; ``src``, ``source``;
        ``dst``, ``target``. Nodes are numbered in the order of their rows. Ids are words, whole
        numbers as well: ``7``, ``7.0`` of a column with gaps and ``"7"`` are one id, ``"007"`` is
        another.

        Labels are names or numbers; empty, -1 and what pandas takes for missing (``nan``, ``NA``,
        ``None`` ...) mean none, unless ``label_names`` has that word. Whole numbers stay the
        numbers of the classes, also as ``3.0``; a ``ClassLabel`` brings their names. A column
        ``split`` with ``train``, ``val`` (``valid``, ``validation``, ``dev``) and ``test`` becomes
        masks.

        With ``text_file`` the texts are written to that file as they are read, and ``text`` is a
        :class:`StoredTexts`: what stays in memory are ids, labels and edges.

        Args:
            nodes (path or table): Table of nodes, or a folder with ``nodes`` and ``edges`` in one
                of the forms above and maybe ``classes.json`` (names in the order of label numbers).
            edges (path or table, optional): Table of edges; None with a table means no edges.
            id_column (str, optional): Column with the name of a node.
            text_columns (str or Sequence[str], optional): Column or columns with the text; several
                are joined by a blank line.
            label_column (str, optional): Column with the label.
            source_column (str, optional): Column of the edges' first ends.
            target_column (str, optional): Column of the edges' second ends.
            edge_text_column (str, optional): Column with the text of an edge; it is kept with both
                directions. Edges of two nodes repeat only if their texts are equal, too.
            label_names (Sequence[str], optional): Names of the classes, kept also where there is no
                label; by default those of ``classes.json`` or of a ``ClassLabel``, else those of
                the column, sorted (numbers by value, before words).
            label_descriptions (Mapping or Sequence, optional): A description per class, in order or
                by name.
            undirected (bool): Whether both directions of every edge are stored, self-loops and
                repeats removed; otherwise edges stay as they are.
            encoding (str, optional): Encoding of text files; by default that of their byte order
                marks, else UTF-8.
            sep (str, optional): Separator of CSV files; by default the first of tab, comma,
                semicolon and ``|`` that the header has.
            text_file (path, optional): File to keep the texts in; one of texts that is there is
                replaced.

        Returns:
            TextGraph: The graph; ``node_id`` holds the ids in order.

        Raises:
            ValueError: If a row is ragged, a column is missing, ids are missing or repeat, an edge
                names an unknown node, or a text is empty; the message names the table, the line or
                row, and the value.
            TypeError: If ``nodes`` or ``edges`` is no table.
            FileNotFoundError: If a file is missing.
            ImportError: If pyarrow is missing for a Parquet or Arrow file.

        Complexity: O(bytes); of CSV files a million edges take about two seconds.

        Example:
            >>> nodes = {"id": ["n7", "n3"], "text": ["A cat purrs.", "A dog barks."]}
            >>> graph = TextGraph.from_tables(nodes, {"src": ["n3"], "dst": ["n7"]})
            >>> graph.node_id, graph.edge_index.tolist()
            (['n7', 'n3'], [[0, 1], [1, 0]])
        """
        options = TableOptions(
            id_column, text_columns, label_column, source_column, target_column, edge_text_column,
            label_names, label_descriptions, undirected, encoding, sep, text_file,
        )  # fmt: skip
        return cls(**read_table_graph(nodes, edges, options))

    @classmethod
    def from_data(
        cls,
        data: Any,  # an item of a data set of PyG is declared as Dataset or BaseData
        text: Sequence[str] | Mapping[Any, str],
        *,
        node_id: Sequence[Any] | None = None,
        label_names: Sequence[str] | None = None,
        label_descriptions: Sequence[str] | None = None,
        labels: Sequence[Any] | Tensor | None = None,
    ) -> TextGraph:
        """Add texts to a graph.

        Args:
            data (Data): The graph; all its attributes are kept.
            text (Sequence or Mapping): Texts by the name of their node (a pandas Series is by the
                names of its index, unless pandas numbered it), or in the order of the nodes. Only
                the first is safe: the files of TAPE, for instance, follow another order than
                Planetoid.
            node_id (Sequence, optional): Name of every node, needed for texts by name; distinct,
                and kept as ``node_id``.
            label_names (Sequence[str], optional): Names of the classes.
            label_descriptions (Sequence[str], optional): Descriptions of the classes.
            labels (Sequence or Tensor, optional): Labels that came with the texts, in their order;
                they must equal ``data.y``. Numbers or names of ``label_names``; NaN, None, -1 and
                the like where there is none.

        Returns:
            TextGraph: A new graph that shares the tensors.

        Raises:
            TypeError: If ``text`` is a table, or ``node_id`` no list of names.
            ValueError: If texts or names are missing, too many, empty or repeated, or ``labels``
                differ; the message tells another order of nodes from other labels.
        """
        check_simple_graph(data, "data")
        joined = join_texts(data, text, node_id, labels, label_names)  # which checks the graph
        named = {"label_names": label_names, "label_descriptions": label_descriptions}
        attributes = {key: data[key] for key in data.keys()}  # noqa: SIM118
        attributes |= {name: value for name, value in named.items() if value is not None}
        return cls(**attributes | joined | {"num_nodes": data.num_nodes})

    @classmethod
    def from_networkx(
        cls,
        graph: Any,
        *,
        text: str = "text",
        label: str | None = "label",
        edge_text: str | None = None,
        label_names: Sequence[str] | None = None,
        label_descriptions: Sequence[str] | None = None,
    ) -> TextGraph:
        """Convert a networkx graph whose nodes have a text attribute.

        Args:
            graph (networkx.Graph): Graph or directed graph; of an undirected one both directions
                are stored.
            text (str): Node attribute with the text.
            label (str, optional): Node attribute with the label, a name or a number; nodes without
                it, or with NaN, None, -1 or the like, have none.
            edge_text (str, optional): Edge attribute with a text.
            label_names (Sequence[str], optional): Names of the classes; by default those of the
                nodes, sorted.
            label_descriptions (Sequence[str], optional): Descriptions of the classes.

        Returns:
            TextGraph: The graph; ``node_id`` holds the networkx nodes in order.

        Raises:
            ValueError: If a node or edge lacks its text.
        """
        return cls(**read_networkx(graph, text, label, edge_text, label_names, label_descriptions))
