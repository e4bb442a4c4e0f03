"""Whether the records of a run from elsewhere are made like those of the runs that come with the project.

Pages calculate with what a run's history and metrics say. A run that was trained by this version has the same fields
with the same kinds of values as the shipped runs of its topic; what has others was made by something else.
"""

from __future__ import annotations

import dataclasses
import math
import re
from functools import cache
from typing import Any

from core import images, runs
from core.runs import Run, RunError

PLAIN = re.compile(r"[\w .,;:()%+-]{0,120}")
Fields = frozenset[tuple[str, str]]  # name and kind of each value


def check(run: Run, config: Any) -> None:
    """Raise a RunError where settings, facts, a record or a metric of a run are not like those of the shipped ones.

    ``config``: its settings as its topic's Config.
    """
    _check_facts(run, config)
    records, always, ever = _known(run.topic)
    step = -1
    for record in run.history():
        if fields(record) not in records:
            raise RunError(f"The history of {run.name} has a record that is not like those of this version.")
        if record["step"] < step:
            raise RunError(f"The history of {run.name} goes back from step {step:,} to {record['step']:,}.")
        step = record["step"]
    if step < 0:
        raise RunError(f"{run.name} has no history.")
    if not always <= fields(run.metrics) <= ever:
        raise RunError(f"The metrics of {run.name} are not like those of this version.")


def _check_facts(run: Run, config: Any) -> None:
    usual = dataclasses.asdict(type(config)())
    for name, value in dataclasses.asdict(config).items():
        if kind(value) != kind(usual[name]) or (isinstance(usual[name], int) and not isinstance(value, int)):
            raise RunError(f"In the settings of {run.name}, {name} can't be {str(value)[:40]!r}.")
    if run.command != runs.command(run.topic, config) or run.reason:
        raise RunError(f"The command of {run.name} is not that of its settings.")
    if not run.data.keys() <= {"name", "identity", "note"} or not all(map(_is_plain, run.data.values())):
        raise RunError(f"What {run.name} says of its data is not like what this version says.")


def _is_plain(text: Any) -> bool:
    """Whether it is a short text that means nothing but itself, on a page or in a script."""
    return isinstance(text, str) and PLAIN.fullmatch(text) is not None


def check_sample(run: Run, content: bytes) -> None:
    """Raise a RunError where what a model drew is no small picture; what one wrote may be anything."""
    if run.topic != "gan":
        return
    try:
        images.load(content)
    except images.ImageError as error:
        raise RunError(f"A sample of {run.name} is no picture. {error}") from error


@cache
def _known(topic: str) -> tuple[frozenset[Fields], Fields, Fields]:
    """The fields of the records of shipped runs; those of their metrics that all have, and that some have."""
    shipped = [run for run in runs.listing(topic, runs.shipped_dir()) if isinstance(run, Run) and run.status == "done"]
    records = frozenset(fields(record) for run in shipped for record in run.history())
    metrics = [fields(run.metrics) for run in shipped]
    return records, frozenset.intersection(*metrics), frozenset.union(*metrics)


def fields(values: dict[str, Any]) -> Fields:
    """Name and kind of each value."""
    return frozenset((name, kind(value)) for name, value in values.items())


def kind(value: Any) -> str:
    """A number, so many numbers, a table of numbers, a text, or named values of such kinds; other things are odd."""
    if _is_number(value):
        return "number"
    if isinstance(value, str):
        return "text"
    if isinstance(value, list) and value and all(map(_is_number, value)):
        return f"{len(value)} numbers"
    if isinstance(value, list) and value and all(isinstance(row, list) and len(row) == len(value[0]) for row in value):
        return "table" if all(_is_number(each) for row in value for each in row) else "odd"
    if isinstance(value, dict):
        return str(sorted((name, kind(each)) for name, each in value.items()))
    return "odd"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
