"""Shared by all scripts: clocks, peak memory, rows, options, result files, generated inputs."""
