"""The embeddings page, in parts."""
