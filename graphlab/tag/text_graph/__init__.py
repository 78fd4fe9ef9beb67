"""Graphs whose nodes and edges carry text."""

from graphlab._namespace import listing
from graphlab._stored_texts import StoredTexts
from graphlab.tag.text_graph.alignment import AlignmentReport, check_alignment, check_text_alignment
from graphlab.tag.text_graph.text_graph import TextGraph

__all__ = ["AlignmentReport", "StoredTexts", "TextGraph", "check_alignment", "check_text_alignment"]

__dir__ = listing(__all__)
