"""Benchmarks: our way of doing it against the usual one, both measured in one run on one machine, a module a topic.

``python -m core bench TOPIC --json`` prints them. Absolute figures of a busy machine say little; the ratios of one run
hold.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any


def measure(topic: str, scratch: Path) -> dict[str, Any]:
    """The figures of a benchmark, by ``measure`` of the topic's module; ``scratch``: an empty folder for its files."""
    return importlib.import_module(f"core.bench.{topic}").measure(scratch)
