"""The GAN's benchmark: iterations a second of our training and of the course's loop, and of two runs at once."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

from core import runs
from core.bench import grouped
from core.jobs import trainings

ROUNDS = 5  # of each, alternating; the median counts
ITERATIONS, COURSE_ITERATIONS = 1000, 300  # in a round; one of ours holds a sheet of samples and its measures
PAIRS = 3  # rounds of one run alone and of two at once
LIVE = 1600  # iterations of such a run
BATCH, Z = 64, 100
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def measure(scratch: Path) -> dict:
    """Iterations a second of the course's settings with BCE, one thread each; ``pair``: of two live runs against one.

    The course's loop is in plain PyTorch, with the images in memory as floats. Ours does all that a run of 100,000
    iterations does, but for writing it down. The live runs are jobs as the page starts them, with everything.
    """
    command = [sys.executable, "-m", "core.bench.gan"]  # of its own, so that neither inherits settings from us
    environment = {**os.environ, **dict.fromkeys(THREADS, "1")}
    answer = subprocess.run(command, cwd=runs.ROOT, env=environment, check=True, capture_output=True, text=True)
    return {"topic": "gan", "unit": "iterations/s", **json.loads(answer.stdout), "pair": live(scratch)}


def row(report: dict) -> tuple[str, str, str]:
    """What it is compared with, ours, and the ratio, as the README's table has them."""
    return (f"the course's loop in today's PyTorch, {grouped(report['reference_its_s'])} iterations/s",
            f"{grouped(report['ours_its_s'])} iterations/s; each of two at once {report['pair']} of one alone",
            f"{report['ratio']}")  # fmt: skip


def alternating() -> dict[str, float]:
    """The figures of both loops, measured in this process."""
    import torch

    torch.set_num_threads(1)
    course, ours = course_loop(), our_training()
    rounds = [(_rate(course, COURSE_ITERATIONS), _rate(ours, ITERATIONS)) for _ in range(ROUNDS + 1)]
    slow, fast = (statistics.median(rates) for rates in zip(*rounds[1:], strict=True))  # the first warms up
    return {"reference_its_s": round(slow, 1), "ours_its_s": round(fast, 1), "ratio": round(fast / slow, 2)}


def _rate(work: Callable[[], object], iterations: int) -> float:
    started = time.perf_counter()
    work()
    return iterations / (time.perf_counter() - started)


def course_loop() -> Callable[[], None]:
    """A round of the course's training with its loss "logits", written plainly."""
    import torch
    from torch import nn

    from core import data

    x = torch.tensor(data.load("mnist").train.images).flatten(1) / 255
    g = nn.Sequential(nn.Linear(Z, 128), nn.ReLU(), nn.Linear(128, 784), nn.Sigmoid())
    d = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 1))
    g_solver, d_solver = (torch.optim.Adam(network.parameters(), lr=1e-3) for network in (g, d))
    criterion, ones, zeros = nn.BCEWithLogitsLoss(), torch.ones(BATCH, 1), torch.zeros(BATCH, 1)

    def reset_grad() -> None:
        g_solver.zero_grad()
        d_solver.zero_grad()

    def iteration() -> None:
        real, z = x[torch.randint(len(x), (BATCH,))], torch.randn(BATCH, Z)
        d_loss = criterion(d(real), ones) + criterion(d(g(z)), zeros)
        d_loss.backward()
        d_solver.step()
        reset_grad()
        g_loss = criterion(d(g(torch.randn(BATCH, Z))), ones)
        g_loss.backward()
        g_solver.step()
        reset_grad()

    return lambda: [iteration() for _ in range(COURSE_ITERATIONS)] and None


def our_training() -> Callable[[], None]:
    """A round of ours: the training as a run does it, from sheet to sheet."""
    from core import gan

    config = gan.Config(iterations=100_000)
    records = gan.train(config, gan.load_data(config))
    next(records)  # the sheet before the first iteration

    def round_() -> None:
        while next(records).sample is None:
            pass

    return round_


def live(scratch: Path) -> float:
    """The speed of each of two jobs that run at once, as a part of the speed of one that runs alone."""
    alone, pair = [], []
    with mock.patch.dict(os.environ, EXPLORER_RUNS=str(scratch / "runs")):
        queue = trainings.Queue(slots=2)
        try:
            for round_ in range(PAIRS):
                alone += _jobs(queue, [10 * round_])
                pair += _jobs(queue, [10 * round_ + 1, 10 * round_ + 2])
        finally:
            queue.shut_down()
    return round(statistics.median(pair) / statistics.median(alone), 2)


def _jobs(queue: trainings.Queue, seeds: list[int]) -> list[float]:
    """Iterations a second of one job a seed, all at once."""
    from core.gan import Config

    names = queue.submit("gan", [Config(iterations=LIVE, seed=seed) for seed in seeds], "bench")
    while any(runs.find(name).active for name in names):
        time.sleep(0.2)
    histories = [runs.find(name).history() for name in names]
    return [LIVE / (history[-1]["seconds"] - history[0]["seconds"]) for history in histories]


if __name__ == "__main__":
    print(json.dumps(alternating()))
