"""Embeddings of the texts of a graph, as its features."""

from __future__ import annotations

import copy

import torch

from graphlab.tag._text_encoder import AnyEncoder, encoded
from graphlab.tag._texts import check_texts
from graphlab.tag.embedding._named import encoder_of_name
from graphlab.tag.text_graph.text_graph import TextGraph

__all__ = ["encode_edges", "encode_nodes"]


def encode_nodes(graph: TextGraph, encoder: AnyEncoder | str) -> TextGraph:
    """Embed the texts of a graph as its features.

    Args:
        graph (TextGraph): Graph; its ``x`` is replaced.
        encoder (TextEncoder, object, function or str): Encoder; anything with ``encode(list[str])
            -> (N, D)``, or such a function, as a :class:`HashingEncoder` is, or the name of one
            for :class:`TextEncoder`.

    Returns:
        TextGraph: A copy that shares everything but ``x``, ``(N, dim)`` float32.

    Raises:
        TypeError: If ``graph`` or ``encoder`` is something else.
        ImportError, OSError: If the encoder of a name cannot be loaded.
        ValueError: If the graph or what the encoder gives is malformed, or all embeddings are
            equal.

    Example:
        >>> from graphlab.tag import TextEncoder, TextGraph
        >>> graph = TextGraph(text=["one text", "another text"])
        >>> encode_nodes(graph, TextEncoder("hashing")).x.shape
        torch.Size([2, 384])
    """
    if not isinstance(graph, TextGraph):
        raise TypeError(f"graph must be a TextGraph, got {type(graph).__name__}")
    graph.check()
    x = encoded(encoder_of_name(encoder), graph.text)
    if x.size(0) > 1 and bool((x == x[0]).all()):
        raise ValueError("all nodes have the same embedding: is the encoder broken?")
    result: TextGraph = copy.copy(graph)
    result.x = x
    return result


def encode_edges(
    graph: TextGraph, encoder: AnyEncoder | str, *, by_type: bool | None = None
) -> TextGraph:
    """Embed the texts of edges; texts that many edges share are kept once.

    Args:
        graph (TextGraph): Graph with ``edge_text``.
        encoder (TextEncoder, object, function or str): Encoder, see :func:`encode_nodes`.
        by_type (bool, optional): Keep one row per distinct text, as the relations of a knowledge
            graph are kept; by default where there are more than ten edges per text.

    Returns:
        TextGraph: A copy that shares everything but what is new: ``edge_attr`` ``(E, dim)``
        float32; or, by type, ``edge_type`` ``(E,)`` int64 and ``relation_attr`` ``(K, dim)``
        float32, types in the order of their first edges, so that ``relation_attr[edge_type]`` is
        the former.

    Raises:
        TypeError: If ``graph`` or ``encoder`` is something else.
        ImportError, OSError: If the encoder of a name cannot be loaded.
        ValueError: If it has no ``edge_text``, a text is empty, or all of several are equal, or
            what the encoder gives is malformed.

    Complexity: every distinct text is embedded once.

    Example:
        >>> from graphlab.tag import TextEncoder, TextGraph
        >>> graph = TextGraph(
        ...     edge_index=torch.tensor([[0, 1], [1, 0]]), text=["a", "b"], edge_text=["is", "has"]
        ... )
        >>> encode_edges(graph, TextEncoder("hashing")).edge_attr.shape
        torch.Size([2, 384])
    """
    if not isinstance(graph, TextGraph):
        raise TypeError(f"graph must be a TextGraph, got {type(graph).__name__}")
    if "edge_text" not in graph:
        raise ValueError("graph must have edge_text, a text for every edge")
    texts = check_texts(graph.edge_text, "edge_text")
    graph.check()
    number = {text: i for i, text in enumerate(dict.fromkeys(texts))}
    if len(number) == 1 and len(texts) > 1:
        raise ValueError(f"edge_text must differ between edges, but all are {texts[0]!r:.80}")
    rows = encoded(encoder_of_name(encoder), list(number))
    kind = torch.tensor([number[text] for text in texts], dtype=torch.int64, device="cpu")
    result: TextGraph = copy.copy(graph)
    if by_type if by_type is not None else len(texts) > 10 * len(number):
        result.edge_type, result.relation_attr = kind, rows
    else:
        result.edge_attr = rows[kind]
    return result
