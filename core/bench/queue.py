"""The benchmark of the queue: how long trainings wait in it, against what the model of core/jobs/queueing.py says."""

from __future__ import annotations

import os
import random
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from core.jobs import queueing
from core.jobs.trainings import Queue

TRAININGS, SLOTS = 40, 2
ITERATIONS = 300  # of the GAN: about a second each
APART = 0.5  # seconds between two arrivals, on average: about as many come as get done, so that a queue forms
LOOK = 0.01  # seconds between two looks at the queue
PATIENCE = 300.0  # seconds for all of it


@dataclass
class Seen:
    """A training as its viewer sees it; moments in seconds."""

    owner: str
    asked: float
    started: float | None = None
    ended: float | None = None


def measure(scratch: Path) -> dict:
    """Ask for trainings at random moments; how long they wait, and how long the model makes them wait.

    The model gets the same arrivals and the lengths that were measured.
    """
    with mock.patch.dict(os.environ, EXPLORER_RUNS=str(scratch / "runs")):
        queue = Queue(SLOTS, TRAININGS)
        try:
            _watched(queue, [0.0] * 2 * SLOTS, iterations=1)  # torch is imported, the data are decoded
            rng, at = random.Random(0), 0.0
            arrivals = [at := at + rng.expovariate(1 / APART) for _ in range(TRAININGS)]
            seen = _watched(queue, arrivals, ITERATIONS)
        finally:
            queue.shut_down()
    measured = [one.started - one.asked for one in seen]
    modelled = queueing.waits([one.asked for one in seen], [one.ended - one.started for one in seen], SLOTS)
    return {"topic": "queue", "trainings": TRAININGS, "cores": SLOTS,
            "measured_mean_s": round(statistics.mean(measured), 2), "measured_longest_s": round(max(measured), 2),
            "model_mean_s": round(statistics.mean(modelled), 2), "model_longest_s": round(max(modelled), 2),
            "ratio": round(statistics.mean(modelled) / statistics.mean(measured), 2)}  # fmt: skip


def row(report: dict) -> tuple[str, str, str]:
    """What it is compared with, ours, and the ratio, as the README's table has them."""
    return (f"{report['trainings']} trainings that arrive at random wait {report['measured_mean_s']} s, at most "
            f"{report['measured_longest_s']} s", f"the model of the queue says {report['model_mean_s']} s, at most "
            f"{report['model_longest_s']} s", f"{report['ratio']}")  # fmt: skip


def _watched(queue: Queue, arrivals: list[float], iterations: int) -> list[Seen]:
    """Ask for a training at each of these moments, in seconds from now, and see all of them to their end.

    Raises:
        TimeoutError: they have not ended in time.
    """
    from core.gan import Config

    begun, seen = time.perf_counter(), {}
    while len(seen) < len(arrivals) or any(one.ended is None for one in seen.values()):
        now = time.perf_counter()
        if now - begun > PATIENCE:
            raise TimeoutError(f"The trainings have not ended after {PATIENCE:.0f} seconds.")
        if len(seen) < len(arrivals) and now - begun >= arrivals[len(seen)]:
            owner = f"viewer {len(seen)}"
            (name,) = queue.submit("gan", [Config(iterations=iterations, seed=len(seen))], owner)
            seen[name] = Seen(owner, now)
        for name, one in seen.items():
            if one.started is None and not queue.place(name):
                one.started = now
            if one.ended is None and not queue.active(one.owner):
                one.ended = now
        time.sleep(LOOK)
    return list(seen.values())
