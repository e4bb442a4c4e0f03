"""Where attacks on one image lead: towards every class at once, at random, and what another network says there.

Letters for shapes: N ways, S points of each, T targets, C channels, H height, W width, K classes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from core.adversarial.attackable import Network
from core.adversarial.attacks import Attack
from core.adversarial.traces import Trace, control, judged, to_every_target, trace


@dataclass(frozen=True)
class Walk:
    """N ways from one image, and what a network says at each of their S points."""

    original: np.ndarray = field(repr=False)  # (C, H, W) in [0, 1]
    images: np.ndarray = field(repr=False)  # (N, S, C, H, W)
    perturbations: np.ndarray = field(repr=False)  # (N, S, C, H, W)
    probabilities: np.ndarray = field(repr=False)  # (N, S, K)
    losses: np.ndarray = field(repr=False)  # (N, S), nats; NaN where no class was aimed at
    sizes: dict[str, np.ndarray] = field(repr=False)  # norm → (N, S)
    clipped: np.ndarray = field(repr=False)  # (N, S), share of the pixels
    of: tuple[int, ...]  # for each of the T targets its place among the N
    gradients: np.ndarray | None = field(default=None, repr=False)  # (N, S, C, H, W); None: none was followed

    @property
    def steps(self) -> int:
        return self.images.shape[1] - 1

    def point(self, target: int, step: int) -> tuple[int, int]:
        """The place of a target's step in the arrays."""
        return self.of[target], min(step, self.steps)

    @property
    def figures(self) -> np.ndarray:
        """L∞, L2 and the clipped share, (N, S, 3)."""
        return np.stack([self.sizes["linf"], self.sizes["l2"], self.clipped], 2)


def attacked(network: Network, pixels: np.ndarray, attack: Attack, away: int | None, seed: int) -> Walk:
    """Towards each of the K classes and, as the last one, away from a class if there is one; T is K or K + 1."""
    traces = [to_every_target(network.model, pixels, attack, seed)]
    if away is not None:
        traces.append(trace(network.model, pixels[None], [away], dataclasses.replace(attack, targeted=False), seed))
    return _joined(traces, range(sum(len(each.classes) for each in traces)))


def at_random(network: Network, pixels: np.ndarray, attack: Attack, targets: int, seed: int) -> Walk:
    """The same steps along one random direction: one way, which stands for every target."""
    walk = _joined([control(network.model, pixels[None], [0], attack, seed)], [0] * targets)
    return dataclasses.replace(walk, gradients=None, losses=np.full_like(walk.losses, np.nan))


def seen_by(network: Network, walk: Walk) -> Walk:
    """The same ways through the eyes of another network."""
    said = judged(network.model, walk.images)
    return dataclasses.replace(walk, probabilities=said, gradients=None, losses=np.full_like(walk.losses, np.nan))


def _joined(traces: Sequence[Trace], of: Sequence[int]) -> Walk:
    def all_of(name: str) -> np.ndarray:
        return np.concatenate([getattr(each, name) for each in traces])

    sizes = {norm: np.concatenate([each.sizes[norm] for each in traces]) for norm in traces[0].sizes}
    return Walk(traces[0].original[0], all_of("images"), all_of("perturbations"), all_of("probabilities"),
                all_of("losses"), sizes, all_of("clipped"), tuple(of), all_of("gradients"))  # fmt: skip
