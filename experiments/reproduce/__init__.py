"""Repeats the committed results."""
