"""The 100 characters of ``string.printable``, and what is done with everything else that people type.

Nothing is mapped silently: what is left out or cut is named, with counts, in a sentence to show.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from dataclasses import dataclass

import numpy as np

VOCABULARY = string.printable  # 100 characters, in this order: digits, letters, punctuation, white space
MOST_PRIME = 1000  # characters: more would not change what follows
NAMED = 5  # kinds of characters named in a note; the others are counted

_CODES = np.full(128, 255, np.uint8)
_CODES[[ord(char) for char in VOCABULARY]] = np.arange(len(VOCABULARY))
_CHARACTERS = np.array([ord(char) for char in VOCABULARY], np.uint8)
_FOREIGN = re.compile(f"[^{re.escape(VOCABULARY)}]")


@dataclass(frozen=True)
class Prime:
    """What a network is given to continue, and what had to be done to it."""

    text: str  # 1 to 1,000 characters of the vocabulary
    notes: tuple[str, ...]  # a sentence each, to show


def encode(text: str) -> np.ndarray:
    """The places in the vocabulary, uint8 (T,).

    Raises:
        ValueError: the text has other characters (the message names them).
    """
    if _FOREIGN.search(text):
        raise ValueError(f"Not in the vocabulary of {len(VOCABULARY)} characters: {spelled(foreign(text))}.")
    return _CODES[np.frombuffer(text.encode("ascii"), np.uint8)]


def decode(codes: np.ndarray) -> str:
    """The text of places in the vocabulary, integers in [0, 100)."""
    return _CHARACTERS[codes].tobytes().decode("ascii")


def foreign(text: str) -> Counter[str]:
    """The characters outside the vocabulary, with their number."""
    return Counter(_FOREIGN.findall(text))


def without_foreign(text: str) -> tuple[str, tuple[str, ...]]:
    """The text without characters outside the vocabulary, and a note if there were any."""
    found = foreign(text)
    if not found:
        return text, ()
    many = f"{found.total():,} characters" if found.total() > 1 else "1 character"
    return _FOREIGN.sub("", text), (f"Left out {many} that the network does not know: {spelled(found)}.",)


def prime(text: str) -> Prime:
    """What to start from for whatever somebody typed: the vocabulary alone, the last 1,000, never nothing."""
    kept, notes = without_foreign(text)
    if len(kept) > MOST_PRIME:
        notes += (f"Only the last {MOST_PRIME:,} of {len(kept):,} characters are used.",)
    if not kept:
        why = "Nothing is left of the prime" if notes else "The prime is empty"
        notes += (f"{why}, so the text starts from a newline.",)
    return Prime(kept[-MOST_PRIME:] or "\n", notes)


def spelled(found: Counter[str]) -> str:
    """Characters by what they look like and their names, the most frequent first."""
    first = found.most_common(NAMED)
    names = [f"{_name(char)}{f' ({count:,} times)' if count > 1 else ''}" for char, count in first]
    if rest := len(found) - len(first):
        names.append(f"{rest:,} other{'s' if rest > 1 else ''}")
    return ", ".join(names)


def _name(char: str) -> str:
    number = f"U+{ord(char):04X}"
    named = unicodedata.name(char, "").lower()
    look = f"{char} " if char.isprintable() else ""  # not control characters, nor halves of characters
    return f"{look}{named or number}" if named or look else number
