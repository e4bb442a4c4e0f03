"""What the page reads: networks that can be attacked, and the images to attack them with."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from core import data, runs
from core.adversarial import attackable, measures, rates, traces
from core.adversarial.attackable import NETWORKS, Network
from core.adversarial.attacks import Attack, named
from core.data.dataset import Split
from core.runs import Run

TITLES = {  # of core.adversarial.attackable.NETWORKS, as the controls name them
    "course": "Course's network", "default": "Default initial weights", "long": "Default trained longer",
    "small": "Small CNN", "robust": "Robust small CNN",
}  # fmt: skip
MEASURED = 100  # test images of a measurement on the page; recorded ones have more
NOISES = 20  # noise images that the steepness is a mean over


@dataclass(frozen=True)
class Known:
    """A recorded network, as the controls name it."""

    title: str
    name: str  # of its run
    short: str  # what the command line calls it
    dataset: str
    identity: str  # changes when the weights do
    metrics: dict[str, Any] = field(repr=False, compare=False)  # of its run

    @property
    def recorded(self) -> bool:
        """Whether its run has the success matrix and the curves."""
        return {"matrix", "curves"} <= self.metrics.keys()


def networks() -> dict[str, Known]:
    """Title → network: those of the page, then the classifiers, then one's own; MNIST's before CIFAR-10's."""
    found = {known.title: known for known in (*_shipped(), *_own(str(runs.runs_dir())))}
    order = {title: i for i, title in enumerate(TITLES.values())}
    kept = [known for known in found.values() if known.dataset == "cifar10" or data.available(known.dataset)]
    kept.sort(key=lambda known: (order.get(known.title, len(order)), known.dataset != "mnist"))
    return {known.title: known for known in kept}


def missing(found: dict[str, Known]) -> list[str]:
    """Titles of the page's own networks that are not recorded."""
    return [title for title in TITLES.values() if title not in found]


@st.cache_resource(max_entries=1, show_spinner=False)
def _shipped() -> list[Known]:
    return _networks(runs.shipped_dir())


@st.cache_resource(ttl=3, max_entries=2, show_spinner=False)
def _own(root: str) -> list[Known]:
    return _networks(Path(root))


def _networks(root: Path) -> list[Known]:
    entries = [entry for topic in ("adversarial", "embeddings", "classifier") for entry in runs.listing(topic, root)]
    return [known for entry in entries if isinstance(entry, Run) and (known := _known(entry))]


def _known(run: Run) -> Known | None:
    """The run as a network, if it is a finished one that names the ten classes of a data set that we know."""
    config, dataset = run.config, run.data.get("name")
    if run.status != "done" or not run.steps or dataset not in data.TITLES or config.get("layout", "none") != "none":
        return None
    own = {runs.run_name("adversarial", each): name for name, (_, each) in NETWORKS.items()}
    short = own.get(run.name, run.name)
    identity = hashlib.sha256(str((run.name, sorted(run.checksums.items()))).encode()).hexdigest()
    return Known(TITLES.get(short) or _title(run, dataset), run.name, short, dataset, identity, run.metrics)


def _title(run: Run, dataset: str) -> str:
    config, place = run.config, data.title(dataset)
    if run.topic == "classifier":
        choices = f"{config.get('optimizer')} {config.get('lr')} {config.get('activation')}".replace("_", " ")
        return f"{place} {choices}, seed {config.get('seed')}"
    if run.topic == "embeddings":
        return f"{place} CNN of the embeddings, seed {config.get('seed')}"
    return f"{config.get('model')} network {run.name[-8:]}"


def network(known: Known) -> Network:
    """The network, frozen; shared by all viewers. Raises a RunError where its weights are damaged or gone."""
    return _network(known.name, known.identity)


@st.cache_resource(max_entries=8, show_spinner=False)
def _network(name: str, identity: str) -> Network:
    return attackable.network(name)


# Images


def examples(dataset: str) -> tuple[Split, tuple[str, ...]]:
    """Test images and the names of their classes: see ``attackable.test_images``."""
    return attackable.test_images(dataset)


def others(dataset: str) -> tuple[Split, Split]:
    """Images to find a perturbation on, and unseen ones to add it to; of 20 samples alone, halves."""
    test, _ = examples(dataset)
    if dataset == "cifar10" and not data.available(dataset):
        half = len(test.labels) // 2
        return Split(test.images[:half], test.labels[:half]), Split(test.images[half:], test.labels[half:])
    return data.load(dataset).train, test


def pixels(known: Known, images: np.ndarray) -> np.ndarray:
    """uint8 images (N, C, h, w) as the network takes them: float32 (N, C, H, W) in [0, 1]."""
    return attackable.as_pixels(network(known).model, images)


def mixed(numbers: np.ndarray) -> np.ndarray:
    """The same numbers in an order that is always the same: images in folders are sorted by class."""
    return np.random.default_rng(0).permutation(numbers)


# What is measured of a network


@st.cache_resource(max_entries=16, show_spinner="Attacking test images…")
def measured(name: str, identity: str, _known: Known) -> dict[str, Any]:
    """``matrix`` and ``curves`` as in the metrics of a recorded network, on fewer images."""
    test, _ = examples(_known.dataset)
    model = network(_known).model
    some = np.sort(mixed(np.arange(len(test.labels)))[:MEASURED])
    split = Split(test.images[some], test.labels[some])
    x, labels = measures.first_images(model, split, MEASURED)
    return {"matrix": rates.success_matrix(model, x, labels, named("course")),
            "curves": rates.against_epsilon(model, x, labels)}  # fmt: skip


@dataclass(frozen=True)
class Steepness:
    """How a network's loss towards a class lies at noise images, all means; nats."""

    loss: float
    fall: float  # by one step of 0.04 if the loss were a plane: 0.04 times the sum of the gradient's absolute values


@st.cache_resource(max_entries=16, show_spinner=False)
def steepness(name: str, identity: str, _known: Known, target: int) -> Steepness:
    """Of the course's 20 noise images."""
    model = network(_known).model
    shape = pixels(_known, examples(_known.dataset)[0].images[:1]).shape[1:]
    noise = np.stack([traces.start("noise", shape, seed) for seed in range(NOISES)])
    found = traces.trace(model, noise, [target] * NOISES, Attack(epsilon=float("inf"), steps=0))
    return Steepness(float(found.losses.mean()), 0.04 * float(np.abs(found.gradients).sum((2, 3, 4)).mean()))
