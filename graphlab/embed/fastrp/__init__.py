"""FastRP: node embeddings by very sparse random projection."""
