"""How often attacks succeed: accuracy under attack and against epsilon, from class to class, on other networks.

Networks are frozen, images float (N, C, H, W) in [0, 1], labels and targets int64 (N,).

Letters for shapes: N images, C channels, H height, W width, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import nn

from core.adversarial.attacks import Attack, advance, begin, check_frozen, look, named, perturb
from core.classifier import SIDE
from core.rng import generator

AT_ONCE = 100  # images attacked together; many more do not fit the cache of a core
EPSILONS = (0.0, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4)  # of a curve, L∞
CURVE_STEPS = 20  # of PGD in a curve


def fit(x: torch.Tensor, model: nn.Module) -> torch.Tensor:
    """Images at the size (``side``) that a network takes: with black around them, or without their border."""
    side = getattr(model, "side", SIDE)
    top, left = ((side - length) // 2 for length in x.shape[2:])
    return F.pad(x, (left, side - x.shape[3] - left, top, side - x.shape[2] - top))  # negative ones cut off


def answers(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Logits (N, K), some images at a time; those of another size are made to fit."""
    check_frozen(model)
    with torch.inference_mode():
        return torch.cat([model(part) for part in fit(x, model).split(AT_ONCE)])


def called(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """The class that the network names for each image: int64 (N,)."""
    return answers(model, x).argmax(1)


def share(which: torch.Tensor) -> float:
    """The share of True in a bool tensor."""
    return which.double().mean().item()


# Away from the true class


def withstands(
    model: nn.Module, x: torch.Tensor, labels: torch.Tensor, attack: Attack, rng: torch.Generator
) -> torch.Tensor:
    """Whether the network names each image right, and does so at every point of an untargeted attack: bool (N,).

    An image that is fooled once is left alone, so a further step can only find more.
    """
    right = called(model, x) == labels
    for part in right.nonzero()[:, 0].split(AT_ONCE):
        right[part] = _withstand(model, x[part], labels[part], attack, rng)
    return right


def _withstand(
    model: nn.Module, x: torch.Tensor, labels: torch.Tensor, attack: Attack, rng: torch.Generator
) -> torch.Tensor:
    left, now = torch.arange(len(x), device=x.device), begin(x, attack, rng)
    for step in range(attack.steps + 1):
        logits, _, gradient = look(model, now, labels[left])
        right = logits.argmax(1) == labels[left]
        left, now, gradient = left[right], now[right], gradient[right]
        if step == attack.steps or not len(left):
            break
        now, _ = advance(now, x[left], gradient, attack)
    return torch.zeros(len(x), dtype=torch.bool, device=x.device).index_fill_(0, left, True)


def accuracy(model: nn.Module, x: torch.Tensor, labels: torch.Tensor, attack: Attack, seed: int = 0) -> float:
    """The share of images that ``withstands`` the attack; without steps it is the clean accuracy."""
    return share(withstands(model, x, labels, attack, generator(seed, "attack")))


def at_random(model: nn.Module, x: torch.Tensor, labels: torch.Tensor, epsilon: float, seed: int = 0) -> float:
    """The share named right after each pixel went up or down by epsilon at random: the control of an attack."""
    signs = torch.rand(x.shape, generator=generator(seed, "control")).to(x).sub_(0.5).sign_()
    return share(called(model, (x + epsilon * signs).clamp_(0, 1)) == labels)


def against_epsilon(
    model: nn.Module, x: torch.Tensor, labels: torch.Tensor, epsilons: Sequence[float] = EPSILONS, seed: int = 0
) -> dict[str, list[float]]:
    """Accuracy against the size (L∞) of untargeted attacks: a list of shares for each, as long as ``epsilon``.

    Returns:
        epsilon; fgsm: one step; pgd: 20 steps from a random start; random: the control. All begin with the clean
        accuracy where epsilon begins with 0.
    """

    def under(name: str, epsilon: float, steps: int) -> float:
        return accuracy(model, x, labels, named(name, epsilon, steps if epsilon else 0, targeted=False), seed)

    curves: dict[str, Callable[[float], float]] = {
        "fgsm": lambda e: under("fgsm", e, 1),
        "pgd": lambda e: under("pgd", e, CURVE_STEPS),
        "random": lambda e: at_random(model, x, labels, e, seed),
    }
    return {"epsilon": list(epsilons), **{name: [each(e) for e in epsilons] for name, each in curves.items()}}


# Towards targets, and on other networks


def perturbed(model: nn.Module, x: torch.Tensor, classes: torch.Tensor, attack: Attack, seed: int = 0) -> torch.Tensor:
    """Where the attack on each image ends, (N, C, H, W): ``attacks.perturb``, some images at a time."""
    rng, parts = generator(seed, "attack"), zip(x.split(AT_ONCE), classes.split(AT_ONCE), strict=True)
    return torch.cat([perturb(model, part, wanted, attack, rng) for part, wanted in parts])


def success_matrix(
    model: nn.Module, x: torch.Tensor, labels: torch.Tensor, attack: Attack, seed: int = 0
) -> list[list[float | None]]:
    """The share of images of class row, of those named right, that a targeted attack turns into class column: (K, K).

    None where there is nothing to turn: on the diagonal, and in the row of a class of which no image is named right.
    """
    found = answers(model, x)
    k, right = found.shape[1], found.argmax(1) == labels
    matrix: list[list[float | None]] = [[None] * k for _ in range(k)]
    for source in range(k):
        own, others = x[right & (labels == source)], [target for target in range(k) if target != source]
        if len(own):
            targets = torch.tensor(others).repeat_interleave(len(own))
            adversarial = perturbed(model, own.repeat(len(others), 1, 1, 1), targets, attack, seed)
            turned = (called(model, adversarial) == targets).view(len(others), -1)
            for target, successes in zip(others, turned, strict=True):
                matrix[source][target] = share(successes)
    return matrix


def transfer(
    model: nn.Module, others: dict[str, nn.Module], x: torch.Tensor, labels: torch.Tensor, attack: Attack, seed: int = 0
) -> dict[str, dict[str, float]]:
    """What an untargeted attack on one network does to others: the clean accuracy of each, and that under attack."""
    adversarial = perturbed(model, x, labels, attack, seed)
    return {
        name: {"clean": share(called(other, x) == labels), "attacked": share(called(other, adversarial) == labels)}
        for name, other in others.items()
    }
