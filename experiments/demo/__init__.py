"""All systems once on embedded data."""
