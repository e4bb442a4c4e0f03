"""What is measured on a network that is to be attacked, all of it on the first images of a test set.

Letters for shapes: N images, C channels, H height, W width, K classes.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from core import classifier
from core.adversarial import rates
from core.adversarial.attacks import look, named, perturb
from core.adversarial.traces import start, unbounded
from core.classifier import pixels
from core.data import Dataset, Split

ROBUST = named("pgd", epsilon=0.3, steps=40, targeted=False)  # what robust accuracy is measured with
ROBUST_IMAGES, MATRIX_IMAGES, CURVE_IMAGES = 1000, 200, 500
COURSE_TARGET, FOURS, NOISES = 9, 50, 20  # of the course's three runs, and how many of ours make a mean


def of_network(model: nn.Module, dataset: Dataset) -> dict[str, Any]:
    """The headlines, what the course's three runs give, success from class to class, curves; the network is frozen.

    Returns:
        test_accuracy, test_loss (nats); pgd_accuracy: under PGD-40, L∞ 0.3, of 1,000 images; certainty_four and so on:
        ``course_runs``; matrix: ``rates.success_matrix`` of the course's attack, 200 images; curves:
        ``rates.against_epsilon``, 500 images.
    """
    x, labels = first_images(model, dataset.test, CURVE_IMAGES)
    return {
        **classifier.measure(model, dataset),
        "pgd_accuracy": robust_accuracy(model, dataset.test, ROBUST_IMAGES),
        **course_runs(model, dataset.test),
        "matrix": rates.success_matrix(model, x[:MATRIX_IMAGES], labels[:MATRIX_IMAGES], named("course")),
        "curves": rates.against_epsilon(model, x, labels),
    }


def first_images(model: nn.Module, split: Split, n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The first n images as the network takes them, float32 (n, C, H, W) in [0, 1], and their labels, int64 (n,)."""
    x = pixels(split.images[:n], model)
    return x, torch.tensor(split.labels[:n], device=x.device)


def robust_accuracy(model: nn.Module, split: Split, n: int) -> float:
    """The share of the first n images that withstands PGD-40 (L∞ 0.3): right before, and at every step."""
    return rates.accuracy(model, *first_images(model, split, n), ROBUST)


def course_runs(model: nn.Module, split: Split) -> dict[str, float]:
    """What the course's three runs give: means over 50 fours and 20 noise images, and of zeros.

    Returns:
        certainty_four, certainty_noise, certainty_zeros: the probability of "9" after the five steps, in [0, 1];
        steepness_four, …: how many nats the loss falls at the start for a small step, divided by its size in L∞.
    """
    x, labels = first_images(model, split, len(split.labels))
    shape, bounded = tuple(x.shape[1:]), named("course")
    noise = torch.stack([torch.from_numpy(start("noise", shape, seed)) for seed in range(NOISES)])
    starts = {"four": x[labels == 4][:FOURS], "noise": noise, "zeros": torch.zeros(1, *shape)}
    found = {}
    for name, images in starts.items():
        nines = torch.full((len(images),), COURSE_TARGET)
        ends = perturb(model, images, nines, bounded if name == "four" else unbounded(bounded))
        certainty = rates.answers(model, ends).softmax(1)[:, COURSE_TARGET]
        steepness = look(model, images, nines)[2].flatten(1).abs().sum(1)  # a sign step changes the loss by this
        found |= {f"certainty_{name}": certainty, f"steepness_{name}": steepness}
    return {name: values.double().mean().item() for name, values in sorted(found.items())}
