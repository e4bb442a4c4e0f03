"""Parts that several pages use, the components drawn by scripts of our own, and how all of it is served."""
