"""A model of the app's queue of trainings: first come, first served, on so many cores."""

from __future__ import annotations

import heapq
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

HOUR = 3600.0


def waits(arrivals: Sequence[float], lengths: Sequence[float], cores: int) -> list[float]:
    """How long each training waits, in seconds.

    Args:
        arrivals: when each is asked for, in seconds, in order.
        lengths: how long each takes, in seconds, once it has a core.
    """
    free, found = [0.0] * cores, []
    for arrival, length in zip(arrivals, lengths, strict=True):
        start = max(arrival, heapq.heappop(free))
        heapq.heappush(free, start + length)
        found.append(start - arrival)
    return found


@dataclass(frozen=True)
class Hall:
    """Viewers who train, look at the result for a while, and train again; at first each looks at a recorded run.

    Raises:
        ValueError: a number out of its range.
    """

    viewers: int = 100
    cores: int = 2  # of all servers together, if each viewer goes to the one that has the fewest
    length: float = 20.0  # seconds of a training, on average: from half to one and a half of that
    pause: float = 300.0  # seconds from the end of a viewer's training to the next, on average; exponential
    hours: float = 1.0
    seed: int = 0

    def __post_init__(self):
        for name, high in (("viewers", 100_000), ("cores", 1024), ("length", 7200), ("pause", 86_400), ("hours", 100)):
            if not 0 < getattr(self, name) <= high:
                raise ValueError(f"{name} must be above 0 and at most {high:,}, not {getattr(self, name):g}.")


def simulate(hall: Hall) -> dict[str, float]:
    """Waiting times in seconds (median, 95th percentile), trainings an hour, and the share of time cores are busy."""
    rng = random.Random(hall.seed)
    coming = [rng.expovariate(1 / hall.pause) for _ in range(hall.viewers)]  # when each viewer presses Train next
    heapq.heapify(coming)
    free, found, busy, done = [0.0] * hall.cores, [], 0.0, 0
    end = hall.hours * HOUR
    while coming[0] < end:
        asked = heapq.heappop(coming)
        length = hall.length * rng.uniform(0.5, 1.5)
        start = max(asked, heapq.heappop(free))
        heapq.heappush(free, start + length)
        heapq.heappush(coming, start + length + rng.expovariate(1 / hall.pause))
        found.append(start - asked)
        busy += max(0.0, min(end, start + length) - start)
        done += start + length <= end
    middle, late = (statistics.quantiles(found, n=100)[i] for i in (49, 94)) if len(found) > 1 else (0.0, 0.0)
    return {"wait_p50_s": middle, "wait_p95_s": late, "trainings_an_hour": done / hall.hours,
            "busy": busy / end / hall.cores}  # fmt: skip
