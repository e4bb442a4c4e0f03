"""Image classification: the course's CNN-basic, its optimizers, its training loop and what can be measured on it.

Exercise 1 of the course trained CNN-basic on CIFAR-10 with SGD and with Adam, both at learning rate 0.001 (DeepDIVA's
defaults: batch 64, 5 epochs, no momentum, no weight decay). The defaults of ``Config`` are its run 1.3.

Letters for shapes: N batch, C channels, H height, W width, K classes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from core import data
from core.data import Dataset, Split
from core.layers import Conv2d, Normalise, joined
from core.rng import generator, initialise
from core.runs import Diverged, RunError
from core.settings import check_bounds, check_names, check_types

SIDE = 32  # pixels; smaller images are padded with black
RECORD_EVERY = 1600  # images between two progress records; in images, so that records do not depend on the machine
EVALUATE_AT_ONCE = 64  # images in an evaluation batch; more do not fit the cache of a core

ACTIVATIONS = {"leaky_relu": nn.LeakyReLU, "tanh": nn.Tanh, "relu": nn.ReLU}
OPTIMIZERS = {
    "sgd": lambda params, lr: torch.optim.SGD(params, lr, fused=True),
    "sgd_momentum": lambda params, lr: torch.optim.SGD(params, lr, momentum=0.9, fused=True),
    "adam": lambda params, lr: torch.optim.Adam(params, lr, fused=True),
    "adamw": lambda params, lr: torch.optim.AdamW(params, lr, fused=True),
    "rmsprop": lambda params, lr: torch.optim.RMSprop(params, lr),
}


@dataclass(frozen=True)
class Config:
    """The settings of one training; everything that decides its numbers.

    Raises:
        ValueError: a value is unknown or out of range (the message lists what is possible).
    """

    dataset: str = "cifar10"  # a name of core.data.names()
    activation: str = "leaky_relu"  # a key of ACTIVATIONS
    optimizer: str = "adam"  # a key of OPTIMIZERS
    lr: float = 0.001  # learning rate
    batch_size: int = 64  # images a step
    epochs: int = 5  # passes over the training images
    seed: int = 42  # decides the initial weights, the batch order and the choice of training images
    images: int = 0  # training images, drawn by the seed; 0 = all of them

    def __post_init__(self):
        check_types(self)
        if not data.NAME.fullmatch(self.dataset):  # it becomes a part of the name of a folder
            raise ValueError(f"dataset {self.dataset!r} is no name: choose one of {', '.join(data.names())}.")
        check_names(self, activation=ACTIVATIONS, optimizer=OPTIMIZERS)
        check_bounds(
            self, lr=(1e-7, 100.0), batch_size=(1, 4096), epochs=(1, 100), seed=(0, 2**31 - 1),
            images=(0, 10**7),
        )  # fmt: skip


@dataclass(frozen=True)
class Progress:
    """What was measured after ``step`` steps. The test figures are there at the start and after each epoch."""

    step: int  # optimizer steps so far
    steps: int  # optimizer steps in all
    epoch: float  # passes over the training images so far
    loss: float | None = None  # mean cross-entropy (nats) over the training images since the last record
    accuracy: float | None = None  # share right of the same images, in [0, 1]
    test_loss: float | None = None  # mean cross-entropy (nats) over all test images
    test_accuracy: float | None = None  # share right of all test images, in [0, 1]
    confusion: list[list[int]] | None = field(default=None, repr=False)  # (K, K): images of class row, called column

    @property
    def snapshot(self) -> bool:
        """Whether the weights of this step are worth keeping."""
        return self.test_accuracy is not None


class CNNBasic(nn.Sequential):
    """The course's network: (N, C, 32, 32) in [0, 1] → logits (N, K). The normalisation is its first layer."""

    def __init__(self, activation: str, channels: int, classes: int, mean: tuple[float, ...], std: tuple[float, ...]):
        act = ACTIVATIONS[activation]
        super().__init__(
            Normalise(mean, std),
            Conv2d(channels, 24, kernel_size=5, stride=3), act(),  # (N, 24, 10, 10)
            Conv2d(24, 48, kernel_size=3, stride=2), act(),  # (N, 48, 4, 4)
            Conv2d(48, 72, kernel_size=3, stride=1), act(),  # (N, 72, 2, 2)
            nn.Flatten(),  # (N, 288)
            nn.Linear(288, classes),
        )  # fmt: skip


def load_data(config: Config) -> Dataset:
    """The data set of the config; raises as ``core.data.load`` does."""
    return data.load(config.dataset)


def build(config: Config, dataset: Dataset) -> CNNBasic:
    """The untrained network; the same seed gives the same weights whatever the activation or optimizer."""
    channels = dataset.train.images.shape[1]
    model = CNNBasic(config.activation, channels, len(dataset.classes), dataset.mean, dataset.std)
    initialise(model, generator(config.seed, "weights"))
    return model


def restore(config: Config, weights: dict[str, torch.Tensor]) -> CNNBasic:
    """The network of a recorded run, frozen: built from the config, sizes and normalisation from the weights.

    Raises:
        RunError: the weights are not those of such a network.
    """
    try:
        channels, classes = weights["1.weight"].shape[1], len(weights["8.bias"])
        mean, std = (tuple(weights[f"0.{name}"].flatten().tolist()) for name in ("mean", "std"))
        model = CNNBasic(config.activation, channels, classes, mean, std)
        model.load_state_dict(weights)
    except (KeyError, IndexError, TypeError, RuntimeError) as error:
        raise RunError(f"The weights are not those of CNN-basic: {error}") from error
    return model.eval().requires_grad_(False)


def train(config: Config, dataset: Dataset, model: nn.Module | None = None) -> Iterator[Progress]:
    """Train and measure: two records before the first step, one every 1,600 images and at the end of each epoch.

    The first record is of a few training images, so that whoever watches has a point at once; the second of all test
    images.

    Args:
        model: the network to train in place, on its own device; by default a new one from the config. Whoever wants
            the weights passes a network and keeps a hand on it.

    Raises:
        Diverged: the loss is no longer a finite number; everything yielded so far stays true.
    """
    model = build(config, dataset) if model is None else model
    optimizer = OPTIMIZERS[config.optimizer]([joined(model)], config.lr)
    chosen = training_images(config, dataset)
    order = generator(config.seed, "batches")
    per_epoch = math.ceil(len(chosen) / config.batch_size)
    steps, record_every = config.epochs * per_epoch, max(1, RECORD_EVERY // config.batch_size)

    yield Progress(0, steps, 0.0, **_first_look(model, dataset.train, chosen))
    yield Progress(0, steps, 0.0, **evaluate(model, dataset.test))
    for epoch in range(config.epochs):
        shuffled = chosen[torch.randperm(len(chosen), generator=order)]
        losses, right, seen = 0.0, 0, 0  # since the last record
        for i, batch in enumerate(shuffled.split(config.batch_size), start=1):
            x = pixels(dataset.train.images[batch.numpy()], model)
            y = torch.from_numpy(dataset.train.labels[batch.numpy()])
            answers = model(x)  # logits (N, K)
            loss = F.cross_entropy(answers, y.to(answers.device))
            step = epoch * per_epoch + i
            if not math.isfinite(loss.item()):
                raise Diverged(step)
            optimizer.zero_grad(set_to_none=False)
            loss.backward()
            optimizer.step()
            losses, seen = losses + loss.item() * len(y), seen + len(y)
            right += (answers.argmax(1).cpu() == y).sum().item()
            if i % record_every == 0 or i == per_epoch:
                tested = evaluate(model, dataset.test) if i == per_epoch else {}
                if not math.isfinite(tested.get("test_loss", 0.0)):  # the last step did it
                    raise Diverged(step)
                yield Progress(step, steps, step / per_epoch, losses / seen, right / seen, **tested)
                losses, right, seen = 0.0, 0, 0


def _first_look(model: nn.Module, split: Split, chosen: torch.Tensor) -> dict[str, float]:
    """Loss and accuracy of the network as it is on a few of the chosen images, from first to last."""
    some = chosen[:: math.ceil(len(chosen) / EVALUATE_AT_ONCE)]
    answers, labels = logits(model, split.images[some.numpy()]), torch.from_numpy(split.labels[some.numpy()])
    right = (answers.argmax(1) == labels).double().mean().item()
    return {"loss": F.cross_entropy(answers, labels).item(), "accuracy": right}


def training_images(config: Config, dataset: Dataset) -> torch.Tensor:
    """Indices (int64) of the training images to use: fewer are a part of more, for the same seed."""
    total = len(dataset.train.labels)
    if config.images in (0, total):
        return torch.arange(total)
    if config.images > total:
        raise ValueError(f"{dataset.title} has {total} training images, not {config.images}.")
    return torch.randperm(total, generator=generator(config.seed, "images"))[: config.images]


def pixels(images: np.ndarray, model: nn.Module | None = None) -> torch.Tensor:
    """uint8 (N, C, h, w) → float32 (N, C, 32, 32) in [0, 1], padded with black, on the device of the model.

    A model with a ``side`` of its own gets images of that size. The numbers lie in memory with the batch last, as
    core.layers.Conv2d likes them.
    """
    n, c, h, w = images.shape
    side = getattr(model, "side", SIDE)
    batch_last = np.array(images.reshape(n, -1).T, order="C").reshape(c, h, w, n)  # a copy: images may be read-only
    if (h, w) != (side, side):
        top, left = (side - h) // 2, (side - w) // 2
        batch_last = np.pad(batch_last, ((0, 0), (top, side - h - top), (left, side - w - left), (0, 0)))
    device = next(model.parameters()).device if model is not None else None
    return torch.from_numpy(batch_last).to(device, torch.float32).div_(255).permute(3, 0, 1, 2)


def logits(model: nn.Module, images: np.ndarray) -> torch.Tensor:
    """uint8 (N, C, h, w) → the network's answers, float32 (N, K), on the CPU."""
    with torch.inference_mode():
        return torch.cat([model(pixels(part, model)).cpu() for part in chunks(images)])


def chunks(images: np.ndarray) -> list[np.ndarray]:
    """The images (N, …) in parts that are quick to work on."""
    return np.array_split(images, max(1, math.ceil(len(images) / EVALUATE_AT_ONCE)))


def evaluate(model: nn.Module, split: Split) -> dict:
    """``test_loss`` (nats), ``test_accuracy`` and ``confusion`` (K, K) of the model on a split."""
    answers, labels = logits(model, split.images), torch.tensor(split.labels)
    k = answers.shape[1]
    confusion = torch.bincount(labels * k + answers.argmax(1), minlength=k * k).view(k, k)
    return {
        "test_loss": F.cross_entropy(answers.double(), labels).item(),
        "test_accuracy": confusion.diag().sum().item() / len(labels),
        "confusion": confusion.tolist(),
    }


def measure(model: nn.Module, dataset: Dataset) -> dict[str, float]:
    """The headline figures of a run: test accuracy in [0, 1] and test loss (nats)."""
    tested = evaluate(model, dataset.test)
    return {name: tested[name] for name in ("test_accuracy", "test_loss")}
