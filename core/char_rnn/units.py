"""Which hidden units keep track of something that we have a word for: inside a quotation, far along a line, a capital.

After Karpathy, Johnson & Fei-Fei 2015 (arXiv:1506.02078), who found a few such units in large LSTMs. Most units mean
nothing that one could name, and among hundreds of units some agree with any feature by chance: so each ranking comes
with what the best unit reaches on the same feature shifted to other places of the text, where it means nothing.

Letters for shapes: T characters, L layers, H hidden units, U = L·H.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch

from core.char_rnn.measures import stretches, surprise
from core.char_rnn.model import CharRNN

SHIFTS = 20  # ways to shift a feature for the comparison with chance
MOST = 60_000  # characters that are read; more would change little
RARE = 100  # characters: a feature that is on, or off, for fewer of them is not ranked
FAR = 100  # characters beyond which a distance no longer counts up
QUOTE = re.compile(
    r'''"(?:(?!\n\n)[^"]){1,400}"'''  # within a paragraph
    r"""|(?<![A-Za-z])'(?=[A-Z])(?:(?!\n\n)[^"]){1,400}?[.,!?;:]'(?![A-Za-z])"""  # in single marks: no apostrophes
)
SPEAKER = re.compile(r"(?:\A|(?<=\n\n))[A-Z][^\n:]{0,40}:(?=\n)")


# Features: a value for each character of a text, float64 (T,), known once the character has been read


def _is(characters: str) -> Callable[[str], np.ndarray]:
    wanted = np.frombuffer(characters.encode("ascii"), np.uint8)
    return lambda text: np.isin(np.frombuffer(text.encode("ascii"), np.uint8), wanted).astype(np.float64)


def _since(characters: str) -> Callable[[str], np.ndarray]:
    """How many characters ago one of these was: 0 at one of them."""

    def count(text: str) -> np.ndarray:
        places = np.arange(len(text))
        last = np.maximum.accumulate(np.where(_is(characters)(text) > 0, places, -1))
        return np.minimum(places - last, FAR).astype(np.float64)

    return count


def _within(pattern: re.Pattern) -> Callable[[str], np.ndarray]:
    """1 from the first character of a match to the last but one: at the last it is over."""

    def mark(text: str) -> np.ndarray:
        inside = np.zeros(len(text))
        for match in pattern.finditer(text):
            inside[match.start() : match.end() - 1] = 1
        return inside

    return mark


@dataclass(frozen=True)
class Feature:
    """Something about a character in its text that a unit might keep track of."""

    title: str
    values: Callable[[str], np.ndarray] = field(repr=False)  # text → float64 (T,)


FEATURES = {
    "line": Feature("characters since the line began", _since("\n")),
    "word": Feature("characters since the word began", _since(" \n\t" + string.punctuation.replace("'", ""))),
    "space": Feature("a space", _is(" ")),
    "capital": Feature("a capital letter", _is(string.ascii_uppercase)),
    "punctuation": Feature("a punctuation mark", _is(".,;:!?")),
    "vowel": Feature("a vowel", _is("aeiouAEIOU")),
    "speaker": Feature("inside the name of a speaker", _within(SPEAKER)),
    "quote": Feature("inside a quotation", _within(QUOTE)),
}


def passage(text: str, feature: str, length: int = 400) -> str:
    """The stretch of a text in which a feature changes most: from the beginning of a line on, at most ``length`` long.

    The first of several; the whole text if it is shorter.
    """
    changes = np.abs(np.diff(FEATURES[feature].values(text), prepend=0.0))
    before = np.concatenate([[0.0], np.cumsum(changes)])
    starts = np.array([0, *(match.end() for match in re.finditer("\n", text))])
    starts = starts[starts <= max(0, len(text) - length)]
    start = int(starts[np.argmax(before[np.minimum(starts + length, len(text))] - before[starts])])
    return text[start : start + length]


# Units


@dataclass(frozen=True)
class Unit:
    """How well a hidden unit keeps track of a feature."""

    layer: int  # from 0
    unit: int  # from 0
    r: float  # Pearson's correlation of the unit's value with the feature's, in [−1, 1]


@dataclass(frozen=True)
class Ranking:
    """All units by how well they keep track of a feature, the best first."""

    feature: str  # a key of FEATURES
    units: tuple[Unit, ...] = field(repr=False)  # all L·H by |r|; none if the feature is too rare in the text
    chance: float | None  # the best |r| of any unit with the feature shifted along the text, the mean of 20 shifts
    count: int  # characters of the text at which the feature is not 0


def rankings(model: CharRNN, text: str) -> dict[str, Ranking]:
    """Rank all hidden units on a text, for every feature.

    Args:
        text: of characters of the vocabulary, some thousands of them, best held out. The first 60,000 are read, in
            stretches of about 1,000, each from the state 0.
    """
    text = text[:MOST]
    codes, total = stretches(text)
    _, states = surprise(model, codes.to(model.linear.weight.device))
    units = torch.stack(states).permute(2, 1, 0, 3).flatten(0, 1).flatten(1)[:total].cpu().numpy()  # (T, U)
    units = _standard(units)
    return {name: _ranking(name, units, feature.values(text)[:total], model) for name, feature in FEATURES.items()}


def _ranking(name: str, units: np.ndarray, values: np.ndarray, model: CharRNN) -> Ranking:
    count = int(np.count_nonzero(values))
    if min(count, len(values) - count) < RARE:
        return Ranking(name, (), None, count)
    shifts = [len(values) * i // (SHIFTS + 1) for i in range(SHIFTS + 1)]  # the first is none
    columns = _standard(np.stack([np.roll(values, shift) for shift in shifts], 1)).astype(np.float32)
    r = units.T @ columns / len(values)  # (U, 1 + SHIFTS)
    order, h = np.argsort(-np.abs(r[:, 0]), kind="stable"), model.rnn.hidden_size
    best = tuple(Unit(int(i) // h, int(i) % h, float(r[i, 0])) for i in order)
    return Ranking(name, best, float(np.abs(r[:, 1:]).max(0).mean()), count)


def _standard(columns: np.ndarray) -> np.ndarray:
    """Each column with mean 0 and standard deviation 1; one that is the same everywhere becomes 0."""
    centred = columns - columns.mean(0)
    spread = centred.std(0)
    return centred / np.where(spread > 0, spread, 1)
