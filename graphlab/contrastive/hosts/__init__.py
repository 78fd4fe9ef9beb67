"""Self-supervised methods around a user's encoder."""
