"""Making a layout as a run: what is laid out, by which network, and the records that come of it.

Where every epoch of a network is laid out, t-SNE begins each epoch from the layout of the one before, scaled down to
the usual small spread and with all its steps; then the result is turned to match. The layouts are as good as those that
begin from their own PCA (mean KL of epochs 1 to 10: 0.722 against 0.723), but from epoch 1 on a point moves half as far
from one to the next (0.19 of the layout's spread against 0.41; another seed alone moves it 0.08; MNIST, 2,000 points,
Nov 2026). PCA has nothing to begin from: its layouts are turned alone.

Letters for shapes: n points (test images), D features.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from core import data, digits, runs
from core.data import Dataset
from core.embeddings import measures
from core.embeddings.layouts import METHODS, Frame, align
from core.rng import generator
from core.runs import Run, RunError, recorder

LAST, EVERY = -1, -2  # values of Config.epoch: the network's last snapshot, or every one
NOISE = "noise"  # the layer that is none
SIGN_OF_LIFE = 50  # t-SNE steps between two records while the epochs are laid out one by one


@dataclass(frozen=True)
class Progress:
    """A layout after ``step``: a step of t-SNE, or an epoch of the network where every one is laid out."""

    step: int
    steps: int  # the last step
    epoch: int  # of the network's training
    iteration: int | None = None  # t-SNE's, while the layout of this epoch is being made; then there is no snapshot
    kl: float | None = None  # t-SNE: Kullback-Leibler divergence, nats
    trustworthiness: float | None = None  # in [0, 1]; this and what follows is measured on finished layouts alone
    knn_plane: float | None = None  # accuracy of ten neighbours in the plane, leave-one-out, in [0, 1]
    knn_original: float | None = None  # the same in the original space
    explained: list[float] | None = None  # PCA: share of the variance along each of the two axes

    @property
    def snapshot(self) -> bool:
        """Whether the layout is worth keeping as it is now."""
        return self.iteration is None


class Layout(nn.Module):
    """n points in the plane and what the network says of them, so that they are recorded as weights are."""

    def __init__(self, n: int):
        super().__init__()
        self.register_buffer("places", torch.zeros(n, 2, dtype=torch.float16))
        self.register_buffer("called", torch.zeros(n, dtype=torch.float16))  # index of a class, exact up to 2048
        self.register_buffer("certainty", torch.zeros(n, dtype=torch.float16))  # of that class, in [0, 1]


@dataclass(frozen=True)
class Subject:
    """What is laid out: the first test images, as a network sees them after some of its epochs."""

    config: Any  # a core.embeddings.Config
    dataset: Dataset
    network: Run
    epochs: dict[int, int]  # epoch → step of the network's snapshot, in order

    @property
    def name(self) -> str:
        return self.dataset.name

    @property
    def identity(self) -> str:
        """Of the images, and of the network's weights."""
        used = [self.network.checksums[f"snapshots/{step}.safetensors"] for step in self.epochs.values()]
        return f"{self.dataset.identity}-{hashlib.sha256(''.join(used).encode()).hexdigest()[:8]}"

    @property
    def note(self) -> str:
        return self.dataset.note

    @property
    def images(self) -> np.ndarray:
        """uint8 (n, C, h, w)."""
        return self.dataset.test.images[: self.config.points]

    @property
    def labels(self) -> np.ndarray:
        """int64 (n,): the true classes."""
        return self.dataset.test.labels[: self.config.points]

    def model(self, epoch: int) -> nn.Sequential:
        """The network after an epoch, frozen."""
        restore = recorder.lab(self.network.topic).restore
        return restore(recorder.config_of(self.network), self.network.weights(self.epochs[epoch]))

    def features(self, epoch: int, images: np.ndarray | None = None) -> np.ndarray:
        """What is laid out, float32 (n, D); or the same of other images, uint8 (m, C, h, w)."""
        model = self.model(epoch)
        if self.config.layer != NOISE:
            return digits.features(model, self.config.layer, self.images if images is None else images)
        width = digits.features(model, "features", self.images[:1]).shape[1]
        return torch.randn(len(self.images), width, generator=generator(self.config.seed, "noise")).numpy()

    def checked_features(self, epoch: int) -> np.ndarray:
        """The features of the points; a ValueError if they tell no two points apart."""
        features = self.features(epoch)
        if not np.isfinite(features).all() or not np.ptp(features, axis=0).any():
            raise ValueError(f"After epoch {epoch}, layer {self.config.layer} of {self.network.name} answers to all "
                             "images alike or in no numbers: there is nothing to lay out.")  # fmt: skip
        return features

    def answers(self, epoch: int, images: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The class that the network names, int64 (n,), and its certainty, float32 (n,) in [0, 1]."""
        images = self.images if images is None else images
        certainty = torch.from_numpy(digits.features(self.model(epoch), "logits", images)).softmax(1)
        best = certainty.max(dim=1)
        return best.indices.numpy(), best.values.numpy()


def subject(config: Any) -> Subject:
    """What a Config asks to lay out.

    Raises:
        RunError: there is no such network, or it is not finished.
        ValueError: it has no such epoch or layer, or is of another data set; or there are too few test images.
        DataMissing: the data set is not on this machine.
    """
    network = _network(config)
    dataset = data.load(config.dataset)
    if config.points > (total := len(dataset.test.labels)):
        raise ValueError(f"{dataset.title} has {total} test images, not {config.points}: lay out fewer points.")
    found = Subject(config, dataset, network, _epochs(network, config.epoch))
    if config.layer not in (NOISE, digits.PIXELS, *(known := digits.layers(found.model(max(found.epochs))))):
        raise ValueError(f"The network {network.name} has no layer {config.layer!r}: choose one of "
                         f"{', '.join([digits.PIXELS, *known, NOISE])}.")  # fmt: skip
    return found


def _network(config: Any) -> Run:
    """The run of the network whose features are laid out; see ``subject``."""
    name = config.network or runs.run_name("embeddings", type(config)())
    run = runs.find(name)
    if run.topic != "classifier" and (run.topic != "embeddings" or run.config.get("layout") != "none"):
        raise RunError(f"The run {name} is not one of a network whose features can be laid out.")
    if run.config["dataset"] != config.dataset:
        trained, asked = (data.title(name) for name in (run.config["dataset"], config.dataset))
        raise ValueError(f"The network {name} was trained on {trained}, so it cannot be asked about {asked}.")
    return run


def _epochs(network: Run, epoch: int) -> dict[int, int]:
    """Epoch → step of the snapshots that are to be laid out."""
    kept = snapshots(network)
    if epoch not in (LAST, EVERY) and epoch not in kept:
        raise ValueError(f"The run {network.name} has no weights of epoch {epoch}, only of {_listed(kept)}.")
    if epoch in (LAST, EVERY) and (network.status != "done" or not kept):
        raise RunError(f"The run {network.name} is {network.status}, so its last epoch is not known: choose one of "
                       f"those that it has ({_listed(kept)}).")  # fmt: skip
    chosen = {LAST: [max(kept, default=0)], EVERY: sorted(kept)}.get(epoch, [epoch])
    return {each: kept[each] for each in chosen}


def snapshots(network: Run) -> dict[int, int]:
    """Epoch → step, for every epoch after which there are weights."""
    kept = set(network.steps)
    return {round(record["epoch"]): record["step"] for record in network.history() if record["step"] in kept}


def _listed(epochs: dict[int, int]) -> str:
    return ", ".join(map(str, sorted(epochs))) or "none yet"


def train(subject: Subject, layout: Layout) -> Iterator[Progress]:
    """Lay out, in place: a record and a snapshot every tenth step of t-SNE, or one for every epoch."""
    config, last = subject.config, max(subject.epochs)
    every, total = config.epoch == EVERY, config.iterations if config.layout == "tsne" else 0
    former = None
    for epoch in subject.epochs:
        features = subject.checked_features(epoch)
        _tell(layout, *subject.answers(epoch))
        for frame in _frames(config, features, former):
            finished = frame.iteration == total
            places = frame.places if former is None else align(frame.places, former)
            _show(layout, places)
            measured = quality(config, features, layout, subject.labels) if finished else {"kl": frame.kl}
            if not every:
                yield Progress(frame.iteration, total, epoch, **measured)
            elif finished or frame.iteration % SIGN_OF_LIFE == 0:
                yield Progress(epoch, last, epoch, None if finished else frame.iteration, **measured)
        former = places


def _frames(config: Any, features: np.ndarray, former: np.ndarray | None) -> Iterator[Frame]:
    if config.layout == "pca":
        return METHODS["pca"](features)
    init = config.init if former is None else former
    return METHODS["tsne"](features, config.perplexity, config.iterations, config.exaggeration, init, config.seed)


def _show(layout: Layout, places: np.ndarray) -> None:
    layout.places.copy_(torch.from_numpy(places))


def _tell(layout: Layout, called: np.ndarray, certainty: np.ndarray) -> None:
    layout.called.copy_(torch.from_numpy(called))
    layout.certainty.copy_(torch.from_numpy(certainty))


def restore(weights: dict[str, torch.Tensor]) -> Layout:
    """A recorded layout.

    Raises:
        RunError: it is something else that was recorded.
    """
    try:
        layout = Layout(len(weights["places"]))
        layout.load_state_dict(weights)
    except (KeyError, TypeError, RuntimeError) as error:
        raise RunError(f"The snapshot is not that of a layout: {error}") from error
    return layout


def measure(subject: Subject, layout: Layout) -> dict[str, Any]:
    """The quality of the last layout as it is kept."""
    return quality(subject.config, subject.features(max(subject.epochs)), layout, subject.labels)


def quality(config: Any, features: np.ndarray, layout: Layout, labels: np.ndarray) -> dict[str, Any]:
    """Trustworthiness and kNN accuracies of a layout; and KL divergence of t-SNE, or explained variance of PCA."""
    places = layout.places.cpu().float().numpy()
    if config.layout == "pca":
        own = {"explained": measures.explained(features, places)}
    else:
        own = {"kl": measures.kl_divergence(features, places, config.perplexity)}
    return {**measures.quality(features, places, labels), **own}
