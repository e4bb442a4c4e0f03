"""Benchmarks: our way of doing it against the usual one, both measured in one run on one machine, a module a topic.

``python -m core bench TOPIC --json`` prints them, ``--all`` those of all topics. Absolute figures of a busy machine say
little; the ratios of one run hold.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import platform
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core import atomic, runs
from core.runs import recorder

TOPICS = (*recorder.TOPICS, "sweep", "queue")
README = runs.ROOT / "README.md"
MARKERS = ("<!-- bench -->", "<!-- /bench -->")  # what lies between them is written anew


def measure(topic: str, scratch: Path) -> dict[str, Any]:
    """The figures of a benchmark, by ``measure`` of the topic's module; ``scratch``: an empty folder for its files."""
    return _module(topic).measure(scratch)


def measure_all(scratch: Path) -> dict[str, Any]:
    """The figures of all of them, one after another, and where and when they were measured."""
    reports = []
    for topic in TOPICS:
        (scratch / topic).mkdir()
        reports.append(measure(topic, scratch / topic))
    return {**where(), "reports": reports}


def where() -> dict[str, str]:
    """This machine, the date, and the commit that is checked out ("" outside a repository)."""
    cores = os.cpu_count() or 1
    now = time.localtime()
    commit = ""
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
        commit = subprocess.run(command, cwd=runs.ROOT, check=True, capture_output=True, text=True).stdout.strip()
    return {"machine": f"{cores} core{'s' * (cores > 1)} ({_processor()})",
            "date": f"{now.tm_mday} {time.strftime('%B %Y', now)}", "commit": commit}  # fmt: skip


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def table(measured: dict[str, Any]) -> str:
    """What ``measure_all`` returns as Markdown: a sentence, and a table with a row a topic."""
    commit = f", commit {measured['commit']}" if measured["commit"] else ""
    rows = [(f"`{report['topic']}`", *_module(report["topic"]).row(report)) for report in measured["reports"]]
    head = ("`python -m core bench`", "compared with", "one of ours", "ratio")
    lines = [_line(head), _line(["---"] * len(head)).replace(" ", ""), *map(_line, rows)]
    return "\n".join([f"Benchmarks on {measured['machine']}, {measured['date']}{commit}.", "", *lines])


def write(readme: Path, text: str) -> None:
    """Put a text between the markers of a file.

    Raises:
        ValueError: the file has no markers.
    """
    before, after = parts(readme)
    atomic.write(readme, f"{before}{MARKERS[0]}\n{text}\n{MARKERS[1]}{after}".encode())


def parts(readme: Path) -> tuple[str, str]:
    """What comes before the first marker of a file and what after the second; ValueError if it has not one of each."""
    text = readme.read_text("utf-8")
    start, end = (text.find(marker) for marker in MARKERS)
    if not 0 <= start < end or any(text.count(marker) > 1 for marker in MARKERS):
        raise ValueError(f"{readme} needs the lines {MARKERS[0]} and {MARKERS[1]}, once each: the table goes between.")
    return text[:start], text[end + len(MARKERS[1]) :]


def grouped(number: float) -> str:
    """A number as the README writes it: 16799.4 is "16 799"."""
    return f"{number:,.0f}".replace(",", " ")


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _module(topic: str) -> Any:
    return importlib.import_module(f"core.bench.{topic}")
