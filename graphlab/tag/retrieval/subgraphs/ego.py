"""Retrieve the neighbourhoods of a text graph that resemble a question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import torch
from torch import Tensor

from graphlab._checks import check_choice, check_int, warn_caller
from graphlab._estimator import Estimator
from graphlab._progress import track
from graphlab.ops import unit_rows
from graphlab.tag._text_encoder import encoded
from graphlab.tag._texts import check_question, check_texts
from graphlab.tag.embedding._named import encoder_of
from graphlab.tag.retrieval._vectors import tell_zeros
from graphlab.tag.text_graph.text_graph import TextGraph

__all__ = ["EgoGraphRetriever"]

_ROOTS = 256  # neighbourhoods that are added up at once
_TOP = 10

Direction = Literal["both", "in"]
Merge = Literal["union", "disjoint"]


class EgoGraphRetriever(Estimator):
    r"""Retrieve connected pieces of a text graph: neighbourhoods whose texts resemble a question.

    A node stands for all that is within ``num_hops`` of it,

    .. math:: z_v = \mathrm{mean}\big(\{x_u : u \in S_v\} \cup
        \{a_{uw} : u, w \in S_v\}\big),

    and the nodes with the largest cosine of :math:`z_v` and the question give their neighbourhoods.

    Args:
        encoder (TextEncoder, object, function or str): Anything with ``encode(list[str]) ->
            (N, D)``, such a function, or the name of one for :class:`~graphlab.tag.TextEncoder`.
        query_encoder (object, function or str, optional): Encoder of questions, where these need
            another one.
        num_hops (int): Radius of a neighbourhood.
        direction (str): ``"both"`` follows edges either way; ``"in"`` only backwards, as the
            released code does, so that a node without incoming edges stands for itself alone.

    Attributes:
        graph_ (TextGraph): The graph.
        vectors_ (Tensor): :math:`z_v`, float32 ``(N, D)``.

    Complexity: every distinct text is embedded once; O(nodes and edges of all neighbourhoods) time,
    O(N D) memory. A query takes O(N D).

    Source: GRAG (Hu et al., "GRAG: graph retrieval-augmented generation", 2024). The release also
    repeats what neighbourhoods share; see ``merge`` of :meth:`query`.

    Example:
        >>> from graphlab.tag import TextEncoder
        >>> graph = TextGraph(
        ...     edge_index=torch.tensor([[0, 2], [1, 3]]),
        ...     text=["cannabis", "marijuana", "bread", "flour"],
        ...     edge_text=["synonym of", "made of"],
        ... )
        >>> retriever = EgoGraphRetriever(TextEncoder("hashing"), num_hops=1).fit(graph)
        >>> retriever.query("What is bread made of?", k=1).text
        ['bread', 'flour']
    """

    _objects = ("encoder", "query_encoder")

    def __init__(
        self,
        encoder: Any = None,
        *,
        query_encoder: Any = None,
        num_hops: int = 2,
        direction: Direction = "both",
    ) -> None:
        self.encoder = encoder
        self.query_encoder = query_encoder
        self.num_hops = num_hops
        self.direction = direction

    def fit(self, graph: TextGraph) -> EgoGraphRetriever:
        """Embed a graph and add up its neighbourhoods.

        Args:
            graph (TextGraph): Graph with ``text`` and maybe ``edge_text``; directed or not.

        Returns:
            EgoGraphRetriever: Itself.

        Raises:
            TypeError, ValueError: If the graph has no texts, or a parameter is malformed.
        """
        if not isinstance(graph, TextGraph):
            raise TypeError(f"graph must be a TextGraph, got {type(graph).__name__}")
        check_int(self.num_hops, "num_hops", minimum=0)
        check_choice(self.direction, "direction", ("both", "in"))
        graph.check()
        if not len(graph.text):
            raise ValueError("graph must have at least one node, got none")
        encoder = encoder_of(self, "encoder")
        nodes = _embedded(encoder, check_texts(graph.text, "text"), "texts of nodes")
        edges = None
        if "edge_text" in graph and graph.edge_index.size(1):
            edges = _embedded(encoder, check_texts(graph.edge_text, "edge_text"), "texts of edges")
        self.graph_ = graph
        self._hops, self._back = int(self.num_hops), self._predecessors()
        self.vectors_ = self._means(nodes, edges)
        return self

    def _means(self, nodes: Tensor, edges: Tensor | None) -> Tensor:
        count = nodes.size(0)
        result = torch.empty_like(nodes)
        parts = torch.arange(count, device="cpu").split(_ROOTS)
        for part in track(parts, "neighbourhoods"):
            inside, between = self._members(part.numpy())
            total = torch.from_numpy(inside @ nodes.numpy())
            size = np.diff(inside.indptr)
            if edges is not None:
                total += torch.from_numpy(between @ edges.numpy())
                size = size + np.diff(between.indptr)
            result[part] = total / torch.from_numpy(size)[:, None].float()
        return result

    def _predecessors(self) -> Any:
        """Nodes one hop away from every node, as rows of ones."""
        count = len(self.graph_.text)
        source, target = self.graph_.edge_index.cpu().numpy()
        ones = np.ones(source.size, dtype=np.float32)
        back = sp.csr_matrix((ones, (target, source)), shape=(count, count))
        return back + back.T if self.direction == "both" else back

    def _members(self, roots: npt.NDArray[np.int64]) -> tuple[Any, Any]:
        """Nodes within reach of each root, and edges between them, as rows of ones."""
        count = len(self.graph_.text)
        source, target = self.graph_.edge_index.cpu().numpy()
        rows = np.arange(roots.size)
        inside = sp.csr_matrix(
            (np.ones(roots.size, dtype=np.float32), (rows, roots)), shape=(roots.size, count)
        )
        for _ in range(self._hops):
            inside = _ones(inside + inside @ self._back)
        by_node = inside.tocsc()
        return inside, _ones(by_node[:, source].multiply(by_node[:, target]).tocsr())

    def similarities(self, text: str) -> Tensor:
        """Cosine of a question and every neighbourhood.

        Args:
            text (str): The question.

        Returns:
            Tensor: Float32 ``(N,)``; zeros for a question without a word that the encoder knows.

        Raises:
            NotFittedError: If no graph was given.
            TypeError, ValueError: If the text is none, or the encoder gives another width.
        """
        self._check_fitted()
        check_question(text)
        name = "encoder" if self.query_encoder is None else "query_encoder"
        question = encoded(encoder_of(self, name), [text], zeros=True)
        if question.size(1) != self.vectors_.size(1):
            raise ValueError(
                f"query_encoder must return {self.vectors_.size(1)} columns, got {question.size(1)}"
            )
        return unit_rows(self.vectors_) @ unit_rows(question)[0]

    def query(self, text: str, k: int | None = None, *, merge: Merge = "union") -> TextGraph:
        """The neighbourhoods that resemble a question most, as one graph.

        Args:
            text (str): The question.
            k (int, optional): Most neighbourhoods, by default 10; all where there are fewer.
            merge (str): ``"union"``: every node and edge once; ``"disjoint"``: one neighbourhood
                after the other, as in the released code, with ``batch``.

        Returns:
            TextGraph: ``text``, ``edge_index``, ``edge_text`` where the graph has it; ``origin``
            ``(n,)``, number of every node in the graph; ``score`` ``(n,)``, its own similarity;
            ``root`` ``(n,)``, whether it is one of the k; with ``"disjoint"`` also ``batch``
            ``(n,)``. Nodes ascend within a neighbourhood. Without a node, with a warning, for a
            question that resembles nothing, as one without a word that the encoder knows.

        Raises:
            NotFittedError: If no graph was given.
            TypeError, ValueError: If an argument is malformed or out of range.
        """
        return self._search([text], k, merge)[0]

    def _search(self, texts: Sequence[str], k: int | None, merge: Merge) -> list[TextGraph]:
        check_choice(merge, "merge", ("union", "disjoint"))
        most = _TOP if k is None else check_int(k, "k", minimum=1)
        found = [self._pieces(self.similarities(text), most, merge) for text in texts]
        empty = sum(not graph.text for graph in found)
        if empty:
            warn_caller(
                f"{empty} of {len(found)} questions resemble nothing in the graph (the encoder may "
                "know none of their words) and get no answer"
            )
        return found

    def _pieces(self, score: Tensor, k: int, merge: Merge) -> TextGraph:
        k = min(k, score.numel()) if bool(score.any()) else 0
        top = score.argsort(descending=True, stable=True)[:k]
        inside, between = self._members(top.numpy())
        if merge == "union":
            nodes, edges = (np.unique(rows.indices).astype(np.int64) for rows in (inside, between))
            return self._graph(nodes, edges, np.zeros(nodes.size, dtype=np.int64), score, top)
        inside.sort_indices()
        between.sort_indices()
        owner = np.repeat(np.arange(k), np.diff(inside.indptr))
        found = self._graph(
            inside.indices.astype(np.int64), between.indices.astype(np.int64), owner, score, top,
            np.repeat(np.arange(k), np.diff(between.indptr)),
        )  # fmt: skip
        found.batch = torch.from_numpy(owner)
        found.root = found.origin == top[found.batch]
        return found

    def query_many(
        self, texts: Sequence[str], k: int | None = None, *, merge: Merge = "union"
    ) -> list[TextGraph]:
        """One graph per question; see :meth:`query`.

        Args:
            texts (sequence of str): Questions.
            k (int, optional): See there.
            merge (str): See there.
        """
        return self._search(check_texts(texts), k, merge)

    def _graph(
        self,
        nodes: npt.NDArray[np.int64],
        edges: npt.NDArray[np.int64],
        owner: npt.NDArray[np.int64],
        score: Tensor,
        top: Tensor,
        edge_owner: npt.NDArray[np.int64] | None = None,
    ) -> TextGraph:
        """Chosen nodes, by neighbourhood and then by number, and chosen edges."""
        size = score.numel()
        keys = owner * size + nodes
        of_edge = np.zeros(edges.size, dtype=np.int64) if edge_owner is None else edge_owner
        ends = self.graph_.edge_index.cpu().numpy()[:, edges]
        local = np.searchsorted(keys, of_edge * size + ends)
        origin = torch.from_numpy(nodes)
        parts: dict[str, Any] = {}
        if "edge_text" in self.graph_:
            parts["edge_text"] = [self.graph_.edge_text[edge] for edge in edges]
        return TextGraph(
            edge_index=torch.from_numpy(local.reshape(2, -1)),
            text=[self.graph_.text[node] for node in nodes],
            origin=origin,
            score=score[origin],
            root=torch.isin(origin, top),
            **parts,
        )


def _embedded(encoder: Any, texts: Sequence[str], what: str) -> Tensor:
    """Rows of texts, of which each distinct one is embedded once."""
    number = {text: position for position, text in enumerate(dict.fromkeys(texts))}
    rows = encoded(encoder, list(number), zeros=True)
    tell_zeros(rows.numpy(), list(number), what, "they add nothing to their neighbourhoods")
    return rows[torch.tensor([number[text] for text in texts], dtype=torch.long, device="cpu")]


def _ones(matrix: Any) -> Any:
    """The pattern of a matrix without negative entries."""
    matrix.data = np.ones_like(matrix.data)
    return matrix
