"""What a server that many share allows: environment variables, with the defaults of a machine of one's own."""

from __future__ import annotations

import os

OFF = ("", "0", "false", "no", "off")
REPLAYS = "This server replays recorded runs; to train, run the app yourself."
WAITING = 100  # trainings in the queue


class Refused(RuntimeError):
    """This server does not take what was asked for; the message says so to a viewer."""


def read_only() -> bool:
    """``EXPLORER_READONLY``: whether nothing is trained, downloaded or uploaded here."""
    return os.environ.get("EXPLORER_READONLY", "").strip().lower() not in OFF


def jobs_at_once() -> int:
    """``EXPLORER_JOBS``: trainings that run at the same time; by default one a core."""
    return number("EXPLORER_JOBS", os.cpu_count() or 1, 1, 64)


def jobs_waiting() -> int:
    """``EXPLORER_QUEUE``: trainings that wait, of all sessions together."""
    return number("EXPLORER_QUEUE", WAITING, 0, 10_000)


def number(name: str, usual: int, low: int, high: int) -> int:
    """The whole number in an environment variable, brought into its range; the usual one where it holds none."""
    text = os.environ.get(name, "").strip()
    return min(max(int(text), low), high) if text.isdecimal() and len(text) < 10 else usual
