"""What comes next: how probable each character is, made bolder or more varied, and one of them drawn.

Letters for shapes: V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from core.data.vocabulary import VOCABULARY

BIT = math.log(2)  # nats
COLDEST, HOTTEST = 0.01, 10.0  # temperatures besides 0
BLOCK = 256  # random numbers drawn at once


@dataclass(frozen=True)
class Distribution:
    """How probable each character is to come next."""

    p: np.ndarray = field(repr=False)  # float64 (V,), sums to 1, in the order of the vocabulary

    def of(self, char: str) -> float:
        """The probability of a character, in [0, 1]."""
        return float(self.p[VOCABULARY.index(char)])

    @property
    def entropy(self) -> float:
        """In nats: 0 where one character is certain, ln 100 = 4.61 where all are equally probable."""
        p = self.p[self.p > 0]
        return float(-(p * np.log(p)).sum())

    def top(self, n: int = 10) -> list[tuple[str, float]]:
        """The most probable characters with their probability, the most probable first."""
        order = np.argsort(-self.p, kind="stable")[:n]
        return [(VOCABULARY[i], float(self.p[i])) for i in order]


def distribution(logits: np.ndarray, temperature: float = 1.0, top_k: int = 0) -> Distribution:
    """softmax(logits / temperature) over the ``top_k`` most probable characters (0 = all of them).

    Args:
        logits: (V,).
        temperature: below 1 bolder, above 1 more varied; 0 puts everything on the most probable character.

    Raises:
        ValueError: temperature or top_k is out of range.
    """
    check(temperature, top_k)
    z = logits.astype(np.float64)
    if temperature == 0:
        return Distribution((np.arange(len(z)) == z.argmax()).astype(np.float64))
    if 0 < top_k < len(z):
        z[np.argsort(-z, kind="stable")[top_k:]] = -np.inf
    z -= z.max()
    z /= temperature
    p = np.exp(z)
    p /= p.sum()
    return Distribution(p)


def check(temperature: float, top_k: int) -> None:
    """Raise ValueError if a setting is out of range."""
    if not (temperature == 0 or COLDEST <= temperature <= HOTTEST):
        raise ValueError(f"The temperature must be 0 or between {COLDEST} and {HOTTEST:g}, not {temperature}.")
    if not 0 <= top_k <= len(VOCABULARY):
        raise ValueError(f"top_k must be between 0 (all characters) and {len(VOCABULARY)}, not {top_k}.")


def choose(p: np.ndarray, u: float) -> int:
    """The place in whose share of [0, 1) u falls; places of probability 0 have none."""
    shares = p.cumsum()
    index = int(shares.searchsorted(u * shares[-1], side="right"))
    return index if index < len(p) else int(np.flatnonzero(p)[-1])  # rounding


def draw(seed: int, i: int) -> float:
    """The i-th random number, uniform in [0, 1), of the stream of a seed."""
    return _draws(seed, i // BLOCK)[i % BLOCK]


@lru_cache(maxsize=64)
def _draws(seed: int, block: int) -> Sequence[float]:
    import torch

    from core.rng import generator

    return torch.rand(BLOCK, dtype=torch.float64, generator=generator(seed, f"draws/{block}")).tolist()
