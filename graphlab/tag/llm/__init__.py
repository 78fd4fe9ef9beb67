"""Calls of language models: client, cache, budget, structured replies."""
