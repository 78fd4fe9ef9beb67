"""Topological concentration: exact, approximate, and as weights of messages."""
