"""How numbers and lists are written on every page."""

from __future__ import annotations

import math
from collections.abc import Iterable

from core.runs import Run

TITLES = {"classifier": "Classifier", "embeddings": "Embeddings", "char_rnn": "Char-RNN", "gan": "GAN",
          "adversarial": "Adversarial"}  # fmt: skip
THIN = "\u202f"  # narrow no-break space, between thousands


def count(number: int) -> str:
    """50000 → "50 000" with a thin space."""
    return f"{number:,}".replace(",", THIN)


def percent(share: float, digits: int = 1) -> str:
    """0.6045 → "60.5 %"."""
    return f"{100 * share:.{digits}f}{THIN}%"


def certainty(share: float) -> str:
    """In whole per cent; "100 %" is left to what is all of it, as in the pictures: 0.9955 → "99.5 %"."""
    return percent(math.floor(1000 * share) / 1000, 1) if 0.995 <= share < 1 else percent(share, 0)


def seconds(time: float) -> str:
    """75.3 → "1 min 15 s"; 8.2 → "8 s"."""
    minutes, rest = divmod(max(0, round(time)), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def run(run: Run) -> str:
    """The name of a run as captions have it, in Markdown; of one that was trained elsewhere they say so."""
    return f"`{run.name}`{' (brought as a file)' if run.environment.get('brought') else ''}"


def listed(words: Iterable[str]) -> str:
    """Words joined by commas."""
    return ", ".join(words)
