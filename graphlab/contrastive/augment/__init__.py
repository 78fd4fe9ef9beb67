"""Random views of a graph."""
