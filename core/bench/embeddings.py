"""The benchmark of the embeddings: our t-SNE against scikit-learn's on the same points, in one run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from core import data, digits
from core.bench import grouped
from core.embeddings import layouts, measures
from core.judge import judge

POINTS, PERPLEXITY, ITERATIONS = 2000, 30.0, 750
ROUNDS = 3  # of each, alternating; the median counts


def measure(scratch: Path) -> dict:
    """Seconds from the shipped network's features of 2,000 test images to their t-SNE layout, and its quality.

    Ours has one core and makes 76 frames. scikit-learn's has all cores, as a user would call it (``sklearn_s``,
    ``ratio``), and one core (``sklearn_one_core_s``, ``ratio_one_core``); a ratio above 1 says that ours is quicker.
    ``kl_ratio`` compares the divergences, both exact over all pairs, of ours against scikit-learn's; below 1, ours is
    the lower.
    """
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(1)  # as in every run
    test = data.load("mnist").test
    features, labels = digits.features(judge(), "features", test.images[:POINTS]), test.labels[:POINTS]
    _ours(features[:200], 10)  # the imports
    _sklearn(features[:200], 250)
    seconds: dict[str, list[float]] = {"ours": [], "sklearn": [], "sklearn_one_core": []}
    for _ in range(ROUNDS):
        ours = _timed(seconds["ours"], lambda: _ours(features, ITERATIONS))
        theirs = _timed(seconds["sklearn"], lambda: _sklearn(features, ITERATIONS))
        with threadpool_limits(1):
            _timed(seconds["sklearn_one_core"], lambda: _sklearn(features, ITERATIONS))
    median = {name: statistics.median(each) for name, each in seconds.items()}
    kl = [measures.kl_divergence(features, places, PERPLEXITY) for places in (ours, theirs)]
    accuracy = {"tsne": ours, "sklearn": theirs, "pca": next(layouts.pca(features)).places}
    return {
        "topic": "embeddings", "points": POINTS, "iterations": ITERATIONS,
        **{f"{name}_s": round(value, 2) for name, value in median.items()},
        "ratio": round(median["sklearn"] / median["ours"], 2),
        "ratio_one_core": round(median["sklearn_one_core"] / median["ours"], 2),
        "kl": round(kl[0], 4), "kl_ratio": round(kl[0] / kl[1], 4),
        **{f"knn_{name}": measures.knn_accuracy(places, labels) for name, places in accuracy.items()},
    }  # fmt: skip


def row(report: dict) -> tuple[str, str, str]:
    """What it is compared with, ours, and the ratio, as the README's table has them."""
    return (f"scikit-learn's t-SNE of {grouped(report['points'])} points, {report['sklearn_s']} s",
            f"{report['ours_s']} s; KL divergence {100 * abs(report['kl_ratio'] - 1):.0f} % "
            f"{'lower' if report['kl_ratio'] < 1 else 'higher'}", f"{report['ratio']}")  # fmt: skip


def _timed(seconds: list[float], make: Callable[[], np.ndarray]) -> np.ndarray:
    started = time.perf_counter()
    made = make()
    seconds.append(time.perf_counter() - started)
    return made


def _ours(features: np.ndarray, iterations: int) -> np.ndarray:
    *_, last = layouts.tsne(features, PERPLEXITY, iterations)
    return last.places


def _sklearn(features: np.ndarray, iterations: int) -> np.ndarray:
    from sklearn.manifold import TSNE

    return TSNE(perplexity=PERPLEXITY, max_iter=iterations, random_state=42).fit_transform(features)
