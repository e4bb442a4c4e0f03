"""The runs that come with the project: which they are, and how they are recorded.

``python -m core record classifier`` trains what is missing, as many at once as there are cores; it can be interrupted
and started again. It needs the CIFAR-10 images in the data folder (``python -m core fetch cifar10``).
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import recorder, runs
from core.classifier import Config

COURSE = ({"optimizer": "sgd"}, {"optimizer": "adam"}, {"optimizer": "adam", "activation": "tanh"})
COURSE_SEEDS = (42, 43, 44, 45, 46)
SWEEP = {  # learning rates beside the course's 0.001
    "sgd": (0.003, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3),
    "adam": (0.0001, 0.0003, 0.002, 0.003, 0.005, 0.01, 0.02),
}


@dataclass(frozen=True)
class Recording:
    """A run to ship, and whether it keeps the weights of every epoch or of the last alone."""

    config: Any
    every_epoch: bool = True


RECORDINGS = {
    "classifier": [
        *(Recording(Config(**setting, seed=seed)) for setting in COURSE for seed in COURSE_SEEDS),
        *(Recording(Config(optimizer=o, lr=lr), every_epoch=False) for o, rates in SWEEP.items() for lr in rates),
        *(Recording(Config(dataset="mnist", **setting)) for setting in COURSE),
    ],
}


def record(topic: str, root: Path | None = None) -> Iterator[runs.Run]:
    """Record what is missing of a topic's shipped runs; yields each when it has ended."""
    folder = (root or runs.shipped_dir()) / topic
    missing = [r for r in RECORDINGS[topic] if not _is_done(folder / runs.run_name(topic, r.config))]
    spawn = multiprocessing.get_context("spawn")  # a forked torch may hang
    with ProcessPoolExecutor(os.cpu_count(), mp_context=spawn) as pool:
        tasks = [pool.submit(_record, folder / runs.run_name(topic, r.config), topic, r) for r in missing]
        for task in as_completed(tasks):
            yield task.result()


def _is_done(path: Path) -> bool:
    try:
        return runs.read(path).status == "done"
    except runs.RunError:
        return False


def _record(path: Path, topic: str, recording: Recording) -> runs.Run:
    queued = recorder.create(path, topic, recording.config)
    run = recorder.perform(path)
    queued.release()
    if not recording.every_epoch and run.status == "done":
        recorder.keep_last_weights(run)
    for lock in (runs.QUEUE_LOCK, runs.WORKER_LOCK):
        (path / lock).unlink(missing_ok=True)
    return run
