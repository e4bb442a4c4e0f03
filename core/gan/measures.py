"""What can be measured on the pictures of a generator, with the shipped network for digits as the judge.

Letters for shapes: N images, D = 64 features, K = 10 digits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from core import digits
from core.data import Dataset
from core.judge import judge

DIGITS = 10
UNSURE = 0.5  # certainty below which a picture counts as looking like no digit
SPACES = ("pixels", "features")  # in which pictures are compared
AT_ONCE = 2000  # training images compared at a time


@dataclass(frozen=True)
class Measure:
    """How to read a figure, and what it does not see."""

    title: str
    reading: str
    misses: str


MEASURES = {
    "digit_histogram": Measure(
        "digits drawn", "The share of each digit among 2,000 pictures; real ones give about a tenth each.",
        "Every picture gets a digit, also one that looks like none."),
    "digit_entropy": Measure(
        "variety", "The entropy of these shares: 1 = all ten equally often, 0 = one digit only.",
        "It counts kinds of digits: ten pictures, each drawn 200 times, reach 1 as well."),
    "certainty": Measure(
        "certainty", "The mean probability that the judge gives its own answer.",
        "A network can be certain about noise: high certainty is no proof of a good picture."),
    "unsure": Measure(
        "looks like no digit", "The share of pictures about which the judge is less than 50 % certain.",
        "A legible digit with flaws may count, and a strange blob may not."),
    "frechet": Measure(
        "Fréchet distance", "How far the judge's features of them are from those of test images, in mean and spread.",
        "It sees what the judge's 64 features see, and cannot tell a memorised training image from a new one."),
    "nearest": Measure(
        "nearest training images", "Those with the smallest distance, pixel by pixel or in the judge's features.",
        "A training image copied a pixel to the side is far away pixel by pixel."),
}  # fmt: skip


@dataclass(frozen=True)
class Moments:
    """Mean (D,) and covariance (D, D) of features, float64."""

    mean: torch.Tensor
    covariance: torch.Tensor


def of_pictures(pictures: torch.Tensor, dataset: Dataset) -> dict:
    """The figures of pictures, float32 (N, 1, 28, 28) in [0, 1].

    Returns:
        digit_histogram: the share of each digit, 10 floats; digit_entropy: in [0, 1]; certainty and unsure: in [0, 1];
        frechet: at least 0, to the data set's test images.

    Raises:
        RunError: the judge is not there.
    """
    features, probabilities = judged(pictures)
    certainty, called = probabilities.max(1)
    shares = torch.bincount(called, minlength=DIGITS).double() / len(called)
    return {
        "digit_histogram": shares.tolist(),
        "digit_entropy": entropy(shares),
        "certainty": certainty.mean().item(),
        "unsure": (certainty < UNSURE).double().mean().item(),
        "frechet": frechet(moments(features), *_of_test(dataset)),
    }


def judged(pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The judge's features (N, D) and probabilities (N, K) of pictures (N, 1, 28, 28) in [0, 1]."""
    network = judge()
    features = torch.from_numpy(digits.features(network, "features", pictures))
    with torch.inference_mode():
        return features, torch.softmax(network[-1](features).double(), 1)


def entropy(shares: torch.Tensor) -> float:
    """Entropy of shares that add up to 1, as a part of the largest possible: in [0, 1]."""
    return (torch.special.entr(shares).sum() / math.log(len(shares))).item() + 0.0


def moments(features: torch.Tensor) -> Moments:
    """Mean and covariance of features (N, D), N at least 2."""
    features = features.double()
    return Moments(features.mean(0), torch.cov(features.t()).view(features.shape[1], -1))


def frechet(one: Moments, other: Moments, root: torch.Tensor | None = None) -> float:
    """The squared Fréchet distance of two normal distributions (Dowson & Landau 1982; Heusel et al. 2017).

    ‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2 (Σ₂^½ Σ₁ Σ₂^½)^½). The product under the root is symmetric, so eigenvalues alone are
    needed, and features that are always 0 do no harm.

    Args:
        root: Σ₂^½, where it is known.
    """
    root = square_root(other.covariance) if root is None else root
    common = torch.linalg.eigvalsh(root @ one.covariance @ root).clamp(min=0).sqrt().sum()
    apart = (one.mean - other.mean).square().sum()
    return max(0.0, (apart + one.covariance.trace() + other.covariance.trace() - 2 * common).item())


def square_root(covariance: torch.Tensor) -> torch.Tensor:
    """The symmetric square root of a covariance (D, D)."""
    values, vectors = torch.linalg.eigh(covariance)
    return vectors * values.clamp(min=0).sqrt() @ vectors.t()


_TEST: dict[str, tuple[Moments, torch.Tensor]] = {}  # by the identity of the data set
_TRAIN: dict[str, torch.Tensor] = {}


def _of_test(dataset: Dataset) -> tuple[Moments, torch.Tensor]:
    """Moments of the test images' features, and the square root of their covariance; worked out once."""
    if dataset.identity not in _TEST:
        found = moments(judged(scaled(dataset.test.images))[0])
        _TEST[dataset.identity] = found, square_root(found.covariance)
    return _TEST[dataset.identity]


def of_real(dataset: Dataset, n: int = 2000) -> dict:
    """The same figures of the first n training images: what a perfect generator would get."""
    return of_pictures(scaled(dataset.train.images[:n]), dataset)


def scaled(images: np.ndarray) -> torch.Tensor:
    """uint8 images as float32 in [0, 1], same shape."""
    return torch.tensor(images).float() / 255


def nearest(pictures: np.ndarray, dataset: Dataset, k: int = 5, space: str = "pixels") -> tuple[np.ndarray, np.ndarray]:
    """The k nearest training images of each picture: indices int64 (N, k) and Euclidean distances float32 (N, k).

    Args:
        pictures: uint8 (N, 1, 28, 28).
        space: "pixels" (in [0, 1]), or "features": the judge's.

    Raises:
        ValueError: the space is unknown.
    """
    if space not in SPACES:
        raise ValueError(f"space {space!r} is unknown: choose one of {', '.join(SPACES)}.")
    if space == "pixels":
        query, parts = scaled(pictures).flatten(1), _rows(dataset)
    else:
        query, parts = judged(scaled(pictures))[0], iter([_features_of_train(dataset)])
    exact = "donot_use_mm_for_euclid_dist"  # so that a copy is at distance 0
    found = torch.cat([torch.cdist(query, part, compute_mode=exact) for part in parts], 1).topk(k, largest=False)
    return found.indices.numpy(), found.values.numpy()


def _rows(dataset: Dataset) -> Iterator[torch.Tensor]:
    """The training images as rows of pixels in [0, 1], some at a time."""
    for start in range(0, len(dataset.train.images), AT_ONCE):
        yield scaled(dataset.train.images[start : start + AT_ONCE]).flatten(1)


def _features_of_train(dataset: Dataset) -> torch.Tensor:
    """The judge's features of all training images, (60,000, D); worked out once, in about 2 seconds."""
    if dataset.identity not in _TRAIN:
        parts = (row.view(-1, 1, 28, 28) for row in _rows(dataset))
        _TRAIN[dataset.identity] = torch.cat([judged(part)[0] for part in parts])
    return _TRAIN[dataset.identity]
