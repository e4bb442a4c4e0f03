"""What the course reported: the grey dashed lines in our charts."""

from __future__ import annotations

from core import classifier

# Exercise 1, CIFAR-10, 5 epochs, learning rate 0.001: (optimizer, activation) → test accuracy
TEST_ACCURACY = {("sgd", "leaky_relu"): 0.2311, ("adam", "leaky_relu"): 0.6045, ("adam", "tanh"): 0.5294}


def test_accuracy(config: classifier.Config) -> float | None:
    """The test accuracy, in [0, 1], that the course reported for these settings, whatever the seed; else None."""
    defaults = classifier.Config()
    same = ("dataset", "lr", "batch_size", "epochs", "images")
    if any(getattr(config, name) != getattr(defaults, name) for name in same):
        return None
    return TEST_ACCURACY.get((config.optimizer, config.activation))
