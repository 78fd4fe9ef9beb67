"""Graphs whose nodes and edges carry text."""
