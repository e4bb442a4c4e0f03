"""Reading a recorded layout: its points, their neighbours, and where new images would lie; and a look at a network that
is still being trained.

The features are not recorded but computed anew when they are first asked for (0.2 s for 2,000 points, Nov 2026), and
kept for the next call. Letters for shapes: n points (test images), m new images, k neighbours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from core import data, runs
from core.embeddings import Config, layouts, making, measures
from core.embeddings.making import EVERY, NOISE, Subject
from core.embeddings.measures import VOTERS, Neighbours
from core.runs import Run, RunError, recorder


@dataclass(frozen=True)
class Points:
    """The points of a layout, in the order of the test images. They are shared: never change the arrays."""

    places: np.ndarray  # float32 (n, 2)
    labels: np.ndarray  # int64 (n,): the true classes
    called: np.ndarray  # int64 (n,): the classes that the network names
    certainty: np.ndarray  # float32 (n,) in [0, 1]: its certainty of them
    classes: tuple[str, ...]  # names


@dataclass(frozen=True)
class Placed:
    """Where new images lie in a layout, and what the network says of them."""

    places: np.ndarray  # float32 (m, 2)
    called: np.ndarray  # int64 (m,)
    certainty: np.ndarray  # float32 (m,) in [0, 1]
    neighbours: np.ndarray  # int64 (m, 10): the nearest points in the original space, nearest first


@dataclass(frozen=True)
class Glimpse:
    """The PCA layout of a network's features after one epoch."""

    epoch: int
    points: Points
    knn: float  # accuracy of ten neighbours in the plane, leave-one-out, in [0, 1]


def points(run: Run, step: int | None = None) -> Points:
    """The points of a recorded layout after ``step`` (default: its last).

    Raises:
        RunError: there is no such step, its file is damaged, or the run is not a layout.
        DataMissing: its data set is not on this machine.
    """
    state, dataset = run.weights(step), data.load(run.config["dataset"])
    if "places" not in state:
        raise RunError(f"The run {run.name} is not a layout.")
    places, called, certainty = (state[name].numpy() for name in ("places", "called", "certainty"))
    return Points(places, dataset.test.labels[: len(places)], called.astype(np.int64), certainty, dataset.classes)


def neighbours(run: Run, index: int, k: int = VOTERS, step: int | None = None) -> Neighbours:
    """The k nearest neighbours of a point in the original space and in the plane; 1 ms after the first call.

    Raises:
        ValueError: there is no such point; and as ``features``.
    """
    original, places = features(run, step), points(run, step).places
    if not 0 <= index < len(places):
        raise ValueError(f"There is no point {index}: choose one from 0 to {len(places) - 1}.")
    return measures.neighbours(original, places, index, k)


def nearest(run: Run, k: int = VOTERS, step: int | None = None) -> np.ndarray:
    """The k nearest neighbours of every point in the original space, nearest first: int64 (n, k). Shared."""
    subject = _subject(run)
    return _nearest(_laid_out(subject.config), subject.identity, _epoch(subject, run, step), k)


def place(run: Run, images: np.ndarray, step: int | None = None) -> Placed:
    """New images, uint8 (m, C, h, w) like those of the data set, in a recorded layout: 0.15 s after the first call.

    PCA projects them. t-SNE lets them find their places among points that stay.

    Raises:
        ValueError: the images have another shape, or the layout is one of noise; and as ``features``.
    """
    subject, places = _subject(run), points(run, step).places
    shape = subject.images.shape[1:]
    if subject.config.layer == NOISE:
        raise ValueError(f"{run.name} is a layout of noise, in which no image has a place.")
    if images.dtype != np.uint8 or images.shape[1:] != shape or not len(images):
        raise ValueError(f"Only images of shape {shape} (uint8) have a place in {run.name}, not {images.shape[1:]}.")
    epoch, known = _epoch(subject, run, step), features(run, step)
    new = subject.features(epoch, images)
    if subject.config.layout == "pca":
        kept = run.steps[-1] if step is None else step
        placed = _projection(run.path, kept, run.checksums[f"snapshots/{kept}.safetensors"])(new)
    else:
        placed = layouts.place_among(known, places, new)
    near, _ = layouts.nearest(known, VOTERS, new)
    return Placed(placed.astype(np.float32), *subject.answers(epoch, images), near)


def features(run: Run, step: int | None = None) -> np.ndarray:
    """What was laid out, float32 (n, D).

    Raises:
        RunError: the run is not a layout, or its network is no longer there, or no longer the same.
        DataMissing: its data set is not on this machine.
    """
    subject = _subject(run)
    return _features(_laid_out(subject.config), subject.identity, _epoch(subject, run, step))


def _laid_out(config: Config) -> Config:
    """The same features, however they are laid out: all their layouts share what is worked out of them."""
    return replace(config, layout="pca")


def _subject(run: Run) -> Subject:
    if run.topic != "embeddings" or run.config.get("layout") == "none":
        raise RunError(f"The run {run.name} is not a layout.")
    subject = making.subject(recorder.config_of(run))
    if run.data and run.data.get("identity") != subject.identity:
        raise RunError(f"The network or the images that {run.name} was made from are not the same any more.")
    return subject


def _epoch(subject: Subject, run: Run, step: int | None) -> int:
    """The epoch of the network that was laid out in a step."""
    if subject.config.epoch != EVERY:
        return max(subject.epochs)
    return run.steps[-1] if step is None else step


@lru_cache(maxsize=4)  # 2,000 points have 0.5 MB of features; the first convolution of 10,000 has 140
def _features(config: object, identity: str, epoch: int) -> np.ndarray:
    return making.subject(config).features(epoch)


@lru_cache(maxsize=32)
def _projection(path: Path, step: int, checksum: str) -> Callable[[np.ndarray], np.ndarray]:
    run = runs.read(path)
    return layouts.projection(features(run, step), points(run, step).places)


@lru_cache(maxsize=64)  # 2,000 points with 8 neighbours take 0.1 MB
def _nearest(config: object, identity: str, epoch: int, k: int) -> np.ndarray:
    return layouts.nearest(_features(config, identity, epoch), k)[0]


def glimpses(network: Run, count: int = 2000) -> list[Glimpse]:
    """The PCA layout of the features of the first ``count`` test images after every epoch that a network has so far.

    For a training that goes on: each is made at once, in 0.3 s for 2,000 points, and turned to match the one before.
    """
    kept = making.snapshots(network)
    digests = [network.checksums[f"snapshots/{kept[epoch]}.safetensors"] for epoch in sorted(kept)]
    known = [(epoch, digest) for epoch, digest in zip(sorted(kept), digests, strict=True)]
    return [_glimpse(network.name, network.config["dataset"], count, tuple(known[: i + 1])) for i in range(len(known))]


@lru_cache(maxsize=64)
def _glimpse(name: str, dataset: str, count: int, epochs: tuple[tuple[int, str], ...]) -> Glimpse:
    """The layout of the last of some (epoch, checksum of its weights)."""
    epoch = epochs[-1][0]
    subject = making.subject(Config("pca", dataset=dataset, network=name, points=count, epoch=epoch))
    places = next(layouts.pca(subject.checked_features(epoch))).places
    if len(epochs) > 1:
        places = layouts.align(places, _glimpse(name, dataset, count, epochs[:-1]).points.places)
    made = Points(places.astype(np.float32), subject.labels, *subject.answers(epoch), subject.dataset.classes)
    return Glimpse(epoch, made, measures.knn_accuracy(made.places, subject.labels))
