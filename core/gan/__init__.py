"""GAN: the course's generator and discriminator on MNIST, trained with one of several objectives.

Exercise 5.1 of the course trained two of them, "bce" and "course", for 20,000 and 100,000 iterations; the defaults of
``Config`` are its settings. Beside this file: the objectives, the networks, an iteration of one against the other
(match), what can be measured on pictures (measures), z (latent), and sheets of pictures (sheets).

Letters for shapes: N images, Z latent dimensions, P = 784 pixels of an image in a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch

from core import data
from core.data import Dataset
from core.gan import measures
from core.gan.latent import FIXED, LATENTS, fixed
from core.gan.match import RECORD_EVERY, Match, short
from core.gan.networks import OUTPUTS, Discriminator, Generator
from core.gan.objectives import OBJECTIVES, named
from core.gan.sheets import SHOWN, grey, sheet_png
from core.rng import generator
from core.runs import RunError
from core.settings import check_bounds, check_names, check_types

SAMPLE = "png"  # the suffix of Progress.sample
WEIGHTS_AT = (0, 1_000, 5_000, 10_000, 20_000, 50_000, 100_000)  # and at the end
BINS = 20  # of the histograms of D's answers


@dataclass(frozen=True)
class Config:
    """The settings of one training; everything that decides its numbers.

    Raises:
        ValueError: a value is unknown or out of range (the message lists what is possible).
    """

    objective: str = "bce"  # a key of core.gan.objectives.OBJECTIVES
    iterations: int = 20_000  # steps of G
    z: str = "normal"  # a key of core.gan.latent.LATENTS: how the numbers that G starts from are drawn
    z_dim: int = 100  # how many numbers
    output: str = "sigmoid"  # G's last function: "sigmoid", pixels in [0, 1], or "tanh", pixels in [−1, 1]
    smoothing: float = 0.0  # what is taken off the label 1 of real images
    d_steps: int = 1  # steps of D to one of G
    batch_size: int = 64  # real images, and generated ones, a step
    lr_d: float = 0.001  # learning rate of D (Adam)
    lr_g: float = 0.001  # learning rate of G (Adam)
    seed: int = 42  # decides the initial weights, the batches and every z

    def __post_init__(self):
        check_types(self)
        check_names(self, objective=OBJECTIVES, z=LATENTS, output=OUTPUTS)
        check_bounds(
            self, iterations=(1, 1_000_000), z_dim=(1, 1024), smoothing=(0, 0.5), d_steps=(1, 10),
            batch_size=(1, 1024), lr_d=(1e-7, 1e6), lr_g=(1e-7, 1e6), seed=(0, 2**31 - 1),
        )  # fmt: skip

    @property
    def sheet_every(self) -> int:
        """Iterations between two sheets of samples, which are measured too: a hundred sheets, where that is enough."""
        return min(1_000, max(200, self.iterations // 10_000 * 100))


@dataclass(frozen=True)
class Progress:
    """What was measured after ``step`` iterations; with every sheet of samples also what its pictures are like.

    Losses and D's answers are means over the iterations since the last record. D's answers are probabilities, or
    scores where the objective knows no probability (``Objective.probability``).
    """

    step: int
    steps: int  # iterations in all
    d_loss: float | None = None
    g_loss: float | None = None
    d_real: float | None = None  # mean D(x)
    d_fake: float | None = None  # mean D(G(z)), before D's step
    d_grad: float | None = None  # Euclidean norm of D's gradient at this iteration
    g_grad: float | None = None  # the same of G
    log_zero: int | None = None  # how often a naive log of 0 was guarded since the last record
    digit_histogram: list[float] | None = field(default=None, repr=False)  # see core.gan.measures.of_pictures
    digit_entropy: float | None = None
    certainty: float | None = None
    unsure: float | None = None
    frechet: float | None = None
    d_range: list[float] | None = field(default=None, repr=False)  # both ends of the next two
    d_real_histogram: list[int] | None = field(default=None, repr=False)  # D(x) of the first 2,000 training images
    d_fake_histogram: list[int] | None = field(default=None, repr=False)  # D(G(z)) of the 2,000 fixed z
    sample: bytes | None = field(default=None, repr=False)  # PNG: pictures of the first 64 fixed z, 8 × 8

    @property
    def snapshot(self) -> bool:
        """Whether the weights of this step are worth keeping."""
        return self.step in (*WEIGHTS_AT, self.steps)


def load_data(config: Config) -> Dataset:
    """MNIST."""
    return data.load("mnist")


def build(config: Config, dataset: Dataset) -> Generator:
    """The untrained generator; the same seed gives the same weights whatever the objective."""
    model = Generator(config)
    model.initialise(generator(config.seed, "weights of G"))
    return model


def build_discriminator(config: Config) -> Discriminator:
    """The untrained discriminator; as for the generator."""
    model = Discriminator(config)
    model.initialise(generator(config.seed, "weights of D"))
    return model


def restore(config: Config, weights: dict[str, torch.Tensor]) -> Generator:
    """The generator of a recorded run, frozen.

    Raises:
        RunError: the weights are not those of such a generator.
    """
    model = Generator(config)
    if told := _difference(weights, model.state_dict()):
        raise RunError(f"The weights are not those of a generator that starts from {config.z_dim} numbers: {told}.")
    model.load_state_dict(weights)
    return model.requires_grad_(False)


def _difference(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> str:
    """The first difference of two sets of weights in names or shapes, in words; "" if there is none."""
    for name in {**expected, **found}:
        if name not in found:
            return f"{name} is missing"
        if name not in expected:
            return f"{name} is too much"
        shapes = [tuple(getattr(weights[name], "shape", ())) for weights in (found, expected)]
        if shapes[0] != shapes[1]:
            return f"{name} has the shape {shapes[0]} instead of {shapes[1]}"
    return ""


def train(config: Config, dataset: Dataset, model: Generator | None = None) -> Iterator[Progress]:
    """Train and measure: a record at the start, every 100 iterations and at the end; some with a sheet of samples.

    Args:
        model: the generator to train in place, on its own device; by default a new one from the config. Whoever wants
            the weights passes a network and keeps a hand on it.

    Raises:
        Diverged: a loss is no longer a finite number; everything yielded so far stays true.
        RunError: the judge (core.judge) is not there.
        ValueError: a batch is larger than the data set.
    """
    model = build(config, dataset) if model is None else model
    discriminator = build_discriminator(config).to(model.first.weight.device)
    match = Match(config, dataset, model, discriminator)
    steps, real = config.iterations, measures.scaled(dataset.train.images[:FIXED])
    yield Progress(0, steps, **look(model, discriminator, dataset, real))
    for step in range(1, steps + 1):
        match.iterate()
        if step % RECORD_EVERY == 0 or step == steps:
            record = match.record(step)
            seen = step % config.sheet_every == 0 or step == steps
            yield Progress(step, steps, **record, **(look(model, discriminator, dataset, real) if seen else {}))


def look(model: Generator, discriminator: Discriminator, dataset: Dataset, real: torch.Tensor) -> dict[str, Any]:
    """A sheet of samples, the measures of 2,000, and how D's answers to them and to ``real`` images spread."""
    drawn = pictures(model)
    figures = measures.of_pictures(drawn, dataset)
    return {
        **{name: short(value) if isinstance(value, float) else value for name, value in figures.items()},
        **answers(model.config, discriminator, real, drawn),
        "sample": sheet_png(grey(drawn[:SHOWN])),
    }


def pictures(model: Generator) -> torch.Tensor:
    """What the generator draws for the 2,000 fixed z of its config, on the CPU: float32 (2000, 1, 28, 28) in [0, 1]."""
    with torch.inference_mode():
        return model(fixed(model.config).to(model.first.weight.device)).cpu()


def answers(config: Config, discriminator: Discriminator, real: torch.Tensor, fake: torch.Tensor) -> dict[str, Any]:
    """Histograms of D's answers to real and generated images, (N, 1, 28, 28) in [0, 1], as fields of ``Progress``.

    Probabilities in 20 bins from 0 to 1; scores in 20 bins between the lowest and the highest of all.
    """
    objective, device = named(config.objective), discriminator.first.weight.device
    with torch.inference_mode():
        found = [objective.output(discriminator(part.to(device))).cpu().double() for part in (real, fake)]
    ends = (0.0, 1.0) if objective.probability else (short(torch.cat(found).min()), short(torch.cat(found).max()))
    low, high = ends[0], max(ends[1], ends[0] + 1e-6)
    counts = [torch.histc(part.clamp(low, high), BINS, low, high).int().tolist() for part in found]
    return {"d_range": [low, high], "d_real_histogram": counts[0], "d_fake_histogram": counts[1]}


def measure(model: Generator, dataset: Dataset) -> dict[str, Any]:
    """The headline figures of a run, on its 2,000 fixed z: see core.gan.measures.of_pictures.

    Raises:
        RunError: the judge (core.judge) is not there.
    """
    return measures.of_pictures(pictures(model), dataset)
