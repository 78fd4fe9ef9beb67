"""TAPE: node classification with the texts of a language model."""
