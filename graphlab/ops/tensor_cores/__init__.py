"""Products on the tensor cores of a GPU, by Triton, which torch brings along there."""
