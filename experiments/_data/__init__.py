"""Data sets that several scripts read."""
