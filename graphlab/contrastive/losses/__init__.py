"""Losses of contrastive learning, each on plain tensors."""
