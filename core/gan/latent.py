"""The generator's input z: how it is drawn, walks between two of them, and the directions that change most.

Letters for shapes: N images, Z latent dimensions, P = 784 pixels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from core.gan.networks import Generator
from core.gan.sheets import grey
from core.rng import generator

FIXED = 2000  # z that every measure and every sheet of a run is made of


def _sphere_(z: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    z.normal_(generator=rng)
    return z.mul_(z.shape[1] ** 0.5 / z.norm(dim=1, keepdim=True))


LATENTS = {  # fill a float32 (N, Z), in place
    "normal": lambda z, rng: z.normal_(generator=rng),  # each number N(0, 1)
    "uniform": lambda z, rng: z.uniform_(-1, 1, generator=rng),  # each number in [−1, 1]
    "sphere": _sphere_,  # of radius √Z, so that each number has variance 1 (White 2016)
}


def fixed(config: Any, n: int = FIXED) -> torch.Tensor:
    """The first n of the z that a run is looked at with, float32 (n, Z); z's settings and the seed decide."""
    z = torch.empty(FIXED, config.z_dim)
    return LATENTS[config.z](z, generator(config.seed, "fixed z"))[:n]


def images(model: Generator, z: torch.Tensor | np.ndarray) -> np.ndarray:
    """What the generator draws for z (N, Z): uint8 (N, 1, 28, 28), as all images of the project."""
    z = torch.as_tensor(z, dtype=torch.float32, device=model.first.weight.device)
    with torch.inference_mode():
        return grey(model(z))


def lerp(a: torch.Tensor, b: torch.Tensor, steps: int) -> torch.Tensor:
    """The straight way from z ``a`` to ``b``, both (Z,): (steps, Z), both ends included.

    Its middle is nearer to the origin than either end: in many dimensions, where no z is ever drawn.
    """
    t = torch.linspace(0, 1, steps)[:, None]
    return (1 - t) * a + t * b


def slerp(a: torch.Tensor, b: torch.Tensor, steps: int) -> torch.Tensor:
    """The way along the great circle, its length changing evenly (Shoemake 1985; for GANs White 2016): (steps, Z).

    The straight way where the directions are equal, opposite (no great circle is the one) or undefined.
    """
    lengths = a.norm(), b.norm()
    angle = torch.arccos((a @ b / (lengths[0] * lengths[1])).clamp(-1, 1)).double()
    t = torch.linspace(0, 1, steps)[:, None]
    if not torch.sin(angle) > 1e-4:  # also for a z of zeros
        return lerp(a, b, steps)
    turned = (torch.sin((1 - t) * angle) * a / lengths[0] + torch.sin(t * angle) * b / lengths[1]) / torch.sin(angle)
    return (turned * ((1 - t) * lengths[0] + t * lengths[1])).float()


WALKS = {"slerp": slerp, "lerp": lerp}


def walk(kind: str, a: torch.Tensor, b: torch.Tensor, steps: int) -> torch.Tensor:
    """The way from ``a`` to ``b`` (Z,) of that kind, (steps, Z).

    Raises:
        ValueError: the kind is unknown, or there are fewer than two steps.
    """
    if kind not in WALKS:
        raise ValueError(f"walk {kind!r} is unknown: choose one of {', '.join(WALKS)}.")
    if steps < 2:
        raise ValueError(f"A walk has at least 2 steps, not {steps}.")
    return WALKS[kind](a, b, steps)


def directions(model: Generator, z: torch.Tensor, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The unit directions of z that change pictures most: (count, Z), strongest first, and their strengths (count,).

    They are the eigenvectors of JᵀJ averaged over z (N, Z), where J is the derivative of the picture by z (Wang & Ponce
    2021). A strength is the root mean square change of the picture (Euclidean, pixels in [0, 1]) for a small step of
    length 1. Each direction points to where its largest number is positive, so that it is always the same.

    Raises:
        ValueError: the generator has fewer directions than asked for.
    """
    w1, w2 = (layer.weight.detach().cpu().double() for layer in (model.first, model.second))
    if not 1 <= count <= min(w1.shape):
        raise ValueError(f"There are {min(w1.shape)} principal directions here: ask for 1 to {min(w1.shape)}.")
    with torch.no_grad():
        on = (model.first(z) > 0).cpu().double()  # (N, F): which hidden features are on
        x = model(z).flatten(1).cpu().double()
    steep = x * (1 - x) * (1 if model.output == "sigmoid" else 2)  # (N, P): derivative of the last function
    spread = torch.zeros(len(w1), len(w1), dtype=torch.float64)  # (F, F)
    for features, slopes in zip(on, steep, strict=True):
        through = slopes[:, None] * w2 * features  # derivative of the picture by the features, (P, F)
        spread += through.t() @ through
    values, vectors = torch.linalg.eigh(w1.t() @ spread @ w1 / len(z))  # (Z,), (Z, Z), weakest first
    found = vectors.t().flip(0)[:count]
    largest = found.gather(1, found.abs().argmax(1, keepdim=True))
    return (found * largest.sign()).float(), values.flip(0)[:count].clamp(min=0).sqrt().float()


def moved(z: torch.Tensor, along: torch.Tensor, amounts: torch.Tensor | list[float]) -> torch.Tensor:
    """z (Z,) moved by each amount along each direction (K, Z), added up: (Z,). Amounts (K,) are in units of z."""
    return z + torch.as_tensor(amounts, dtype=z.dtype) @ along
