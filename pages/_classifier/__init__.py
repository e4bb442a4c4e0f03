"""Parts of the classifier page, in the order in which they stand on it."""
