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

from core import runs
from core.jobs.sweep import is_done
from core.runs import recorder


@dataclass(frozen=True)
class Recording:
    """A run to ship, whether it keeps the weights of every snapshot or of the last alone, and when its turn comes."""

    config: Any
    all_weights: bool = True
    stage: int = 0  # those of a stage may build on the runs of the stages before


def recordings(topic: str) -> list[Recording]:
    """The runs to ship of a topic."""
    return {
        "classifier": _classifier, "embeddings": _embeddings, "char_rnn": _char_rnn, "gan": _gan,
        "adversarial": _adversarial,
    }[topic]()  # fmt: skip


def _classifier() -> list[Recording]:
    from core.classifier import Config

    course = [{"optimizer": "sgd"}, {"optimizer": "adam"}, {"optimizer": "adam", "activation": "tanh"}]
    sweep = {  # learning rates beside the course's 0.001
        "sgd": (0.003, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3),
        "adam": (0.0001, 0.0003, 0.002, 0.003, 0.005, 0.01, 0.02),
    }
    return [
        *(Recording(Config(**setting, seed=seed)) for setting in course for seed in (42, 43, 44, 45, 46)),
        *(Recording(Config(optimizer=o, lr=lr), all_weights=False) for o, rates in sweep.items() for lr in rates),
        *(Recording(Config(dataset="mnist", **setting)) for setting in course),
    ]


def _embeddings() -> list[Recording]:
    from core.embeddings import EVERY, Config

    starts = [{"perplexity": p, "seed": seed} for p in (5.0, 30.0, 50.0, 100.0) for seed in (42, 43, 44)]
    subjects = [{"epoch": EVERY}, {"layer": "pixels"}]
    layouts = [
        *(Config("pca", **subject) for subject in (*subjects, {"layer": "noise"})),
        *(Config("tsne", **subject, **start) for subject in subjects for start in starts),
        *(Config("tsne", layer="noise", perplexity=p, points=500) for p in (2.0, 5.0, 30.0, 100.0)),
        *(Config("tsne", init="random", **start) for start in starts),  # from PCA, seeds hardly differ
    ]
    return [Recording(Config()), *(Recording(c, all_weights=c.epoch == EVERY, stage=1) for c in layouts)]


def _char_rnn() -> list[Recording]:
    from core.char_rnn import Config

    settings = [*({"seed": seed} for seed in (42, 43, 44)), {"cell": "lstm"}, {"cell": "rnn"}]
    return [Recording(Config(**setting)) for setting in settings]


def _gan() -> list[Recording]:
    from core.gan import Config

    long = [("bce", 42), ("course", 42), ("raw-log", 42), ("leak", 42), ("minimax", 42)]
    bands = [(objective, seed) for seed in (43, 44) for objective in ("bce", "course")]
    return [
        *(Recording(Config(objective=objective, iterations=100_000, seed=seed)) for objective, seed in long),
        *(Recording(Config(objective=objective)) for objective in ("least-squares", "hinge", "wgan-gp")),
        *(Recording(Config(objective=objective, iterations=100_000, seed=seed), all_weights=False)
          for objective, seed in bands),
    ]  # fmt: skip


def _adversarial() -> list[Recording]:
    from core.adversarial.attackable import NETWORKS

    return [Recording(config, all_weights=False) for _, config in NETWORKS.values()]


def record(topic: str, root: Path | None = None, jobs: int | None = None) -> Iterator[runs.Run]:
    """Record what is missing of a topic's shipped runs, ``jobs`` at once; yields each when it has ended.

    Several processes may do so at once: what another one is recording is left to it.
    """
    folder = (root or runs.shipped_dir()) / topic
    missing = [r for r in recordings(topic) if not is_done(folder / runs.run_name(topic, r.config))]
    spawn = multiprocessing.get_context("spawn")  # a forked torch may hang
    with ProcessPoolExecutor(jobs or os.cpu_count(), mp_context=spawn) as pool:
        for stage in sorted({r.stage for r in missing}):
            due = [r for r in missing if r.stage == stage]
            tasks = [pool.submit(_record, folder / runs.run_name(topic, r.config), topic, r) for r in due]
            for task in as_completed(tasks):
                if run := task.result():
                    yield run


def _record(path: Path, topic: str, recording: Recording) -> runs.Run | None:
    if is_done(path):  # by another process, since we looked
        return None
    queued = recorder.create(path, topic, recording.config)
    if queued is None:  # another process is at it
        return None
    run = recorder.perform(path)
    queued.release()
    if not recording.all_weights and run.status == "done":
        recorder.keep_last_weights(run)
    for lock in (runs.QUEUE_LOCK, runs.WORKER_LOCK):
        (path / lock).unlink(missing_ok=True)
    return run
