"""Node clustering with PamC and its relatives."""
