"""A take: what a network writes to a prime, with all the numbers behind each character, packed for the browser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from core.char_rnn.expectation import BIT
from core.char_rnn.writing import Network, Writer
from core.data.vocabulary import VOCABULARY, encode
from pages._shared.components.packing import packed

TOP = 10  # characters shown of a distribution
WHOLE = 65535  # a probability of 1, packed
Schedule = tuple[tuple[int, float], ...]  # (from which written character on, temperature), rising, the first from 0


@dataclass(frozen=True)
class Take:
    """A prime and what was written after it. T characters in all; NaN where nothing was expected or drawn."""

    text: str
    prime: int  # characters of it that were given
    surprise: np.ndarray = field(repr=False)  # float32 (T,), bits, before temperature
    probability: np.ndarray = field(repr=False)  # float32 (T,), of the character where it was drawn from
    entropy: np.ndarray = field(repr=False)  # float32 (T, 2), bits, before and after temperature and top-k
    top: np.ndarray = field(repr=False)  # uint8 (T, TOP), places in the vocabulary, the most probable first
    shares: np.ndarray = field(repr=False)  # float64 (T, 2, TOP), their probability before and after

    def packed(self) -> dict:
        """The take for the writer component."""
        numbers = np.column_stack([self.surprise, self.probability, self.entropy])
        return {"text": self.text, "prime": self.prime, "numbers": packed(numbers, "<f4"),
                "top": packed(self.top, np.uint8), "shares": packed(np.rint(WHOLE * self.shares), "<u2")}  # fmt: skip


def make(network: Network, prime: str, schedule: Schedule, length: int, seed: int, top_k: int = 0) -> Take:
    """Let a network write; raises as ``core.char_rnn.writing.Writer`` does."""
    writer = Writer(network, prime, seed)
    steps = [writer.step(temperature_at(schedule, i), top_k) for i in range(length)]
    text = prime + "".join(step.char for step in steps)
    before = _softmax(np.concatenate([writer.prime.logits[:-1], *(step.logits[None] for step in steps)]))
    drawn = np.array([step.after.p for step in steps]).reshape(-1, len(VOCABULARY))
    after = np.concatenate([np.zeros((len(prime) - 1, len(VOCABULARY))), drawn])
    return _numbers(text, len(prime), before, after)


def temperature_at(schedule: Schedule, i: int) -> float:
    """The temperature with which the i-th character is written."""
    return next(temperature for start, temperature in reversed(schedule) if start <= i)


def _softmax(logits: np.ndarray) -> np.ndarray:
    z = logits.astype(np.float64)
    p = np.exp(z - z.max(1, keepdims=True))
    return p / p.sum(1, keepdims=True)


def _numbers(text: str, given: int, before: np.ndarray, after: np.ndarray) -> Take:
    """Everything but the first character was expected somehow: before and after are float64 (T − 1, V)."""
    codes, rows = encode(text)[1:], np.arange(len(text) - 1)
    top = np.argsort(-before, axis=1, kind="stable")[:, :TOP].astype(np.uint8)
    shares = np.stack([np.take_along_axis(p, top, 1) for p in (before, after)], 1)
    probability, entropy = after[rows, codes], np.stack([_entropy(before), _entropy(after)], 1)
    probability[: given - 1] = entropy[: given - 1, 1] = np.nan  # given, not drawn
    surprise = -np.log(np.maximum(before[rows, codes], 1e-300)) / BIT
    return Take(text, given, *(_after_nothing(values, np.nan) for values in (surprise, probability, entropy)),
                _after_nothing(top, 0), _after_nothing(shares, 0))  # fmt: skip


def _entropy(p: np.ndarray) -> np.ndarray:
    """In bits, of each row."""
    return -(p * np.log(p, out=np.zeros_like(p), where=p > 0)).sum(1) / BIT


def _after_nothing(values: np.ndarray, nothing: float) -> np.ndarray:
    """With a row in front for the first character, which nothing came before."""
    return np.concatenate([np.full((1, *values.shape[1:]), nothing, values.dtype), values])


def parting(texts: Sequence[str]) -> int | None:
    """The first place at which texts differ; None if they are the same."""
    return next((i for i, chars in enumerate(zip(*texts, strict=True)) if len(set(chars)) > 1), None)
