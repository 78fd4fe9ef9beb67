"""Speed and memory measurements against peers: ``python -m benchmarks.<name>``."""
