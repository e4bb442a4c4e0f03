"""Looking inside a trained classifier: its certainties, its mistakes, what its layers answer to one image.

Letters for shapes: N images, C channels, H height, W width, M maps of a layer, K classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from core.classifier import chunks, logits, pixels

ACTIVATIONS = (nn.LeakyReLU, nn.ReLU, nn.Tanh)
SATURATED = 0.97  # |tanh| above which its slope is below 6 % of the full one


@dataclass(frozen=True)
class Layer:
    """What one layer answers to one image."""

    name: str  # such as "convolution 1"
    maps: np.ndarray  # float32 (M, H, W), after the activation
    bound: float  # largest absolute value, for a symmetric scale


@dataclass(frozen=True)
class Health:
    """How many units of a layer give no useful signal on a set of images."""

    name: str
    units: int
    idle: float  # share of units in [0, 1]: see ``unit_health``


def certainties(model: nn.Module, images: np.ndarray) -> np.ndarray:
    """uint8 (N, C, h, w) → the network's certainty of each class, float32 (N, K), rows sum to 1."""
    return logits(model, images).softmax(1).numpy()


def layers(model: nn.Sequential, image: np.ndarray) -> list[Layer]:
    """The answers of every convolution, after its activation, to one image, uint8 (C, h, w)."""
    found = []
    with torch.inference_mode():
        x = pixels(image[None], model)
        for layer in model:
            x = layer(x)
            if isinstance(layer, ACTIVATIONS):
                maps = x[0].cpu().numpy()
                found.append(Layer(f"convolution {len(found) + 1}", maps, float(np.abs(maps).max())))
    return found


def unit_health(model: nn.Sequential, images: np.ndarray) -> list[Health]:
    """The share of idle units of every layer over the images, uint8 (N, C, h, w).

    A unit is one position of one map. After ReLU it is idle ("dead") if it is 0 for every image; after LeakyReLU if it
    is negative for every image (only the leak gets through); after Tanh if it is saturated, |a| > 0.97, for every
    image.
    """
    active: dict[int, torch.Tensor] = {}
    with torch.inference_mode():
        for part in chunks(images):
            x = pixels(part, model)
            for i, layer in enumerate(model):
                x = layer(x)
                if isinstance(layer, ACTIVATIONS):
                    lively = (x.abs() <= SATURATED if isinstance(layer, nn.Tanh) else x > 0).any(dim=0)
                    active[i] = active.get(i, torch.zeros_like(lively)) | lively
    return [
        Health(f"convolution {n}", lively.numel(), 1 - lively.double().mean().item())
        for n, lively in enumerate(active.values(), 1)
    ]


def members(certainty: np.ndarray, labels: np.ndarray, true: int, called: int, most: int) -> np.ndarray:
    """Indices of the images of class ``true`` that the network calls ``called``, the most certain first."""
    found = np.flatnonzero((labels == true) & (certainty.argmax(1) == called))
    return found[np.argsort(-certainty[found, called], kind="stable")][:most]


def confident_errors(certainty: np.ndarray, labels: np.ndarray, most: int) -> np.ndarray:
    """Indices of the wrongly named images, the most certain mistake first."""
    called = certainty.argmax(1)
    wrong = np.flatnonzero(called != labels)
    return wrong[np.argsort(-certainty[wrong, called[wrong]], kind="stable")][:most]
