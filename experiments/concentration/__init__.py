"""How well random columns approximate topological concentration."""
