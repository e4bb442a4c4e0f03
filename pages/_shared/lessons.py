"""Lessons: files that lead through the pages; pages/_lessons/README.md says how one is written."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

FOLDER = Path(__file__).resolve().parents[1] / "_lessons"
PAGES = ("classifier", "embeddings", "char_rnn", "gan", "adversarial")
MOST_CHOICES = 4  # they stand in one row, and a key each chooses one
_STEP = {"link": str, "say": str, "ask": str, "choices": list, "right": int}
_LESSON = {"title": str, "question": str, "minutes": int, "steps": list}


class LessonError(ValueError):
    """A lesson's file can't be used; the message names the file and says why."""


@dataclass(frozen=True)
class Question:
    """What is asked before the picture is shown."""

    text: str
    choices: tuple[str, ...]
    right: int  # a place in choices


@dataclass(frozen=True)
class Step:
    """One setting, and what is said about it."""

    page: str  # one of PAGES
    settings: dict[str, str]  # the query of the link
    say: str  # Markdown; with a question, it is said after the answer
    question: Question | None = None

    @property
    def below(self) -> bool:
        """Whether it is about what stands below the picture."""
        return any(name.endswith(("_tab", "_part")) for name in self.settings)


@dataclass(frozen=True)
class Lesson:
    """A path through the pages."""

    name: str  # in links: the name of the file, without its number
    title: str
    question: str
    minutes: int
    steps: tuple[Step, ...]


def lessons() -> dict[str, Lesson]:
    """Every lesson that can be used, by name, in the order of the files."""
    return {found.name: found for found in _all(_stamp())[0]}


def problems() -> tuple[str, ...]:
    """A sentence for each file that can't be used."""
    return _all(_stamp())[1]


def _stamp() -> tuple[tuple[Path, int], ...]:
    """Differs where a file was added, changed or taken away: a lecturer sees a new lesson without a restart."""
    return tuple((path, path.stat().st_mtime_ns) for path in sorted(FOLDER.glob("*.toml")))


@lru_cache(maxsize=2)
def _all(stamp: tuple[tuple[Path, int], ...]) -> tuple[tuple[Lesson, ...], tuple[str, ...]]:
    found, wrong = [], []
    for path, _ in stamp:
        try:
            found.append(read(path))
        except LessonError as error:
            wrong.append(str(error))
    return tuple(found), tuple(wrong)


def read(path: Path) -> Lesson:
    """Read one file.

    Raises:
        LessonError: it is no TOML, or something in it is missing, unknown or of the wrong kind.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise LessonError(f"{path.name} can't be read: {error}") from error
    try:
        found = _checked(raw, _LESSON, _LESSON)
        if not found["steps"]:
            raise ValueError("there is no step")
        steps = tuple(_step(i, step) for i, step in enumerate(found["steps"], start=1))
    except ValueError as error:
        raise LessonError(f"{path.name}: {error}") from error
    name = path.stem.lstrip("0123456789_-").replace("_", "-")
    return Lesson(name, found["title"], found["question"], found["minutes"], steps)


def _step(number: int, raw: Any) -> Step:
    try:
        if not isinstance(raw, dict):
            raise ValueError("is no table")
        found = _checked(raw, _STEP, ("link", "say"))
        page, settings = address(found["link"])
        return Step(page, settings, found["say"], _question(found))
    except ValueError as error:
        raise ValueError(f"step {number}: {error}") from error


def _question(found: dict[str, Any]) -> Question | None:
    given = [name for name in ("ask", "choices", "right") if name in found]
    if not given:
        return None
    if len(given) < 3:
        raise ValueError("a question needs ask, choices and right")
    choices = tuple(map(str, found["choices"]))
    if not 2 <= len(choices) <= MOST_CHOICES:
        raise ValueError(f"{len(choices)} choices, but 2 to {MOST_CHOICES} are possible")
    if not 1 <= found["right"] <= len(choices):
        raise ValueError(f"right = {found['right']}, but there are {len(choices)} choices")
    return Question(found["ask"], choices, found["right"] - 1)


def address(link: str) -> tuple[str, dict[str, str]]:
    """The page of a link and its settings; a whole address from a browser is understood as well.

    Raises:
        ValueError: the page is none of this app.
    """
    parts = urlsplit(link)
    page = parts.path.rstrip("/").rpartition("/")[2]
    if page not in PAGES:
        raise ValueError(f"the link {link!r} leads to no page: choose one of {', '.join(PAGES)}")
    return page, dict(parse_qsl(parts.query, keep_blank_values=True))


def _checked(raw: dict[str, Any], kinds: dict[str, type], needed: Any) -> dict[str, Any]:
    for name in raw:
        if name not in kinds:
            raise ValueError(f"{name!r} is unknown: choose from {', '.join(kinds)}")
    for name in needed:
        if name not in raw:
            raise ValueError(f"{name!r} is missing")
    for name, value in raw.items():
        if type(value) is not kinds[name]:
            raise ValueError(f"{name!r} must be a {kinds[name].__name__}")
    return raw
