"""Text encoders and stores of their embeddings."""
