"""The course's network for digits, with its large initial weights, and dropout from a generator of its own.

Letters for shapes: N images, K classes.
"""

from __future__ import annotations

import torch
from torch import nn

from core.rng import initialise

STD, BIAS = 0.1, 0.1  # the course's initial weights: normal, cut off at two deviations, and constant biases
DROPPED = 0.6  # of the hidden units, in training


class Dropout(nn.Module):
    """Sets a share of numbers to 0 in training and scales the others, so that the mean stays (Srivastava et al. 2014).

    ``nn.Dropout`` draws from the global generator; this one has its own.
    """

    def __init__(self, dropped: float):
        super().__init__()
        self.dropped, self.rng = dropped, torch.Generator()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return x
        kept = torch.rand(x.shape, generator=self.rng).to(x.device) >= self.dropped
        return x * kept / (1 - self.dropped)


class CourseCNN(nn.Sequential):
    """(N, 1, 28, 28) in [0, 1] → logits (N, K), without normalisation; 3,274,634 weights for K = 10."""

    side = 28  # pixels

    def __init__(self, classes: int):
        super().__init__(
            nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),  # (N, 32, 14, 14)
            nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),  # (N, 64, 7, 7)
            nn.Flatten(),  # (N, 3136)
            nn.Linear(3136, 1024), nn.ReLU(),  # (N, 1024)
            Dropout(DROPPED),
            nn.Linear(1024, classes),
        )  # fmt: skip


def initialise_large(model: nn.Module, rng: torch.Generator) -> None:
    """The course's initial weights. In the first linear layer they are 8.5 times as large as PyTorch's default ones."""
    for layer in model.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            nn.init.trunc_normal_(layer.weight, std=STD, a=-2 * STD, b=2 * STD, generator=rng)
            nn.init.constant_(layer.bias, BIAS)


INITIALS = {"course": initialise_large, "pytorch": initialise}  # what fills a network with its initial weights
