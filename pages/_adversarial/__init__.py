"""Parts of the adversarial page."""
