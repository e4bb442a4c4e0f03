"""Layouts: n points with D features each → n places in the plane, by PCA or t-SNE; turned to match, and added to.

Both methods are generators of frames, so that a layout can be watched as it is made. t-SNE is openTSNE's, step by step,
with the exact nearest neighbours and, up to 4,000 points, the exact gradient: all pairs at once are quicker there than
a Barnes-Hut tree (3 against 6 ms a step for 2,000 points; 80 against 50 ms for 10,000; one core of an AMD EPYC, Nov
2026), and FFT interpolation is slower than both (10 to 80 ms). Everything runs on one thread, so that the numbers don't
depend on the machine's cores.

Letters for shapes: n points, D features, m new points, k neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from core.rng import generator

FRAME_EVERY = 10  # gradient steps of t-SNE
EARLY = 250  # gradient steps with exaggeration, of 750 or more; else a third
SPREAD = 1e-4  # standard deviation of the initial places of t-SNE, which must begin close together
JITTER = 0.01  # of that, so that no two points begin at the same place
EXACT_UP_TO = 4000  # points: beyond, the gradient is Barnes-Hut's, with its usual theta of 0.5
PAIRS = 128_000  # of all pairs of points, worked on at a time: 0.5 MB, which fits the cache of a core
WIDE = 1000  # features above which PCA looks for two components alone
PLACING_PERPLEXITY, PLACING_STEPS = 5, 250  # of new points in t-SNE, as in openTSNE's transform()


@dataclass(frozen=True)
class Frame:
    """A layout at one moment of its making."""

    iteration: int  # gradient steps so far; 0 for PCA
    places: np.ndarray  # float64 (n, 2), centred
    kl: float | None = None  # Kullback-Leibler divergence (nats) of t-SNE; unknown before the first step


# PCA


def pca(features: np.ndarray) -> Iterator[Frame]:
    """Features (n, D) in the plane of their largest variance: one frame."""
    yield Frame(0, _principal_plane(features)(features))


def projection(features: np.ndarray, places: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """The map from new features (m, D) to places (m, 2) in a PCA layout (n, 2) of features (n, D), turned or not."""
    plane = _principal_plane(features)
    turned = turning(plane(features), places.astype(np.float64))
    return lambda new: turned(plane(new))


def _principal_plane(features: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """The map from features (m, D) to the plane, (m, 2)."""
    from sklearn.decomposition import PCA
    from threadpoolctl import threadpool_limits

    def one_thread(function: Callable[[np.ndarray], Any], x: np.ndarray) -> Any:
        with threadpool_limits(1):  # more would add the numbers up in another order
            return function(x.astype(np.float64))

    solver = "covariance_eigh" if features.shape[1] <= WIDE else "arpack"  # both exact; which is quick depends on D
    fitted = one_thread(PCA(2, svd_solver=solver, random_state=0).fit, features)
    return partial(one_thread, fitted.transform)


# t-SNE


def tsne(features: np.ndarray, perplexity: float = 30.0, iterations: int = 750, exaggeration: float = 12.0,
         init: str | np.ndarray = "pca", seed: int = 42) -> Iterator[Frame]:  # fmt: skip
    """t-SNE (van der Maaten and Hinton 2008) of features (n, D): a frame before the first step and after every tenth.

    The learning rate is n, divided by the exaggeration as long as that lasts (Belkina et al. 2019); momentum 0.8.

    Args:
        perplexity: about how many neighbours a point has; below n.
        iterations: gradient steps, of which a third, at most 250, have all attraction multiplied by ``exaggeration``.
        init: "pca" (Kobak and Berens 2019), "random", or places (n, 2) to begin from; scaled to a spread of 1e-4.
        seed: decides the random places, or the jitter of the others.
    """
    from openTSNE import TSNEEmbedding

    places = initial_places(features, init, seed)
    yield Frame(0, places)
    method = exact_gradient if len(features) <= EXACT_UP_TO else "bh"
    layout = TSNEEmbedding(places, affinities(features, perplexity), negative_gradient_method=method, n_jobs=1)
    early, done = min(EARLY, iterations // 3 // FRAME_EVERY * FRAME_EVERY), 0
    while done < iterations:
        factor, steps = exaggeration if done < early else 1.0, min(FRAME_EVERY, iterations - done)
        layout.optimize(steps, inplace=True, exaggeration=factor, learning_rate=len(features) / factor, momentum=0.8)
        done += steps
        yield Frame(done, np.array(layout), float(layout.kl_divergence))


METHODS = {"pca": pca, "tsne": tsne}


def initial_places(features: np.ndarray, init: str | np.ndarray, seed: int) -> np.ndarray:
    """Where the points (n, 2) of a t-SNE begin; see ``tsne``."""
    drawn = torch.randn(len(features), 2, generator=generator(seed, "places"), dtype=torch.float64).numpy()
    if isinstance(init, str) and init == "random":
        return SPREAD * drawn
    places = init if isinstance(init, np.ndarray) else next(pca(features)).places
    spread = places.std(axis=0).max() or 1.0  # all in one place: the jitter alone tells them apart
    return SPREAD * ((places - places.mean(axis=0)) / spread + JITTER * drawn)


def affinities(features: np.ndarray, perplexity: float) -> Any:
    """openTSNE's affinities from exact neighbours: three times the perplexity of them count."""
    from openTSNE.affinity import PerplexityBasedNN
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    found = PrecomputedNeighbors(*nearest(features, min(len(features) - 1, int(3 * perplexity))))
    return PerplexityBasedNN(perplexity=perplexity, knn_index=found, n_jobs=1)


def exact_gradient(embedding: np.ndarray, P: Any, reference_embedding: np.ndarray | None = None,
                   should_eval_error: bool = False, **_: Any) -> tuple[float, np.ndarray]:  # fmt: skip
    """KL divergence and gradient / 4 (n, 2) of t-SNE, as openTSNE asks for them; the repulsion is that of all pairs.

    Args:
        reference_embedding: places that stay, and that alone act on the points; by default the points themselves do.
    """
    from openTSNE._tsne import estimate_positive_gradient_nn

    others = embedding if reference_embedding is None else reference_embedding
    push, total = repulsion(np.asarray(embedding), np.asarray(others))
    if reference_embedding is None:
        total = total.sum() - len(embedding)  # without each point's 1 / (1 + 0) on itself
    gradient = np.ascontiguousarray(-push / np.expand_dims(total, -1))
    attracted, kl = estimate_positive_gradient_nn(P.indices, P.indptr, P.data, np.asarray(embedding),
                                                  np.asarray(others), gradient, 1, num_threads=1,
                                                  should_eval_error=should_eval_error)  # fmt: skip
    return kl + attracted * float(np.log(total).mean()), gradient


def repulsion(places: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """With q = 1 / (1 + |p - o|²): Σ q² (p - o) (n, 2) and Σ q (n,), each over all others o (m, 2)."""
    p, o = (torch.from_numpy(np.ascontiguousarray(each)).float() for each in (places, others))
    left = torch.cat([-2 * p, 1 + p.square().sum(1, keepdim=True), torch.ones(len(p), 1)], 1)  # (n, 4)
    right = torch.cat([o, torch.ones(len(o), 1), o.square().sum(1, keepdim=True)], 1).t().contiguous()  # (4, m)
    rows = max(1, PAIRS // len(o))
    table, sums, totals = torch.empty(rows, len(o)), [], []
    for part in left.split(rows):
        q = torch.mm(part, right, out=table[: len(part)]).reciprocal_()  # (rows, m)
        totals.append(q.sum(1))
        sums.append(right[:3] @ q.square_().t())  # Σ q² o and Σ q²; quick this way round, and slow as (rows, 3)
    sums = torch.cat(sums, 1)  # (3, n)
    return (sums[2] * p.t() - sums[:2]).t().double().numpy(), torch.cat(totals).double().numpy()


# Neighbours


def nearest(points: np.ndarray, k: int, queries: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest of points (n, D), nearest first: indices int64 (n, k) and Euclidean distances float64 (n, k).

    Exact: for 10,000 points, all of MNIST's test images, that takes 1 s with 64 features and 4 s with 784 pixels on one
    core (Nov 2026), so that an approximate index has little to gain.

    Args:
        queries: (m, D), whose neighbours among the points are sought; by default those of every point among the others.
    """
    middle = points.mean(axis=0, dtype=np.float64)  # far from it, small differences of squares would lose digits
    x = torch.from_numpy((points - middle).astype(np.float32))
    y = x if queries is None else torch.from_numpy((queries - middle).astype(np.float32))
    squares, found, distances = x.square().sum(1), [], []
    for rows in torch.arange(len(y)).split(max(1, PAIRS // len(x))):
        part = y[rows]
        table = torch.addmm(squares, part, x.t(), alpha=-2)  # squared distances, but for |part|²
        if queries is None:
            table[torch.arange(len(part)), rows] = torch.inf
        near, which = table.topk(k, largest=False)
        found.append(which)
        distances.append((near + part.square().sum(1, keepdim=True)).clamp_(min=0).sqrt_())
    return torch.cat(found).numpy(), torch.cat(distances).double().numpy()


# Turning, and adding to


def align(layout: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """The layout (n, 2), turned, mirrored and shifted to lie as near to the reference (n, 2) as it can.

    Orthogonal Procrustes (Schönemann 1966): distances within the layout stay as they are.
    """
    return turning(layout, reference)(layout)


def turning(layout: np.ndarray, reference: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """The function that ``align`` applies, for further places (m, 2) in the same plane."""
    middle, target = layout.mean(axis=0), reference.mean(axis=0)
    left, _, right = np.linalg.svd((layout - middle).T @ (reference - target))
    rotation = left @ right  # (2, 2), orthogonal
    return lambda places: (places - middle) @ rotation + target


def place_among(features: np.ndarray, places: np.ndarray, new: np.ndarray) -> np.ndarray:
    """New features (m, D) among the points of a t-SNE layout (features, places), which stay where they are: (m, 2).

    openTSNE's partial optimisation (Poličar, Stražar and Zupan 2023): a new point begins in the middle (the median) of
    its 15 nearest neighbours and follows the gradient. New points don't see each other.
    """
    from openTSNE import PartialTSNEEmbedding, TSNEEmbedding
    from openTSNE.affinity import PrecomputedAffinities, joint_probabilities_nn
    from scipy.sparse import csr_matrix

    n, k = len(features), min(len(features), 3 * PLACING_PERPLEXITY)
    found, distances = nearest(features, k, new)
    attraction = joint_probabilities_nn(found, distances, [k / 3], symmetrize=False, normalization="point-wise",
                                        n_reference_samples=n)  # fmt: skip
    fixed = TSNEEmbedding(places, PrecomputedAffinities(csr_matrix((n, n)), normalize=False))
    begin = np.median(places[found], axis=1)
    layout = PartialTSNEEmbedding(begin, fixed, attraction, negative_gradient_method=exact_gradient, n_jobs=1)
    step = {"learning_rate": 0.1, "exaggeration": 1.5, "momentum": 0.8, "max_grad_norm": 0.25}
    layout.optimize(PLACING_STEPS, inplace=True, **step)
    return np.array(layout)
