"""A trained network at work on text: it reads, says what it expects next (core/char_rnn/expectation.py), and writes.

One character at a time, in NumPy: for a single sequence that is quicker than torch, and a state is a handful of small
arrays that can be kept, copied and gone on from. The numbers are those of the network, up to rounding.

Letters for shapes: T characters, V vocabulary, L layers, H hidden units, G gates.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from core.char_rnn.expectation import Distribution, check, choose, distribution, draw
from core.char_rnn.model import CharRNN
from core.data.vocabulary import VOCABULARY, encode

# The network, one character at a time


def _gru(x: np.ndarray, state: tuple[np.ndarray, ...], w: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, ...]:
    (h,), k = state, len(b) // 3
    u = h @ w + b
    rz = _sigmoid(x[: 2 * k] + u[: 2 * k])
    n = np.tanh(x[2 * k :] + rz[:k] * u[2 * k :])
    return (n + rz[k:] * (h - n),)


def _lstm(x: np.ndarray, state: tuple[np.ndarray, ...], w: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, ...]:
    (h, c), k = state, len(b) // 4
    u = h @ w + b + x
    i_f, o = _sigmoid(u[: 2 * k]), _sigmoid(u[3 * k :])
    c = i_f[k:] * c + i_f[:k] * np.tanh(u[2 * k : 3 * k])
    return o * np.tanh(c), c


def _rnn(x: np.ndarray, state: tuple[np.ndarray, ...], w: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, ...]:
    return (np.tanh(state[0] @ w + b + x),)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    """σ(x) = (1 + tanh(x/2)) / 2, which no x makes overflow."""
    x *= 0.5
    np.tanh(x, out=x)
    x += 1
    x *= 0.5
    return x


CELLS: dict[str, Callable] = {"gru": _gru, "lstm": _lstm, "rnn": _rnn}
State = tuple[tuple[np.ndarray, ...], ...]  # a layer each: h (H,), of an LSTM also c (H,); never changed in place


class Network:
    """The weights of a trained network, laid out for reading one character at a time. Nothing in it ever changes."""

    def __init__(self, model: CharRNN):
        w = {name: tensor.detach().cpu().numpy().astype(np.float32) for name, tensor in model.state_dict().items()}
        self.kind, self.layers, self.hidden = model.cell, model.rnn.num_layers, model.rnn.hidden_size
        self._cell = CELLS[model.cell]
        parts = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        layers = [[w[f"rnn.{part}_l{i}"] for part in parts] for i in range(self.layers)]
        self._table = w["embedding.weight"] @ layers[0][0].T + layers[0][2]  # (V, G·H)
        self._below = [(np.ascontiguousarray(w_ih.T), b_ih) for w_ih, _, b_ih, _ in layers[1:]]
        self._before = [(np.ascontiguousarray(w_hh.T), b_hh) for _, w_hh, _, b_hh in layers]
        self._out = np.ascontiguousarray(w["linear.weight"].T), w["linear.bias"]

    def start(self) -> State:
        """The state before the first character."""
        nothing = np.zeros(self.hidden, np.float32)
        return ((nothing,) * (2 if self.kind == "lstm" else 1),) * self.layers

    def step(self, state: State, index: int) -> tuple[State, np.ndarray]:
        """Read the character at this place in the vocabulary: the state after it, and logits (V,) for the next."""
        x, after = self._table[index], []
        for i, (w, b) in enumerate(self._before):
            if i:
                to, bias = self._below[i - 1]
                x = after[-1][0] @ to + bias
            after.append(self._cell(x, state[i], w, b))
        w, b = self._out
        return tuple(after), after[-1][0] @ w + b


# Reading


@dataclass(frozen=True)
class Reading:
    """What a network thought of a text while it read it, from the state 0."""

    text: str
    logits: np.ndarray = field(repr=False)  # float32 (T, V): after each character, for the next
    hidden: np.ndarray = field(repr=False)  # float32 (T, L, H): the units after each character, in [−1, 1]
    state: State = field(repr=False)  # after the last character

    @cached_property
    def surprise(self) -> np.ndarray:
        """−ln p (nats) of each character after those before it, float64 (T,); NaN for the first, after nothing."""
        z = self.logits[:-1].astype(np.float64)
        z -= z.max(1, keepdims=True)
        found = np.log(np.exp(z).sum(1)) - z[np.arange(len(z)), encode(self.text)[1:]]
        return np.concatenate([[np.nan], found])

    def expected(self, i: int, temperature: float = 1.0, top_k: int = 0) -> Distribution | None:
        """What was expected in the place of character ``i``; None for the first."""
        return distribution(self.logits[i - 1], temperature, top_k) if i else None


def read(network: Network, text: str) -> Reading:
    """Read a text of at least one character.

    Raises:
        ValueError: it is empty, or has characters outside the vocabulary.
    """
    if not text:
        raise ValueError("There is no text to read.")
    state, codes = network.start(), encode(text)
    logits = np.empty((len(codes), len(VOCABULARY)), np.float32)
    hidden = np.empty((len(codes), network.layers, network.hidden), np.float32)
    for i, index in enumerate(codes.tolist()):
        state, logits[i] = network.step(state, index)
        hidden[i] = [layer[0] for layer in state]
    return Reading(text, logits, hidden, state)


# Writing


@dataclass(frozen=True)
class Step:
    """One character written, and what it was drawn from."""

    char: str
    logits: np.ndarray = field(repr=False)  # float32 (V,), what the network said
    after: Distribution = field(repr=False)  # after temperature and top_k: the character was drawn from it
    temperature: float
    top_k: int
    draw: float  # the random number in [0, 1) that decided

    @cached_property
    def before(self) -> Distribution:
        """What the network expected, before temperature and top_k."""
        return distribution(self.logits)

    @property
    def probability(self) -> float:
        """Of the character, where it was drawn from."""
        return self.after.of(self.char)

    @property
    def surprise(self) -> float:
        """−ln p (nats) of the character, before temperature and top_k."""
        return -math.log(max(self.before.of(self.char), 1e-300))


class Writer:
    """Continues a prime character by character. Two writers of one seed get the same random draws.

    Args:
        prime: at least one character, of the vocabulary alone (``core.data.vocabulary.prime`` makes it so).

    Raises:
        ValueError: the prime is empty or has other characters.
    """

    def __init__(self, network: Network, prime: str, seed: int = 0):
        self.network, self.seed = network, seed
        self.prime = read(network, prime)
        self.written = 0
        self.state, self.logits = self.prime.state, self.prime.logits[-1]

    def step(self, temperature: float = 0.8, top_k: int = 0) -> Step:
        """Write one more character; temperature and top_k may differ from step to step.

        The i-th character is decided by the i-th draw alone: it is the one in whose share of [0, 1) the draw falls,
        the characters' shares laid out in the order of the vocabulary.
        """
        after, u = distribution(self.logits, temperature, top_k), draw(self.seed, self.written)
        index = choose(after.p, u)
        step = Step(VOCABULARY[index], self.logits, after, temperature, top_k, u)
        self.state, self.logits = self.network.step(self.state, index)
        self.written += 1
        return step

    @property
    def hidden(self) -> np.ndarray:
        """The units after the last character, float32 (L, H)."""
        return np.stack([layer[0] for layer in self.state])


def write(
    network: Network, prime: str, length: int, temperature: float = 0.8, top_k: int = 0, seed: int = 0
) -> Iterator[Step]:
    """Continue a prime by ``length`` characters; raises as Writer and ``distribution`` do, before the first."""
    check(temperature, top_k)
    if length < 0:
        raise ValueError(f"The length must not be negative, as {length} is.")
    writer = Writer(network, prime, seed)
    return (writer.step(temperature, top_k) for _ in range(length))
