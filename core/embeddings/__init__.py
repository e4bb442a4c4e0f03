"""Embeddings: what a network has learned, laid out in the plane. Exercise 3 of the course, t-SNE against PCA.

Two kinds of runs share one Config, told apart by ``layout``: "none" trains the network of core/digits.py, "pca" and
"tsne" lay out what a trained network makes of the first test images (making.py). The snapshots of a layout
hold its points in the place of weights. Beside this file: PCA and t-SNE themselves (layouts), how good a layout is
(measures), and what pages read from a recorded one (reading).

Letters for shapes: n points (test images), D features, K classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from core import classifier, data, digits, runs
from core.data import Dataset
from core.embeddings import making
from core.embeddings.making import EVERY, LAST, NOISE, Layout, Subject
from core.settings import check_bounds, check_names, check_types

LAYOUTS = ("none", "pca", "tsne")
INITS = ("pca", "random")

# Settings that mean nothing to some kinds of runs
TRAINING = ("epochs", "batch_size", "lr", "images")
LAYING_OUT = ("network", "layer", "points", "epoch")
TSNE = ("perplexity", "iterations", "exaggeration", "init")


@dataclass(frozen=True)
class Config:
    """The settings of one run; everything that decides its numbers.

    What means nothing to its kind of run is set back to the default, so that one run has one name:
    ``Config(layout="pca", perplexity=50.0) == Config(layout="pca")``, and pixels are the same in every epoch.

    Raises:
        ValueError: a value is unknown or out of range (the message says what is possible).
    """

    layout: str = "none"  # "none": train the network; "pca" or "tsne": lay out what it makes of test images
    dataset: str = "mnist"  # a name of core.data.names(); for a layout, the one that its network was trained on
    # of a training
    epochs: int = 10  # passes over the training images
    batch_size: int = 64  # images a step
    lr: float = 0.002  # learning rate of Adam in the first step; falls to 0 in a straight line
    images: int = 0  # training images, drawn by the seed; 0 = all of them
    # of a layout
    network: str = ""  # name of a run of this topic or of the classifier's; "" = the shipped network
    layer: str = "features"  # a name of core.digits.layers(), "pixels", or "noise": Gaussian, of the features' shape
    points: int = 2000  # the first n test images
    epoch: int = LAST  # snapshot of the network: an epoch, LAST, or EVERY one that there is, aligned to one another
    perplexity: float = 30.0  # of t-SNE: about how many neighbours a point has, below ``points``
    iterations: int = 750  # of t-SNE: gradient steps; a third of them, 250 at most, with exaggeration
    exaggeration: float = 12.0  # of t-SNE: factor of all attraction in the early steps
    init: str = "pca"  # of t-SNE: the initial places, "pca" or "random"
    seed: int = 42  # training: weights, batches, choice of images; t-SNE: initial places; noise: the noise

    def __post_init__(self):
        check_types(self)
        if not data.NAME.fullmatch(self.dataset):  # it becomes a part of the name of a folder
            raise ValueError(f"dataset {self.dataset!r} is no name: choose one of {', '.join(data.names())}.")
        if self.network and not runs.NAME.fullmatch(self.network):
            raise ValueError(f"network {self.network!r} is no name of a run: `python -m core runs` lists them.")
        if not data.NAME.fullmatch(self.layer):
            raise ValueError(f"layer {self.layer!r} is no name: features, pixels, noise and conv1 are some.")
        check_names(self, layout=LAYOUTS, init=INITS)
        check_bounds(
            self, epochs=(1, 100), batch_size=(1, 4096), lr=(1e-7, 100.0), images=(0, 10**7),
            points=(20, 100_000), epoch=(EVERY, 100), perplexity=(1.0, 10_000.0), iterations=(1, 10_000),
            exaggeration=(1.0, 100.0), seed=(0, 2**31 - 1),
        )  # fmt: skip
        for name in self.unused:
            object.__setattr__(self, name, getattr(type(self), name))
        if self.layout == "tsne" and self.perplexity >= self.points:
            raise ValueError(f"perplexity must be below the number of points, {self.points}, not {self.perplexity:g}: "
                             "it says how many of them count as neighbours of one.")  # fmt: skip

    @property
    def unused(self) -> list[str]:
        """The settings that mean nothing to this kind of run."""
        if self.layout == "none":
            return [*LAYING_OUT, *TSNE]
        of_the_epoch = ["epoch"] if self.layer in (digits.PIXELS, NOISE) else []
        of_tsne = [*TSNE, *(["seed"] if self.layer != NOISE else [])] if self.layout == "pca" else []
        return [*TRAINING, *of_the_epoch, *of_tsne]


def load_data(config: Config) -> Dataset | Subject:
    """The data set to train on, or what is to be laid out; raises as ``data.load`` and ``making.subject``."""
    return data.load(config.dataset) if config.layout == "none" else making.subject(config)


def build(config: Config, found: Dataset | Subject) -> nn.Module:
    """The untrained network, or a layout in which all points lie in one place."""
    return digits.build(config.seed, found) if config.layout == "none" else Layout(config.points)


def restore(config: Config, weights: dict[str, torch.Tensor]) -> nn.Module:
    """The network of a recorded run, frozen, or the layout; a RunError if these are not its weights."""
    return digits.restore(weights) if config.layout == "none" else making.restore(weights)


def train(config: Config, found: Dataset | Subject, model: nn.Module | None = None) -> Iterator[Any]:
    """Train the network or make the layout, in place; see ``digits.train`` and ``making.train``.

    Yields records of core.classifier.Progress, or of core.embeddings.making.Progress.
    """
    model = build(config, found) if model is None else model
    return digits.train(config, found, model) if config.layout == "none" else making.train(found, model)


def measure(model: nn.Module, found: Dataset | Subject) -> dict[str, Any]:
    """Test accuracy and loss of a network, or the quality of a layout."""
    return making.measure(found, model) if isinstance(model, Layout) else classifier.measure(model, found)
