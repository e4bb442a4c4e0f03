"""The adversarial page's benchmark: our PGD against Foolbox's on the same network and images, in one run."""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from core import data
from core.adversarial import attackable, measures
from core.adversarial.attacks import Attack, named, perturb
from core.adversarial.rates import called, share
from core.rng import generator

IMAGES, STEPS = 100, 20
EPSILONS = {"small": 0.1, "robust": 0.35, "course": 0.1}  # of each network, so that not every attack succeeds
ROUNDS = 5  # of each, alternating; the median counts


def measure(scratch: Path) -> dict:
    """Milliseconds and success of untargeted PGD (L∞, random start) on the first 100 test images named right.

    Foolbox (a dependency of the tests) gets the same epsilon, step size and steps; both have one thread. The headline
    is the small network's; ``networks`` has those of all. A ratio above 1 says that ours is quicker. ``excess`` is how
    far our perturbations go beyond epsilon.
    """
    torch.set_num_threads(1)  # as in every run
    networks = {name: _compared(attackable.network(name).model, epsilon) for name, epsilon in EPSILONS.items()}
    return {"topic": "adversarial", "images": IMAGES, "steps": STEPS, **networks["small"], "networks": networks}


def row(report: dict) -> tuple[str, str, str]:
    """What it is compared with, ours, and the ratio, as the README's table has them."""
    return (f"Foolbox's PGD, {report['steps']} steps on {report['images']} images, {report['foolbox_ms']} ms",
            f"{report['ours_ms']} ms; success {100 * report['success_ours']:.0f} %, Foolbox's "
            f"{100 * report['success_foolbox']:.0f} %", f"{report['ratio']}")  # fmt: skip


def _compared(model: nn.Module, epsilon: float) -> dict[str, float]:
    x, labels = measures.first_images(model, data.load("mnist").test, 2 * IMAGES)
    right = called(model, x) == labels
    x, labels = x[right][:IMAGES], labels[right][:IMAGES]
    attack = named("pgd", epsilon, STEPS, targeted=False)
    ways = {"ours": lambda: perturb(model, x, labels, attack, generator(0, "attack")),
            "foolbox": foolbox_attack(model, x, labels, attack)}  # fmt: skip
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    found = {name: way() for name, way in ways.items()}  # warms up
    for _ in range(ROUNDS):
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - started)
    ms = {name: 1000 * statistics.median(each) for name, each in seconds.items()}
    return {
        "epsilon": epsilon, **{f"{name}_ms": round(value, 1) for name, value in ms.items()},
        "ratio": round(ms["foolbox"] / ms["ours"], 2),
        **{f"success_{name}": share(called(model, images) != labels) for name, images in found.items()},
        "excess": max(0.0, ((found["ours"] - x).abs().max() - epsilon).item()),
    }  # fmt: skip


def foolbox_attack(
    model: nn.Module, x: torch.Tensor, classes: torch.Tensor, attack: Attack
) -> Callable[[], torch.Tensor]:
    """Foolbox's PGD of the same settings (Rauber et al. 2017): call it for the adversarial images."""
    with warnings.catch_warnings():  # it takes the function from a place that SciPy has deprecated
        warnings.filterwarnings("ignore", "Please import `gaussian_filter`", DeprecationWarning)
        import foolbox

    seen = foolbox.PyTorchModel(model, bounds=(0, 1), device="cpu")
    kind = {"linf": foolbox.attacks.LinfPGD, "l2": foolbox.attacks.L2PGD}[attack.norm]
    theirs = kind(abs_stepsize=attack.step, steps=attack.steps, random_start=attack.random_start)
    criterion = foolbox.TargetedMisclassification(classes) if attack.targeted else classes
    return lambda: theirs(seen, x, criterion, epsilons=attack.epsilon)[1]
