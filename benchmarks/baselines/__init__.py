"""Plain PyTorch re-expressions of published formulas, the yardstick of the benchmarks."""
