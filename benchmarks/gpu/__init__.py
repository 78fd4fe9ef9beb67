"""Every CUDA kernel and whole training steps on a real GPU."""
