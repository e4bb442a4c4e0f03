"""Did it copy? The longest stretch of the training text that begins at each character of another text.

A suffix array (Manber & Myers 1990): all places of the training text, in the order of what follows them. Whatever
matches a query best stands right beside where the query itself would stand, so a binary search finds it.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from core.data import corpus

DEPTH = 1024  # characters by which places are ordered: matches are followed up to here
SPEAKER = re.compile(r"(?:\A|\n\n)([A-Z][^\n:]{0,40}):\n")


@dataclass(frozen=True)
class Matches:
    """For each character of a text: how far it agrees with the training text from there on, and where."""

    text: str = field(repr=False)
    lengths: np.ndarray  # int64 (T,), characters, at most DEPTH
    places: np.ndarray  # int64 (T,), offsets in the training text; any of them where there are several


@dataclass(frozen=True)
class Passage:
    """A stretch that stands in the training text word by word."""

    start: int  # in the text that was looked at
    length: int  # characters
    text: str
    offset: int  # in the training text
    line: int  # of the training text, from 1
    speaker: str | None  # whose lines these are, in a text laid out as "Speaker:" and speech


class Index:
    """The places of a text in the order of what follows them. Takes 4 bytes a character."""

    def __init__(self, text: str):
        self.text = text.encode("ascii")
        self.order = suffix_array(self.text)

    def matches(self, text: str) -> Matches:
        """Where each character of an ASCII text, with what follows it, is found longest."""
        query = text.encode("ascii")
        found = [self._longest(query[i : i + DEPTH]) for i in range(len(query))]
        lengths, places = np.array(found, np.int64).reshape(-1, 2).T
        return Matches(text, lengths, places)

    def _longest(self, query: bytes) -> tuple[int, int]:
        """How much of the beginning of a query is in the text, and where."""
        at = bisect_left(self.order, query, key=lambda place: self.text[place : place + len(query)])
        beside = [int(place) for place in self.order[max(0, at - 1) : at + 1]]
        return max(((_agree(query, self.text[place : place + len(query)]), place) for place in beside), default=(0, 0))

    def passages(self, matches: Matches, most: int = 3, least: int = 10) -> list[Passage]:
        """The longest stretches of at least ``least`` characters that don't overlap, the longest first."""
        free, found = np.ones(len(matches.lengths), bool), []
        for start in np.argsort(-matches.lengths, kind="stable").tolist():
            length = int(matches.lengths[start])
            if length < least or len(found) == most:
                break
            if free[start : start + length].all():
                free[start : start + length] = False
                found.append(self._passage(matches, start, length))
        return found

    def _passage(self, matches: Matches, start: int, length: int) -> Passage:
        offset = int(matches.places[start])
        speakers = SPEAKER.findall(self.text[max(0, offset - 20_000) : offset + 1].decode("ascii"))
        return Passage(start, length, matches.text[start : start + length], offset,
                       self.text.count(b"\n", 0, offset) + 1, speakers[-1] if speakers else None)  # fmt: skip


def _agree(a: bytes, b: bytes) -> int:
    """How many bytes two strings have in common at their beginning."""
    return next((i for i, (one, other) in enumerate(zip(a, b, strict=False)) if one != other), min(len(a), len(b)))


@lru_cache(maxsize=2)
def index(name: str) -> Index:
    """The index of the training part of a text, made at the first call: 0.3 s for the plays. Raises as corpus.load."""
    return Index(corpus.load(name).train)


def suffix_array(text: bytes) -> np.ndarray:
    """The places of a text without NUL, int32 (T,), ordered by the 1,024 bytes that follow; ties in any order.

    By doubling: places in the order of the next k bytes come into that of the next 2k when each is compared by its own
    rank, and then by that of the place k further on. A place that shares its rank with no other is done.
    """
    key, size, k = _first_eight(text), len(text), 8
    order = np.argsort(key)
    key = key[order]
    rank, slots = np.empty(size, np.int64), np.arange(size)  # the first slot of those equal so far; slots not done
    while len(slots):
        new = np.concatenate([[True], key[1:] != key[:-1]])
        rank[order[slots]] = np.maximum.accumulate(np.where(new, slots, 0))
        slots = slots[~(new & np.concatenate([new[1:], [True]]))]
        if k >= DEPTH:
            break
        places = order[slots]
        further = np.where(places + k < size, rank[np.minimum(places + k, size - 1)] + 1, 0)
        key = rank[places] * (size + 1) + further
        within = np.argsort(key)
        order[slots], key, k = places[within], key[within], 2 * k
    return order.astype(np.int32)


def _first_eight(text: bytes) -> np.ndarray:
    """The next eight bytes of each place as one number, uint64 (T,); nothing, after the end, counts as 0."""
    padded = np.frombuffer(text + bytes(8), np.uint8).astype(np.uint64)
    return sum(padded[i : i + len(text)] << np.uint64(56 - 8 * i) for i in range(8))
