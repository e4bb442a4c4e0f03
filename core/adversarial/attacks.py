"""Adversarial attacks, all of them one thing: a step of the pixels along the gradient of the loss, repeated.

    x ← clip(x₀ + project(x ∓ step · direction(∂ loss / ∂ x) − x₀), 0, 1)

One step is FGSM (Goodfellow et al. 2015), several are the course's attack and PGD (Kurakin et al. 2017, Madry et al.
2018). A norm says what "direction" and "project" are. Pixels are those of the image, in [0, 1], never normalised ones:
normalisation is the network's first layer. The network is frozen; only the pixels have gradients.

Letters for shapes: N images, C channels, H height, W width, K classes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import torch
import torch.nn.functional as F
from torch import nn

TINY = 1e-12  # a gradient that is shorter has no direction
MOST_STEPS = 1000


# Norms: functions of a perturbation or a gradient (N, C, H, W)


def _lengths(x: torch.Tensor) -> torch.Tensor:
    return x.flatten(1).norm(dim=1)  # (N,)


def _each(values: torch.Tensor) -> torch.Tensor:
    return values[:, None, None, None]


def _shorten(delta: torch.Tensor, epsilon: float) -> torch.Tensor:
    return delta * _each((epsilon / _lengths(delta).clamp(min=TINY)).clamp(max=1))


def _in_ball(like: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Uniform in the ball of radius 1: a direction, and the D-th root of a uniform number for its length."""
    ways = torch.randn(like.shape, generator=rng).to(like)
    lengths = torch.rand(len(like), generator=rng).to(like) ** (1 / like[0].numel())
    return ways * _each(lengths / _lengths(ways))


@dataclass(frozen=True)
class Norm:
    """What an attack needs to know of the norm that bounds it."""

    title: str
    size: Callable[[torch.Tensor], torch.Tensor]  # (N, C, H, W) → (N,)
    direction: Callable[[torch.Tensor], torch.Tensor]  # a gradient → the steepest step of size 1; 0 where it is 0
    project: Callable[[torch.Tensor, float], torch.Tensor]  # a perturbation → the nearest one of at most this size
    random: Callable[[torch.Tensor, torch.Generator], torch.Tensor]  # uniform among those of size ≤ 1, of this shape


NORMS = {
    "linf": Norm(
        "L∞", lambda delta: delta.flatten(1).abs().amax(1), torch.sign,
        lambda delta, epsilon: delta.clamp(-epsilon, epsilon),
        lambda like, rng: torch.rand(like.shape, generator=rng).to(like).mul_(2).sub_(1)),
    "l2": Norm("L2", _lengths, lambda grad: grad / _each(_lengths(grad).clamp(min=TINY)), _shorten, _in_ball),
}  # fmt: skip


# Attacks


@dataclass(frozen=True)
class Attack:
    """The settings of an attack; the image, the class and the random numbers are not among them.

    Raises:
        ValueError: a value is unknown or out of range.
    """

    norm: str = "linf"  # a key of NORMS; epsilon and step are sizes in it, of pixels in [0, 1]
    epsilon: float = 0.2  # largest size of the perturbation; infinite: no bound, for starts that are no image
    step: float = 0.04  # size of a step
    steps: int = 5
    targeted: bool = True  # towards a class, or away from it
    random_start: bool = False  # from a random place within epsilon, or from the image itself

    def __post_init__(self):
        if self.norm not in NORMS:
            raise ValueError(f"norm {self.norm!r} is unknown: choose one of {', '.join(NORMS)}.")
        if not self.epsilon >= 0:  # also refuses NaN
            raise ValueError(f"epsilon must not be negative, as {self.epsilon} is.")
        if not 0 <= self.step < math.inf:
            raise ValueError(f"A step must have a size of 0 or more, not {self.step}.")
        if not 0 <= self.steps <= MOST_STEPS:
            raise ValueError(f"steps must be between 0 and {MOST_STEPS}, not {self.steps}.")
        if self.random_start and math.isinf(self.epsilon):
            raise ValueError("A random start needs a bound epsilon to lie within.")


def _pgd(norm: str) -> Callable[[float, int], Attack]:
    return lambda epsilon, steps: Attack(norm, epsilon, 2.5 * epsilon / max(1, steps), steps, random_start=True)


ATTACKS: dict[str, Callable[[float, int], Attack]] = {  # (epsilon, steps) → the attack
    "course": lambda epsilon, steps: Attack("linf", epsilon, epsilon / max(1, steps), steps),
    "fgsm": lambda epsilon, steps: Attack("linf", epsilon, epsilon, min(1, steps)),
    "pgd": _pgd("linf"),  # steps that could cross the ball: 2.5 · epsilon in all, as Madry et al. have it
    "pgd-l2": _pgd("l2"),
}
TITLES = {"course": "Course's steps", "fgsm": "FGSM, one step", "pgd": "PGD, L∞", "pgd-l2": "PGD, L2"}


def named(name: str, epsilon: float = 0.2, steps: int = 5, targeted: bool = True) -> Attack:
    """The attack of that name; the defaults are the course's 2.1.

    Raises:
        ValueError: the name is unknown, or a number is out of range.
    """
    if name not in ATTACKS:
        raise ValueError(f"attack {name!r} is unknown: choose one of {', '.join(ATTACKS)}.")
    return replace(ATTACKS[name](epsilon, steps), targeted=targeted)


# The step


@dataclass(frozen=True)
class Point:
    """Where an attack on N images is after some steps, and what the network says there."""

    x: torch.Tensor = field(repr=False)  # (N, C, H, W)
    logits: torch.Tensor = field(repr=False)  # (N, K)
    losses: torch.Tensor = field(repr=False)  # (N,): cross-entropy (nats) with the classes of the attack
    gradient: torch.Tensor = field(repr=False)  # (N, C, H, W): of the loss, by the pixels
    clipped: torch.Tensor = field(repr=False)  # (N,): share of the pixels that the last step wanted outside [0, 1]


def look(model: nn.Module, x: torch.Tensor, classes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What a network says of images, and how its loss depends on their pixels.

    Args:
        model: frozen: in evaluation mode, and no parameter takes gradients.
        x: float (N, C, H, W).
        classes: int64 (N,).

    Returns:
        logits (N, K), losses (N,) in nats, and their gradients by the pixels (N, C, H, W).

    Raises:
        ValueError: the network is not frozen.
    """
    check_frozen(model)
    pixels = x.detach().requires_grad_()
    with torch.enable_grad():
        logits = model(pixels)
        losses = F.cross_entropy(logits, classes, reduction="none")
        (gradient,) = torch.autograd.grad(losses.sum(), pixels)
    return logits.detach(), losses.detach(), gradient


def check_frozen(model: nn.Module) -> None:
    """Raise a ValueError unless the network is in evaluation mode and none of its parameters takes gradients."""
    if model.training or any(parameter.requires_grad for parameter in model.parameters()):
        raise ValueError("Only a frozen network can be attacked: model.eval().requires_grad_(False).")


def begin(x: torch.Tensor, attack: Attack, rng: torch.Generator | None = None) -> torch.Tensor:
    """Where the attack starts: at the images (N, C, H, W) themselves, or near them at random, in [0, 1]."""
    if not attack.random_start:
        return x
    if rng is None:
        raise ValueError("A random start needs a generator.")
    return (x + attack.epsilon * NORMS[attack.norm].random(x, rng)).clamp_(0, 1)


def advance(
    x: torch.Tensor, original: torch.Tensor, gradient: torch.Tensor, attack: Attack
) -> tuple[torch.Tensor, torch.Tensor]:
    """One step from x: the images after it, and the share (N,) of their pixels that had to be clipped to [0, 1]."""
    norm = NORMS[attack.norm]
    moved = x + (-attack.step if attack.targeted else attack.step) * norm.direction(gradient)
    if math.isfinite(attack.epsilon):
        moved = original + norm.project(moved - original, attack.epsilon)
    clipped = moved.clamp(0, 1)
    return clipped, (moved != clipped).flatten(1).float().mean(1)


def walk(
    model: nn.Module,
    x: torch.Tensor,
    classes: torch.Tensor,
    attack: Attack,
    start: torch.Tensor | None = None,
    along: torch.Tensor | None = None,
) -> Iterator[Point]:
    """Attack images step by step: ``attack.steps + 1`` points, the first is the start.

    Args:
        model: frozen.
        x: the images, float (N, C, H, W) in [0, 1]; beyond it only where the attack has no bound.
        classes: int64 (N,): the targets, or the classes to get away from.
        start: where to begin, by default at the images; see ``begin``.
        along: goes this way (N, C, H, W) in the place of every gradient; random numbers make it the control.
    """
    now, clipped = x if start is None else start, x.new_zeros(len(x))
    for step in range(attack.steps + 1):
        point = Point(now, *look(model, now, classes), clipped)
        yield point
        if step < attack.steps:
            now, clipped = advance(now, x, point.gradient if along is None else along, attack)


def perturb(
    model: nn.Module, x: torch.Tensor, classes: torch.Tensor, attack: Attack, rng: torch.Generator | None = None
) -> torch.Tensor:
    """Where the attack ends, (N, C, H, W): the last point of ``walk``, without looking at it."""
    now = begin(x, attack, rng)
    for _ in range(attack.steps):
        now, _clipped = advance(now, x, look(model, now, classes)[2], attack)
    return now
