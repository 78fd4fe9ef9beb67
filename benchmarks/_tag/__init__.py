"""Parts of the benchmark of the text layer."""
