"""Sweeps: a run for every combination of settings, as many at once as there are cores, or on a cluster's workers."""

from __future__ import annotations

import itertools
import math
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from core import runs
from core.jobs.processes import Crew
from core.runs import recorder

MOST = 10_000  # runs of a sweep


def values(text: str, kind: type) -> list[Any]:
    """The values that an option lists, "sgd,adam"; whole numbers may be ranges, ends included: "0-4,42" are six.

    Raises:
        ValueError: one is not of this kind (str, int or float).
    """
    found: list[Any] = []
    for word in (word.strip() for word in text.split(",")):
        if kind is int and (ends := re.fullmatch(r"(\d+)-(\d+)", word)):
            low, high = map(int, ends.groups())
            if not low <= high < low + MOST:
                raise ValueError(f"the range {word} is empty, or longer than {MOST:,} values")
            found += range(low, high + 1)
            continue
        try:
            found.append(kind(word))
        except ValueError as error:
            raise ValueError(f"invalid {kind.__name__} value: {word!r}") from error
    return found


def configs(topic: str, chosen: Mapping[str, Sequence[Any]]) -> list[Any]:
    """A config for every combination of the values of the chosen settings, the last setting fastest; equal ones once.

    Raises:
        ValueError: a combination is not possible, or there are more than ``MOST``.
    """
    count = math.prod(len(each) for each in chosen.values())
    if count > MOST:
        raise ValueError(f"These are {count:,} runs, and a sweep may have {MOST:,}.")
    config = recorder.lab(topic).Config
    made = [config(**dict(zip(chosen, each, strict=True))) for each in itertools.product(*chosen.values())]
    return list({runs.run_name(topic, each): each for each in made}.values())


def place(topic: str, config: Any, root: Path) -> Path:
    """Where the run of a config is among the runs below ``root``, or is to be recorded.

    One's own runs are told from those that come with the project by nothing but their place: both count as recorded.
    """
    name = Path(topic, runs.run_name(topic, config))
    shipped = runs.shipped_dir() / name
    return shipped if root == runs.runs_dir() and is_done(shipped) else root / name


def is_done(path: Path) -> bool:
    """Whether a run lies there that has ended well."""
    try:
        return runs.read(path).status == "done"
    except runs.RunError:
        return False


def local(topic: str, configs: Sequence[Any], root: Path, workers: int | None = None) -> Iterator[runs.Run]:
    """Train the runs of these configs below ``root``, in so many processes (default: one a core).

    Yields each when it has ended, in whatever way; what another process has begun to train is left to it. When the
    caller goes away, the processes end, and the runs they were at read as interrupted.
    """
    crew = Crew()
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        tasks = [pool.submit(_train, crew, root, topic, config) for config in configs]
        try:
            for task in as_completed(tasks):
                if run := task.result():
                    yield run
        finally:
            for task in tasks:
                task.cancel()
            while not all(task.done() for task in tasks):  # more than once: one may just be starting
                crew.end()
                time.sleep(0.05)
            crew.end()


def _train(crew: Crew, root: Path, topic: str, config: Any) -> runs.Run | None:
    path = root / topic / runs.run_name(topic, config)
    queued = recorder.create(path, topic, config)
    if queued is None:
        return None
    try:
        with crew.worker() as worker:
            worker.train(path)
    finally:
        queued.release()
    return runs.read(path)
