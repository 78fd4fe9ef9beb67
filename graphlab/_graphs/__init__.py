"""Graphs and hypergraphs as PyG and other libraries keep them."""
