"""What benchmark scripts share: clocks, peak memory, options and result files, generated inputs."""
