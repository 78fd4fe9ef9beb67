"""Graphs as other libraries keep them, read as edges; converted here only.

Functions that take the whole graph (:class:`graphlab.embed.FastRP`, topological concentration,
hypergraph reconstruction) accept all of these. Everything else takes ``edge_index``, plain or as
PyG's ``EdgeIndex``, which :func:`graphlab._checks.check_tensor` unwraps.
"""

from graphlab._graphs.edges.numbering import count_nodes as count_nodes
from graphlab._graphs.edges.reading import Edges as Edges
from graphlab._graphs.edges.reading import read_edges as read_edges
from graphlab._graphs.edges.reading import read_structure as read_structure
from graphlab._graphs.edges.values import AUTO as AUTO
