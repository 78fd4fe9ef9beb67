"""PamC: contrast against cluster pairs, its statistics and its diagnosis."""
