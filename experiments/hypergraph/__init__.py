"""Hypergraph reconstruction."""
