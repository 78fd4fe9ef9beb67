"""Graphs that are sorted on disk, in bounded memory: sorted runs of the edges, then one merge."""

from __future__ import annotations

from graphlab.tag.graphclip.prepared.prepare import prepare_on_disk

__all__ = ["prepare_on_disk"]
