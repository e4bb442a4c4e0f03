"""An attack step by step, as arrays for pictures: what changed, what the network saw, and when it gave in.

Letters for shapes: N attacks, S = steps + 1 points of each, C channels, H height, W width, K classes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import torch
from torch import nn

from core.adversarial.attacks import NORMS, Attack, Point, begin, walk
from core.adversarial.rates import answers
from core.rng import generator

# Starts that are no image. What comes of them is a fooling image (Nguyen et al. 2015): it has no true class, and as
# there is nothing to stay near to, no epsilon. The course's noise leaves [0, 1]: the first step clips it.
STARTS: dict[str, Callable[[torch.Tensor, torch.Generator], torch.Tensor]] = {  # fill a float tensor in place
    "noise": lambda x, rng: x.normal_(generator=rng),
    "uniform": lambda x, rng: x.uniform_(generator=rng),
    "zeros": lambda x, rng: x.zero_(),
}


def start(kind: str, shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """What a fooling image starts from, float32 of this shape: N(0, 1), uniform in [0, 1], or zeros.

    Raises:
        ValueError: the kind is unknown.
    """
    if kind not in STARTS:
        raise ValueError(f"start {kind!r} is unknown: choose one of {', '.join(STARTS)}.")
    return STARTS[kind](torch.empty(shape), generator(seed, kind)).numpy()


def unbounded(attack: Attack) -> Attack:
    """The same steps for a start that is no image: without epsilon, and from the start itself."""
    return replace(attack, epsilon=math.inf, random_start=False)


@dataclass(frozen=True)
class Trace:
    """What N attacks did at each of S points, the first of which is the start. All arrays are float32 but for classes.

    Where an attack starts at random, its first point is no longer the original.
    """

    attack: Attack
    classes: np.ndarray  # int64 (N,): the targets, or the classes to get away from
    original: np.ndarray = field(repr=False)  # (N, C, H, W), clipped to [0, 1]
    images: np.ndarray = field(repr=False)  # (N, S, C, H, W), in [0, 1] but for a start outside
    gradients: np.ndarray = field(repr=False)  # (N, S, C, H, W): of the loss by the pixels, at each point
    probabilities: np.ndarray = field(repr=False)  # (N, S, K)
    losses: np.ndarray = field(repr=False)  # (N, S): cross-entropy with ``classes``, nats
    clipped: np.ndarray = field(repr=False)  # (N, S): share of the pixels that the step there wanted outside [0, 1]

    @cached_property
    def perturbations(self) -> np.ndarray:
        """What was added to the original, (N, S, C, H, W) in [−1, 1]."""
        return self.images.clip(0, 1) - self.original[:, None]

    @property
    def signs(self) -> np.ndarray:
        """Of the gradients, −1, 0 or 1: all that an L∞ step uses of them."""
        return np.sign(self.gradients)

    @property
    def called(self) -> np.ndarray:
        """The class that the network names, int64 (N, S)."""
        return self.probabilities.argmax(2)

    @property
    def succeeded(self) -> np.ndarray:
        """Whether the network names the target, or no longer the class to get away from: bool (N, S)."""
        return (self.called == self.classes[:, None]) == self.attack.targeted

    @property
    def steps_to_success(self) -> list[int | None]:
        """The first step after which each attack has succeeded, 0 at the start; None if it never has."""
        return [int(row.argmax()) if row.any() else None for row in self.succeeded]

    @cached_property
    def sizes(self) -> dict[str, np.ndarray]:
        """Of the perturbations in every norm of ``core.adversarial.attacks.NORMS``: (N, S)."""
        n, s = self.images.shape[:2]
        flat = torch.from_numpy(self.perturbations).flatten(0, 1)
        return {name: norm.size(flat).view(n, s).numpy() for name, norm in NORMS.items()}


def trace(
    model: nn.Module, images: np.ndarray, classes: np.ndarray | list[int], attack: Attack, seed: int = 0
) -> Trace:
    """Attack N images, all at once.

    Args:
        model: frozen.
        images: float32 (N, C, H, W) of the network's size, in [0, 1]; beyond it only where the attack has no bound.
        classes: the targets, or the classes to get away from, (N,).
        seed: decides random starts.
    """
    x = torch.from_numpy(np.array(images, np.float32))
    return _traced(model, x, classes, attack, begin(x, attack, generator(seed, "attack")))


def to_every_target(model: nn.Module, image: np.ndarray, attack: Attack, seed: int = 0) -> Trace:
    """Attack one image (C, H, W) towards each of the K classes, all at once and from the same start.

    Raises:
        ValueError: the attack is untargeted.
    """
    if not attack.targeted:
        raise ValueError("An untargeted attack has no targets.")
    x = torch.from_numpy(np.array(image, np.float32))[None]
    k = answers(model, x).shape[1]
    at = begin(x, attack, generator(seed, "attack")).expand(k, -1, -1, -1)
    return _traced(model, x.expand(k, -1, -1, -1), range(k), attack, at)


def control(
    model: nn.Module, images: np.ndarray, classes: np.ndarray | list[int], attack: Attack, seed: int = 0
) -> Trace:
    """The same steps as in ``trace``, but all along one random direction for each image, and not the gradient's.

    Under L∞ that is a pattern of random signs. The perturbation is as large as the attack's, but means nothing.
    """
    x = torch.from_numpy(np.array(images, np.float32))
    rng = generator(seed, "control")
    along = torch.randn(x.shape, generator=rng)
    return _traced(model, x, classes, attack, begin(x, attack, generator(seed, "attack")), along)


def _traced(model, x, classes, attack, at, along=None) -> Trace:
    wanted = torch.from_numpy(np.array(classes, np.int64))
    points = list(walk(model, x, wanted, attack, at, along))

    def stacked(of: Callable[[Point], torch.Tensor]) -> np.ndarray:
        return torch.stack([of(point) for point in points], 1).float().numpy()

    return Trace(
        attack, wanted.numpy(), x.clamp(0, 1).numpy(), stacked(lambda p: p.x), stacked(lambda p: p.gradient),
        stacked(lambda p: p.logits.softmax(1)), stacked(lambda p: p.losses), stacked(lambda p: p.clipped),
    )  # fmt: skip


def judged(model: nn.Module, images: np.ndarray) -> np.ndarray:
    """The probabilities (…, K) that a network gives to images (…, C, H, W), made to fit its size; as float32.

    With ``Trace.images``: what a second network says along the way.
    """
    x = torch.from_numpy(np.array(images, np.float32))
    return answers(model, x.reshape(-1, *x.shape[-3:])).softmax(1).view(*x.shape[:-3], -1).numpy()
