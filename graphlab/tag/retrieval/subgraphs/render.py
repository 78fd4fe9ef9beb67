"""Write a text graph as text that a language model reads."""

from __future__ import annotations

import csv
import io
from collections import Counter, deque
from collections.abc import Callable, Iterator
from typing import Any, Literal

import torch

from graphlab._checks import check_choice, check_int
from graphlab.tag.text_graph.text_graph import TextGraph

__all__ = ["render_subgraph"]

Style = Literal["triples", "tree", "csv"]
_RELATION = "related to"  # where edges have no text


def render_subgraph(
    graph: TextGraph,
    *,
    style: Style = "triples",
    max_tokens: int | None = None,
    count_tokens: Callable[[str], int] | None = None,
) -> str:
    r"""A text graph as lines of text, the same for the same graph.

    * ``"triples"``: ``(head; relation; tail)``, one edge a line, then ``(node)`` for nodes without
      edges. Nodes with the same text are told apart by ``[number]``. A backslash stands before
      ``;``, ``(``, ``)`` and ``\`` inside a text.
    * ``"tree"``: a search in breadth from each root, every node once, indented below the one it was
      reached from: ``- relation -> [number] text``, or ``<- relation -`` against the edge. Edges
      that lead to a node that is there already follow as ``= relation -> [number]``.
    * ``"csv"``: a table of nodes (``node_id,node_attr``) and one of edges (``src,edge_attr,dst``);
      one pair per neighbourhood where the graph has ``batch``. The form of the released GRAG.

    White space inside a text becomes one space, but for ``"csv"``. What comes first is what matters
    most: nodes with ``root``, then by ``score`` (larger first) and number, as
    :meth:`EgoGraphRetriever.query` gives them.

    Args:
        graph (TextGraph): Graph with ``text``, maybe ``edge_text``, ``origin`` (numbers that are
            shown), ``score``, ``root`` and ``batch``.
        style (str): See above.
        max_tokens (int, optional): Leave out the last lines that would exceed it; whole lines only.
        count_tokens (callable, optional): Tokens of a line; by default a quarter of its characters.

    Returns:
        str: Lines, each ended by a line feed.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Complexity: O(N log N + E log E).

    Example:
        >>> graph = TextGraph(
        ...     edge_index=torch.tensor([[0], [1]]), text=["bread", "flour"], edge_text=["made of"]
        ... )
        >>> render_subgraph(graph)
        '(bread; made of; flour)\n'
        >>> print(render_subgraph(graph, style="tree"), end="")
        [0] bread
          - made of -> [1] flour
    """
    if not isinstance(graph, TextGraph):
        raise TypeError(f"graph must be a TextGraph, got {type(graph).__name__}")
    check_choice(style, "style", ("triples", "tree", "csv"))
    if max_tokens is not None:
        check_int(max_tokens, "max_tokens", minimum=0)
    graph.check()
    parts = _Parts(graph)
    lines = {"triples": _triples, "tree": _tree, "csv": _csv}[style](parts)
    return "".join(_within(lines, max_tokens, count_tokens or _quarter))


class _Parts:
    """What is written: texts, edges, and the order of both."""

    def __init__(self, graph: TextGraph) -> None:
        count = len(graph.text)
        self.text = list(graph.text)
        self.edges: list[list[int]] = graph.edge_index.t().tolist()
        relations = graph.edge_text if "edge_text" in graph else [_RELATION] * len(self.edges)
        self.relation = list(relations)
        self.number: list[int] = _column(
            graph, "origin", torch.arange(count, device="cpu")
        ).tolist()
        self.batch: list[int] = _column(
            graph, "batch", torch.zeros(count, device="cpu").long()
        ).tolist()
        score = _column(graph, "score", torch.zeros(count, device="cpu")).tolist()
        root = _column(graph, "root", torch.zeros(count, device="cpu")).tolist()
        order = sorted(range(count), key=lambda v: (-root[v], -score[v], self.number[v], v))
        self.order = order
        self.place = {node: place for place, node in enumerate(order)}

    def edge_order(self) -> list[int]:
        """Edges of important nodes first."""

        def key(edge: int) -> tuple[int, int, int]:
            places = sorted(self.place[node] for node in self.edges[edge])
            return places[0], places[1], edge

        return sorted(range(len(self.edges)), key=key)


def _column(graph: TextGraph, name: str, default: torch.Tensor) -> torch.Tensor:
    column: torch.Tensor = graph.get(name, default)
    return column


def _triples(parts: _Parts) -> Iterator[str]:
    names = [_escaped(text) for text in parts.text]
    repeated = {name for name, count in Counter(names).items() if count > 1}
    shown = [
        f"{name} [{number}]" if name in repeated else name
        for name, number in zip(names, parts.number, strict=True)
    ]
    linked = set()
    for edge in parts.edge_order():
        head, tail = parts.edges[edge]
        linked |= {head, tail}
        yield f"({shown[head]}; {_escaped(parts.relation[edge])}; {shown[tail]})\n"
    for node in parts.order:
        if node not in linked:
            yield f"({shown[node]})\n"


def _tree(parts: _Parts) -> Iterator[str]:
    around: dict[int, list[tuple[int, int, int]]] = {node: [] for node in parts.order}
    for edge, (head, tail) in enumerate(parts.edges):
        around[head].append((parts.place[tail], edge, tail))
        if head != tail:
            around[tail].append((parts.place[head], edge, head))
    depth: dict[int, int] = {}
    via: dict[int, int] = {}  # edge that a node was reached by
    children: dict[int, list[int]] = {node: [] for node in parts.order}
    roots = []
    for start in parts.order:
        if start in depth:
            continue
        roots.append(start)
        depth[start] = 0
        queue = deque([start])
        while queue:
            node = queue.popleft()
            for _, edge, other in sorted(around[node]):
                if other not in depth:
                    depth[other], via[other] = depth[node] + 1, edge
                    children[node].append(other)
                    queue.append(other)
    tree, others = set(via.values()), dict[int, list[int]]()
    for edge, (head, _) in enumerate(parts.edges):
        if edge not in tree:
            others.setdefault(head, []).append(edge)
    for start in roots:
        stack = [start]
        while stack:
            node = stack.pop()
            yield from _tree_lines(parts, node, depth[node], via.get(node), others)
            stack += reversed(children[node])


def _tree_lines(
    parts: _Parts, node: int, depth: int, edge: int | None, others: dict[int, list[int]]
) -> Iterator[str]:
    """A node below the one it was reached from, then its other edges in their direction."""
    name = f"[{parts.number[node]}] {_line(parts.text[node])}"
    if edge is None:
        yield f"{'  ' * depth}{name}\n"
    else:
        relation = _line(parts.relation[edge])
        forward = parts.edges[edge][1] == node
        arrow = f"- {relation} ->" if forward else f"<- {relation} -"
        yield f"{'  ' * depth}{arrow} {name}\n"
    for other in others.get(node, []):
        relation, tail = _line(parts.relation[other]), parts.edges[other][1]
        yield f"{'  ' * (depth + 1)}= {relation} -> [{parts.number[tail]}]\n"


def _csv(parts: _Parts) -> Iterator[str]:
    for batch in sorted(set(parts.batch)):
        nodes = [v for v in range(len(parts.text)) if parts.batch[v] == batch]
        rows = [[parts.number[v], parts.text[v]] for v in nodes]
        yield from _table(["node_id", "node_attr"], rows)
        edges = [e for e, (head, _) in enumerate(parts.edges) if parts.batch[head] == batch]
        if edges:
            cells = []
            for edge in edges:
                head, tail = (parts.number[node] for node in parts.edges[edge])
                cells.append([head, parts.relation[edge], tail])
            yield from _table(["src", "edge_attr", "dst"], cells)


def _table(header: list[str], rows: list[list[Any]]) -> Iterator[str]:
    for row in (header, *rows):
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(row)
        yield line.getvalue()
    yield "\n"


def _within(
    lines: Iterator[str], max_tokens: int | None, count_tokens: Callable[[str], int]
) -> Iterator[str]:
    left = max_tokens
    for line in lines:
        if left is not None:
            left -= count_tokens(line)
            if left < 0:
                return
        yield line


def _quarter(line: str) -> int:
    return -(-len(line) // 4)


def _line(text: str) -> str:
    return " ".join(text.split())


def _escaped(text: str) -> str:
    return "".join(f"\\{c}" if c in ";()\\" else c for c in _line(text))
