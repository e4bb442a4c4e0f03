"""How far to trust a layout: its quality in numbers, and the neighbours that it invented or lost.

Everything is exact and in parts of some rows, so that 10,000 points need seconds and little memory.

Letters for shapes: n points, D features, k neighbours, K classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from core.embeddings.layouts import PAIRS, affinities, nearest, repulsion

TRUST_NEIGHBOURS, VOTERS = 15, 10  # neighbours that trustworthiness, and kNN accuracy, look at


@dataclass(frozen=True)
class Neighbours:
    """The nearest neighbours of one point as indices, nearest first."""

    original: list[int]  # in the original space
    plane: list[int]  # in the layout
    invented: list[int]  # near in the plane alone
    lost: list[int]  # near in the original space alone


def quality(features: np.ndarray, places: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """``trustworthiness``, and ``knn_plane`` and ``knn_original`` accuracy, of a layout (n, 2) of features (n, D)."""
    return {
        "trustworthiness": trustworthiness(features, places),
        "knn_plane": knn_accuracy(places, labels),
        "knn_original": knn_accuracy(features, labels),
    }


def trustworthiness(features: np.ndarray, places: np.ndarray, k: int = TRUST_NEIGHBOURS) -> float:
    """How true the neighbours in the plane are, in [0, 1] (Venna and Kaski 2001); about 0.5 for a random layout.

    Of the k nearest points in the plane, each that is only the r-th nearest in the original space, r > k, counts as
    r - k. The sum is scaled so that the worst layout gets 0.
    """
    n = len(features)
    k = min(k, (n - 1) // 2)  # the scale holds up to half of the points
    near, _ = nearest(places, k)
    x = torch.from_numpy(features - features.mean(axis=0))
    squares, excess = x.square().sum(1), 0.0
    for rows in torch.arange(n).split(max(1, PAIRS // n)):
        table = torch.addmm(squares, x[rows], x.t(), alpha=-2)  # squared distances, but for |row|²
        table[torch.arange(len(rows)), rows] = -torch.inf  # so that r counts the point itself, as number 0
        chosen = table.gather(1, torch.from_numpy(near[rows.numpy()]))
        for column in chosen.t():
            ranks = (table < column[:, None]).sum(1)
            excess += (ranks - k).clamp_(min=0).sum().item()
    return 1 - excess * 2 / (n * k * (2 * n - 3 * k - 1))


def knn_accuracy(points: np.ndarray, labels: np.ndarray, k: int = VOTERS) -> float:
    """The share of points (n, D) whose class is the most frequent among their k nearest others, in [0, 1].

    Leave-one-out: a point has no vote on itself. Of classes with as many votes, the first one wins.
    """
    near, _ = nearest(points, min(k, len(points) - 1))
    votes = np.zeros((len(points), int(labels.max()) + 1), int)
    np.add.at(votes, (np.arange(len(points))[:, None], labels[near]), 1)  # (n, K)
    return float((votes.argmax(axis=1) == labels).mean())


def kl_divergence(features: np.ndarray, places: np.ndarray, perplexity: float) -> float:
    """The Kullback-Leibler divergence (nats) that t-SNE makes small, of any layout (n, 2), exact over all pairs."""
    p = affinities(features, perplexity).P.tocoo()
    distances = np.square(places[p.row] - places[p.col]).sum(axis=1, dtype=np.float64)
    _, totals = repulsion(places, places)
    return float((p.data * (np.log(p.data) + np.log1p(distances))).sum() + np.log(totals.sum() - len(places)))


def explained(features: np.ndarray, places: np.ndarray) -> list[float]:
    """The shares of the variance of features (n, D) along the two principal axes of a PCA layout, however turned."""
    spread = np.linalg.eigvalsh(np.cov(places.T.astype(np.float64), bias=True))[::-1]
    total = features.var(axis=0, dtype=np.float64).sum()
    return [float(share) for share in spread / total]


def neighbours(features: np.ndarray, places: np.ndarray, index: int, k: int = VOTERS) -> Neighbours:
    """The k nearest neighbours of point ``index`` among features (n, D), and in the layout (n, 2)."""
    original, plane = (_around(points, index, k) for points in (features, places))
    invented, lost = ([i for i in a if i not in b] for a, b in ((plane, original), (original, plane)))
    return Neighbours(original, plane, invented, lost)


def _around(points: np.ndarray, index: int, k: int) -> list[int]:
    near, _ = nearest(points, min(k + 1, len(points)), points[index : index + 1])
    return [int(i) for i in near[0] if i != index][:k]
