"""Texts to train on: eight plays of Shakespeare, embedded, and texts of one's own, kept by what they hold.

    core/embedded/shakespeare.txt                the embedded one
    <data>/texts/own-<16 hex digits>.txt         one's own: the digits are the start of the sha256 of the file

The last 5 % of a text are held out: never trained on, only measured on.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from core import data
from core.atomic import write
from core.data import DataMissing, vocabulary

SHAKESPEARE = "shakespeare"
NAME = re.compile(r"shakespeare|own-[0-9a-f]{16}")
HELDOUT = 0.05  # share of a text
LEAST, MOST = 2_000, 5_000_000  # characters of a text of one's own; bytes


@dataclass(frozen=True)
class Corpus:
    """A text to train on; equal ``identity`` means equal text."""

    name: str  # "shakespeare" or "own-…"
    title: str
    text: str = field(repr=False)  # of characters of the vocabulary alone
    identity: str  # first 16 hex digits of its sha256
    note: str = ""

    @property
    def heldout_from(self) -> int:
        """Where the held-out end begins, in characters."""
        return len(self.text) - max(2, round(len(self.text) * HELDOUT))

    @property
    def train(self) -> str:
        return self.text[: self.heldout_from]

    @property
    def heldout(self) -> str:
        return self.text[self.heldout_from :]


@dataclass(frozen=True)
class Own:
    """A text of one's own, fit to train on, and what had to be done to it."""

    text: str = field(repr=False)
    notes: tuple[str, ...]  # a sentence each, to show

    @property
    def name(self) -> str:
        """What a Config calls it."""
        return f"own-{_digest(self.text.encode('ascii'))}"


def own(content: bytes | str) -> Own:
    """Make a text of one's own, uploaded or pasted, fit to train on.

    Characters outside the vocabulary are left out, line ends of other systems become ``\\n``; both is noted.

    Raises:
        ValueError: it is too short, too long or not UTF-8, in a sentence.
    """
    size = len(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    if size > MOST:
        raise ValueError(f"The text has {size / 1e6:.1f} MB, more than the {MOST / 1e6:.0f} MB allowed: take a part.")
    text, notes = vocabulary.without_foreign(_decoded(content))
    if ends := text.count("\r"):
        notes += (f"{ends:,} line ends of another system (carriage returns) became newlines.",)
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if len(text) < LEAST:
        known = " that the network knows" if notes else ""
        raise ValueError(f"The text has {len(text):,} characters{known}, but training needs at least {LEAST:,}.")
    return Own(text, notes)


def _decoded(content: bytes | str) -> str:
    if isinstance(content, str):
        return content.removeprefix("\ufeff")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"The file is not UTF-8 text (byte {error.start + 1:,} does not fit): save it as UTF-8 and try again."
        ) from None


def keep(text: Own) -> str:
    """Keep a text of one's own in the data folder, so that runs on it can be made again; returns its name."""
    path = _path(text.name)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, text.text.encode("ascii"))
    return text.name


def load(name: str) -> Corpus:
    """The text of that name.

    Raises:
        DataMissing: it is one's own, and not on this machine (any more).
        ValueError: there is no such name.
    """
    if not NAME.fullmatch(name):
        raise ValueError(f"There is no text {name!r}. Known: {SHAKESPEARE}, and texts of one's own (own-…).")
    return _load(_path(name))


@lru_cache(maxsize=4)
def _load(path: Path) -> Corpus:
    name = path.stem
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise DataMissing(f"The text {name} is not on this machine: upload it once more.") from None
    identity = _digest(content)
    if name == SHAKESPEARE:
        return Corpus(name, "eight plays by Shakespeare", content.decode("ascii"), identity)
    if name != f"own-{identity}":
        raise DataMissing(f"The text {name} is not the one that was kept: upload it once more.")
    return Corpus(name, f"a text of one's own ({len(content):,} characters)", content.decode("ascii"), identity)


def _path(name: str) -> Path:
    return (data.EMBEDDED if name == SHAKESPEARE else data.data_dir() / "texts") / f"{name}.txt"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
