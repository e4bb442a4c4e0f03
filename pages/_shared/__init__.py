"""Parts that several pages use, and how they are served."""
