"""The networks of the adversarial page: the course's, steep and less steep, a small one, and one that stands attacks.

Exercise 5.2 of the course made a network for digits see a 9 in a 4, in noise and in a blank image. The defaults of
``Config`` are its network. Beside this file: its layers (course_cnn), attacks, what they do step by step
(traces), how often they succeed (rates), one perturbation for many images (universal), networks by name (attackable),
and the figures of a run (measures).

Adversarial training (Madry et al. 2018): every batch is attacked, untargeted, within L∞ epsilon, before the network
learns from it. Epsilon grows from 0 over the first part: a small network that begins with all of it learns nothing.

Letters for shapes: N batch, C channels, H height, W width, K classes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from core import classifier, data, digits
from core.adversarial import measures
from core.adversarial.attacks import named, perturb
from core.adversarial.course_cnn import INITIALS, CourseCNN, Dropout
from core.classifier import evaluate, pixels
from core.data import Dataset, Split
from core.layers import joined
from core.rng import generator
from core.runs import Diverged, RunError
from core.settings import check_bounds, check_names, check_types

MODELS = ("large", "small")  # the course's network; the one of core.digits
RATES = {"constant": lambda done: 1.0, "falling": lambda done: 1 - done}  # learning rate, by the share that is done
RECORD_EVERY = 1600  # images between two progress records
TEST_EVERY = 50_000  # images between two tests
WARM_UP = 0.3  # share of an adversarial training in which epsilon grows
WATCHED = 200  # test images that are attacked in a test


@dataclass(frozen=True)
class Config:
    """The settings of one training; everything that decides its numbers.

    What means nothing to a network is set back to the default, so that one run has one name.

    Raises:
        ValueError: a value is unknown or out of range (the message lists what is possible).
    """

    model: str = "large"  # one of MODELS
    initial: str = "course"  # of the large network: its initial weights, a key of core.adversarial.course_cnn.INITIALS
    iterations: int = 1000  # optimizer steps
    batch_size: int = 100  # images a step
    lr: float = 0.0001  # learning rate of Adam in the first step
    rate: str = "constant"  # how the learning rate goes on: "constant", or "falling" to 0 in a straight line
    epsilon: float = 0.0  # L∞ bound of the attacks that it is trained under, pixels in [0, 1]; 0 = none
    attack_steps: int = 4  # gradient steps of each of them
    seed: int = 42  # decides the initial weights, the batches, dropout and the attacks' random starts

    def __post_init__(self):
        check_types(self)
        check_names(self, model=MODELS, initial=INITIALS, rate=RATES)
        check_bounds(
            self, iterations=(1, 1_000_000), batch_size=(1, 4096), lr=(1e-7, 100.0), epsilon=(0.0, 1.0),
            attack_steps=(1, 100), seed=(0, 2**31 - 1),
        )  # fmt: skip
        for name in self.unused:
            object.__setattr__(self, name, getattr(type(self), name))

    @property
    def unused(self) -> list[str]:
        """The settings that mean nothing to this network."""
        initial, attacks = self.model == "small", not self.epsilon
        return [*(["initial"] if initial else []), *(["epsilon", "attack_steps"] if attacks else [])]


@dataclass(frozen=True)
class Progress:
    """What was measured after ``step`` steps. The test figures are there at the start, then every 50,000 images."""

    step: int  # optimizer steps so far
    steps: int  # optimizer steps in all
    epoch: float  # passes over the training images so far
    loss: float | None = None  # mean cross-entropy (nats) of the images learned from since the last record
    accuracy: float | None = None  # share right of the same images, in [0, 1]; under attack, where they are attacked
    epsilon: float | None = None  # of the attacks at this step
    test_loss: float | None = None  # mean cross-entropy (nats) over all test images
    test_accuracy: float | None = None  # share right of all test images, in [0, 1]
    pgd_accuracy: float | None = None  # of the first 200 under attack, where the training is adversarial

    @property
    def snapshot(self) -> bool:
        """Whether the weights of this step are worth keeping."""
        return self.step == self.steps


def load_data(config: Config) -> Dataset:
    """MNIST."""
    return data.load("mnist")


def build(config: Config, dataset: Dataset) -> nn.Sequential:
    """The untrained network; the same seed gives the same weights however it is trained."""
    if config.model == "small":
        return digits.build(config.seed, dataset)
    model = CourseCNN(len(dataset.classes))
    INITIALS[config.initial](model, generator(config.seed, "weights"))
    return model


def restore(config: Config, weights: dict[str, torch.Tensor]) -> nn.Sequential:
    """The network of a recorded run, frozen.

    Raises:
        RunError: the weights are not those of such a network.
    """
    if config.model == "small":
        return digits.restore(weights)
    try:
        model = CourseCNN(len(weights["10.bias"]))
        model.load_state_dict(weights)
    except (KeyError, TypeError, RuntimeError) as error:
        raise RunError(f"The weights are not those of the course's network: {error}") from error
    return model.eval().requires_grad_(False)


def train(config: Config, dataset: Dataset, model: nn.Sequential | None = None) -> Iterator[Progress]:
    """Train with Adam: records at the start, every 1,600 images and at the end.

    Args:
        model: the network to train in place, on its own device; by default a new one from the config. Whoever wants
            the weights passes a network and keeps a hand on it.

    Raises:
        Diverged: the loss is no longer a finite number; everything yielded so far stays true.
    """
    model = build(config, dataset) if model is None else model
    for layer in model.modules():
        if isinstance(layer, Dropout):
            layer.rng = generator(config.seed, "dropout")
    optimizer, watched = torch.optim.Adam([joined(model)], config.lr, fused=True), _frozen_twin(model, config, dataset)
    steps, per_epoch = config.iterations, math.ceil(len(dataset.train.labels) / config.batch_size)
    record_every, test_every = (max(1, each // config.batch_size) for each in (RECORD_EVERY, TEST_EVERY))

    some = Split(*(each[: config.batch_size] for each in (dataset.train.images, dataset.train.labels)))
    first = evaluate(watched, some)
    yield Progress(0, steps, 0.0, first["test_loss"], first["test_accuracy"])  # a point at once for whoever watches
    yield Progress(0, steps, 0.0, **_tested(config, watched, dataset))
    losses, right, seen = 0.0, 0, 0  # since the last record
    for step, (x, y, epsilon) in enumerate(_lessons(config, dataset, watched), start=1):
        answers = model(x)  # logits (N, K)
        loss = F.cross_entropy(answers, y)
        if not math.isfinite(loss.item()):
            raise Diverged(step)
        optimizer.param_groups[0]["lr"] = config.lr * RATES[config.rate]((step - 1) / steps)
        optimizer.zero_grad(set_to_none=False)
        loss.backward()
        optimizer.step()
        losses, seen = losses + loss.item() * len(y), seen + len(y)
        right += (answers.argmax(1) == y).sum().item()
        if step % record_every == 0 or step % test_every == 0 or step == steps:
            tested = _tested(config, watched, dataset) if step % test_every == 0 or step == steps else {}
            if not math.isfinite(tested.get("test_loss", 0.0)):  # the last step did it
                raise Diverged(step)
            yield Progress(step, steps, step / per_epoch, losses / seen, right / seen, epsilon, **tested)
            losses, right, seen = 0.0, 0, 0


def _lessons(
    config: Config, dataset: Dataset, watched: nn.Module
) -> Iterator[tuple[torch.Tensor, torch.Tensor, float | None]]:
    """What the network learns from, batch by batch: images, labels, and the epsilon that they were attacked with."""
    order, rng = generator(config.seed, "batches"), generator(config.seed, "attack")
    step, total = 0, len(dataset.train.labels)
    while True:
        for batch in torch.randperm(total, generator=order).split(config.batch_size):
            if step == config.iterations:
                return
            x = pixels(dataset.train.images[batch.numpy()], watched)
            y, epsilon = torch.from_numpy(dataset.train.labels[batch.numpy()]).to(x.device), None
            if config.epsilon:
                epsilon = config.epsilon * min(1.0, step / (WARM_UP * config.iterations))
                x = perturb(watched, x, y, named("pgd", epsilon, config.attack_steps, targeted=False), rng)
            yield x, y, epsilon
            step += 1


def _frozen_twin(model: nn.Sequential, config: Config, dataset: Dataset) -> nn.Sequential:
    """The same network to look at and to attack: frozen, but its weights are the model's, also as that one learns."""
    twin = build(config, dataset).eval().requires_grad_(False)
    for own, shared in zip(twin.parameters(), model.parameters(), strict=True):
        own.data = shared.data
    return twin.to(next(model.parameters()).device)


def _tested(config: Config, model: nn.Module, dataset: Dataset) -> dict[str, float]:
    """The test figures of ``Progress``."""
    figures = classifier.measure(model, dataset)
    if not config.epsilon:
        return figures
    return {**figures, "pgd_accuracy": measures.robust_accuracy(model, dataset.test, WATCHED)}


def measure(model: nn.Module, dataset: Dataset) -> dict[str, Any]:
    """The figures of a run: see core.adversarial.measures."""
    return measures.of_network(model, dataset)
