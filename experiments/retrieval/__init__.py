"""Retrieval of documents that answer a question together."""
