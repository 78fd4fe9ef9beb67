"""Graphs that are sorted on disk, in bounded memory: sorted runs of the edges, then one merge."""
