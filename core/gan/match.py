"""A training of generator against discriminator, an iteration at a time, in memory that is taken once.

Letters for shapes: N images a batch, Z latent dimensions, P = 784 pixels of an image in a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from core.data import Dataset
from core.gan.latent import LATENTS
from core.gan.networks import PIXELS, Adam, Discriminator, Generator, Pass, squash_, unsquash_
from core.gan.objectives import LOG_OF_ZERO, named, smoothed
from core.rng import generator
from core.runs import Diverged

RECORD_EVERY = 100  # iterations between two progress records


def batches(config: Any, images: int) -> Iterator[torch.Tensor]:
    """Indices (N,) of the training images, epoch after epoch in a new order; a last batch that is not full is left out.

    Raises:
        ValueError: a batch is larger than the data set.
    """
    if config.batch_size > images:
        raise ValueError(f"A batch of {config.batch_size} needs more than the {images} training images there are.")
    order, full = generator(config.seed, "batches"), images // config.batch_size
    while True:
        yield from torch.randperm(images, generator=order).split(config.batch_size)[:full]


class Match:
    """Both networks, and what an iteration needs. Trains ``model`` and ``discriminator`` in place, on their device.

    The z of all steps of an iteration are drawn at once, as the generator stays the same until its own step. The
    pictures lie as [free, fakes of D's first step, …, fakes of its last, fakes of G's step]; the real images of a step
    of D take the place before its fakes, which is no longer needed, so that D sees both in one batch.
    """

    def __init__(self, config: Any, dataset: Dataset, model: Generator, discriminator: Discriminator):
        self.config, self.objective = config, named(config.objective)
        self._real_term = smoothed(self.objective, config.smoothing)
        n, device = config.batch_size, model.first.weight.device
        turns = config.d_steps + (not self.objective.shared_z)  # batches of fakes an iteration
        self._images = torch.tensor(dataset.train.images, device=device).flatten(1)  # uint8 (…, P)
        self._batches = batches(config, len(self._images))
        self._rngs = [generator(config.seed, name) for name in ("z of D", "z of G", "penalty")]
        self._d, self._g = Pass(discriminator, 2 * n), Pass(model, turns * n)
        self._d_adam = Adam(self._d.flat, self._d.grad, config.lr_d)
        self._g_adam = Adam(self._g.flat, self._g.grad, config.lr_g)
        self._z, self._x = torch.empty(turns * n, config.z_dim), torch.empty((turns + 1) * n, PIXELS, device=device)
        self._bytes, self._d_x = (self._x.new_empty(n, PIXELS, dtype=kind) for kind in (torch.uint8, torch.float32))
        # D's scores of the last iterations: real images and fakes of D's last step, fakes of G's step
        self._scores = torch.zeros(RECORD_EVERY, 3 * n, device=device)
        self._penalties = torch.zeros(RECORD_EVERY, device=device)
        self._row = 0  # iterations since the last record

    def iterate(self) -> None:
        """An iteration: D's steps, then one of G."""
        self._draw()
        for turn in range(self.config.d_steps):
            self._d_step(turn)
        self._g_step()
        self._row += 1

    def _draw(self) -> None:
        n, fill = self.config.batch_size, LATENTS[self.config.z]
        for z, rng in zip(self._z.split(self.config.d_steps * n), self._rngs, strict=False):  # D's z, and G's if fresh
            fill(z, rng)
        squash_(self._g.forward(self._z.to(self._x.device), self._x[n:]), self.config.output)

    def _d_step(self, turn: int) -> None:
        n, objective = self.config.batch_size, self.objective
        both = self._x[turn * n : (turn + 2) * n]
        real, fake = both.split(n)
        self._draw_real(real)
        scores = self._d.forward(both, self._scores[self._row, : 2 * n, None])
        slopes = torch.cat([self._real_term.slope(scores[:n]), objective.fake.slope(scores[n:])]).div_(n)
        self._d.backward(slopes)
        if objective.penalty:
            between = fake.lerp(real, torch.rand(n, 1, generator=self._rngs[2]).to(real.device))
            self._penalties[self._row] = self._d.add_penalty(between, objective.penalty)
        self._d_adam.step()

    def _draw_real(self, out: torch.Tensor) -> None:
        batch = next(self._batches).to(out.device)
        out.copy_(torch.index_select(self._images, 0, batch, out=self._bytes)).div_(255)
        if self.config.output == "tanh":
            out.mul_(2).sub_(1)

    def _g_step(self) -> None:
        n = self.config.batch_size
        fakes = self._x[-n:]
        scores = self._d.forward(fakes, self._scores[self._row, 2 * n :, None])
        grad = self._d.backward_to_input(self.objective.generated.slope(scores).div_(n), self._d_x)
        self._g.backward(unsquash_(grad, fakes, self.config.output))
        self._g_adam.step()

    def record(self, step: int) -> dict[str, float | int]:
        """What happened since the last record, as fields of core.gan.Progress; ``step``: the iterations so far.

        Raises:
            Diverged: a loss or a gradient is no longer a finite number.
        """
        parts = self._scores[: self._row].split(self.config.batch_size, 1)
        losses, zeros = self._losses(parts)
        self._check(losses, step)
        real, fake, generated, penalty = (part.double().mean() for part in losses)
        answers = [self.objective.output(part).double().mean() for part in parts]
        found = {
            "d_loss": real + fake + penalty, "g_loss": generated, "d_real": answers[0], "d_fake": answers[1],
            "d_grad": self._d.grad.norm(), "g_grad": self._g.grad.norm(),
        }  # fmt: skip
        self._row = 0
        return {**{name: short(value) for name, value in found.items()}, "log_zero": zeros}

    def _losses(self, parts: tuple[torch.Tensor, ...]) -> tuple[list[torch.Tensor], int]:
        """The losses of real images, of fakes in D's step, of those in G's, and the penalties, a row an iteration.

        And how often a naive log of 0 counts as 100 in them.
        """
        terms = self._real_term, self.objective.fake, self.objective.generated
        losses = [term.value(part) for term, part in zip(terms, parts, strict=True)]
        penalties = self._penalties[: self._row, None]
        if not self.objective.naive:
            return [*losses, penalties], 0
        zeros = sum(int(part.isposinf().sum()) for part in losses)
        return [*(part.where(~part.isposinf(), LOG_OF_ZERO) for part in losses), penalties], zeros

    def _check(self, losses: list[torch.Tensor], step: int) -> None:
        fine = torch.stack([part.isfinite().all(1) for part in losses]).all(0)  # (iterations,)
        if not fine.all():
            raise Diverged(step - self._row + 1 + int((~fine).nonzero()[0]))
        if not all(each.grad.norm().isfinite() for each in (self._d, self._g)):
            raise Diverged(step)


def short(value: torch.Tensor | float) -> float:
    """A number with six significant digits, to keep histories small."""
    return float(f"{float(value):.6g}")
