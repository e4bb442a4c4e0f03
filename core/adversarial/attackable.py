"""Networks that can be attacked, by name, and the images to attack them with.

Letters for shapes: N images, C channels, H height, W width.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import nn

from core import data, runs
from core.adversarial import Config, traces
from core.adversarial.attacks import named
from core.adversarial.traces import trace, unbounded
from core.classifier import pixels
from core.data import Dataset, Split
from core.runs import Run, RunError, recorder

_SMALL = {"model": "small", "iterations": 9380, "batch_size": 64, "lr": 0.002, "rate": "falling"}  # as in core.digits
NETWORKS = {  # short name → what it is, and the settings of its run
    "course": ("the course's network and initial weights", Config()),
    "default": ("the same with PyTorch's default initial weights", Config(initial="pytorch")),
    "long": ("the same, trained six times as long", Config(initial="pytorch", iterations=6000)),
    "small": ("a small network", Config(**_SMALL)),
    "robust": ("the small network, trained under attack", Config(**_SMALL, epsilon=0.3)),
}


@dataclass(frozen=True)
class Network:
    """A recorded network, ready to be attacked."""

    name: str  # of its run
    model: nn.Module = field(repr=False)  # frozen, in evaluation mode
    run: Run = field(repr=False)

    @property
    def dataset(self) -> str:
        """The name of the data set that it was trained on."""
        return self.run.data["name"]


def run_of(name: str) -> Run:
    """The run of a short name in NETWORKS, or of its own name.

    Raises:
        RunError: there is none, or it has not ended well.
    """
    run = runs.find(runs.run_name("adversarial", NETWORKS[name][1]) if name in NETWORKS else name)
    if run.status != "done":
        raise RunError(f"{run.name} is {run.status}: its network cannot be attacked.")
    return run


def network(name: str) -> Network:
    """The network of a run of this topic, of the classifier, or of the embeddings.

    Raises:
        RunError: there is no such run, it has no network that names images, or its files are damaged.
    """
    run = run_of(name)
    config = recorder.config_of(run)
    if run.topic not in ("adversarial", "classifier", "embeddings") or getattr(config, "layout", "none") != "none":
        raise RunError(f"{run.name} has no network that names images.")
    return Network(run.name, recorder.lab(run.topic).restore(config, run.weights()), run)


def test_images(dataset: str) -> tuple[Split, tuple[str, ...]]:
    """The test images of a data set and the names of its classes; of CIFAR-10 the 20 embedded ones, where it is absent.

    Raises:
        DataMissing, ValueError: as ``data.load``.
    """
    if dataset == "cifar10" and not data.available(dataset):
        return data.samples(dataset), data.CIFAR10_CLASSES
    found: Dataset = data.load(dataset)
    return found.test, found.classes


def as_pixels(model: nn.Module, images: np.ndarray) -> np.ndarray:
    """uint8 images (N, C, h, w) as a network takes them: float32 (N, C, H, W) in [0, 1], with black around them."""
    return np.ascontiguousarray(pixels(images, model).numpy())


def report(
    network: Network,
    index: int = 4,
    target: int | None = None,
    attack: str = "course",
    epsilon: float = 0.2,
    steps: int = 5,
    start: str = "image",
    seed: int = 0,
) -> dict[str, Any]:
    """What an attack on one test image, or on no image, does to a network step by step, as plain values.

    Args:
        index: of the test image, from 0; of no meaning for other starts.
        target: index of a class; None: away from the true class.
        start: "image", or a key of core.adversarial.traces.STARTS; then no bound holds, and epsilon decides the steps.

    Raises:
        ValueError: a name is unknown or a number out of range, or there is nothing to get away from.
    """
    images, classes = test_images(network.dataset)
    if not 0 <= index < len(images.labels):
        raise ValueError(f"index must be between 0 and {len(images.labels) - 1}, not {index}.")
    if target is not None and not 0 <= target < len(classes):
        raise ValueError(f"target must be between 0 and {len(classes) - 1}, not {target}.")
    if target is None and start != "image":
        raise ValueError("A start that is no image has no true class to get away from: choose a target.")
    made, pixels_ = named(attack, epsilon, steps, target is not None), as_pixels(network.model, images.images[[index]])
    label = int(images.labels[index]) if start == "image" else None
    if start != "image":
        made, pixels_ = unbounded(made), traces.start(start, pixels_.shape, seed)
    found = trace(network.model, pixels_, [label if target is None else target], made, seed)
    return {
        "model": network.name, "dataset": network.dataset, "start": start, "index": index, "label": label,
        "target": target, "attack": attack, "epsilon": epsilon, "step_size": made.step, "steps": made.steps,
        "probabilities": found.probabilities[0].tolist(), "called": found.called[0].tolist(),
        "losses": found.losses[0].tolist(), **{name: sizes[0].tolist() for name, sizes in found.sizes.items()},
        "clipped": found.clipped[0].tolist(), "steps_to_success": found.steps_to_success[0],
    }  # fmt: skip
