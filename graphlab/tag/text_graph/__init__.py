"""Graphs whose nodes and edges carry text."""

from graphlab.tag.text_graph.alignment import AlignmentReport, check_alignment, check_text_alignment
from graphlab.tag.text_graph.text_graph import TextGraph

__all__ = ["AlignmentReport", "TextGraph", "check_alignment", "check_text_alignment"]
