"""Provable training on top of contrastive hosts."""
