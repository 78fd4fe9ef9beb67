"""Multilabel classification of FastRP embeddings."""
