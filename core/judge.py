"""The shipped network for digits, as the judge of pictures that other networks made."""

from __future__ import annotations

from functools import cache

from core import digits, runs
from core.digits import DigitCNN
from core.embeddings import Config


@cache
def judge() -> DigitCNN:
    """The network of ``Config()`` in core/embeddings after its last epoch, frozen; the same object at every call.

    ``judge()(x)``: float32 (N, 1, 28, 28) in [0, 1] → logits (N, 10); ``digits.features(judge(), "features", x)`` →
    (N, 64).

    Raises:
        RunError: it is not there, or its files are damaged.
    """
    run = runs.read(runs.shipped_dir() / "embeddings" / runs.run_name("embeddings", Config()))
    return digits.restore(run.weights())
