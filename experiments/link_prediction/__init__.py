"""Link prediction and topological concentration."""
