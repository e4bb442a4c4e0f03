"""The benchmark of sweeps: the same short runs by two processes against one, and by two workers of a Dask cluster."""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from core import runs
from core.jobs import cluster, sweep

RUNS, ITERATIONS = 30, 600  # of the GAN: about two seconds each
ROUNDS = 1  # of each; the mean counts
PATIENCE = 60  # seconds until the scheduler must be there


def measure(scratch: Path) -> dict:
    """Seconds of a sweep with one and with two processes, and with one and two workers, and what two gain.

    The scheduler and the workers, with a thread each, are processes of this machine. The local figures hold the start
    of the processes; a cluster's workers are warm.
    """
    from core.gan import Config

    seconds: dict[str, list[float]] = {f"{way}_{count}": [] for count in (1, 2) for way in ("local", "dask")}
    configs = [Config(iterations=ITERATIONS, seed=seed) for seed in range(RUNS)]
    for round_ in range(ROUNDS):
        for count in (1, 2):
            folder = scratch / f"{round_}-{count}"
            seconds[f"local_{count}"].append(_seconds(sweep.local("gan", configs, folder / "local", count)))
            with cluster_of(count, folder / "cluster") as address:
                warm = [Config(iterations=1, seed=seed) for seed in range(4 * count)]
                _seconds(cluster.train("gan", warm, folder / "warm", address))
                seconds[f"dask_{count}"].append(_seconds(cluster.train("gan", configs, folder / "dask", address)))
    mean = {name: statistics.mean(each) for name, each in seconds.items()}
    return {"topic": "sweep", "runs": RUNS, **{f"{name}_s": round(each, 1) for name, each in mean.items()},
            "ratio": round(mean["local_1"] / mean["local_2"], 2),
            "ratio_dask": round(mean["dask_1"] / mean["dask_2"], 2)}  # fmt: skip


def row(report: dict) -> tuple[str, str, str]:
    """What it is compared with, ours, and the ratio, as the README's table has them."""
    return (f"{report['runs']} short runs in one process, {report['local_1_s']} s; by one Dask worker, "
            f"{report['dask_1_s']} s", f"two processes {report['local_2_s']} s; two workers {report['dask_2_s']} s",
            f"{report['ratio']}; {report['ratio_dask']}")  # fmt: skip


def _seconds(trained: Iterable[runs.Run]) -> float:
    """How long it takes until all runs are done; ValueError if one is not."""
    started = time.perf_counter()
    for run in trained:
        if run.status != "done":
            raise ValueError(f"{run.name} is {run.status}: {run.reason}")
    return time.perf_counter() - started


@contextlib.contextmanager
def cluster_of(workers: int, folder: Path) -> Iterator[str]:
    """The address of a scheduler with so many workers, while it lasts; their files are in ``folder``."""
    scheduler, address = start_scheduler(folder)
    processes = [start_worker(address, folder / f"worker{i}") for i in range(workers)]
    try:
        _wait_for_workers(address, workers)
        yield address
    finally:
        for process in (*processes, scheduler):
            process.kill()
            process.wait()


def start_scheduler(folder: Path) -> tuple[subprocess.Popen, str]:
    """A scheduler on this machine alone, on a port that is free, and its address."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "scheduler.json"
    process = _start(folder, "dask_scheduler", "--port", "0", "--scheduler-file", str(file), "--idle-timeout", "600")
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError, ValueError):  # not there yet, or not all of it
            return process, json.loads(file.read_text())["address"]
        time.sleep(0.05)
    process.kill()
    raise ValueError(f"The scheduler did not start: {folder / 'log'} says why.")


def start_worker(address: str, scratch: Path) -> subprocess.Popen:
    """A worker with one thread, on this machine; it ends after the scheduler."""
    options = ["--nthreads", "1", "--no-nanny", "--death-timeout", "20", "--local-directory", str(scratch)]
    return _start(scratch.parent, "dask_worker", address, *options)


def _start(folder: Path, module: str, *options: str) -> subprocess.Popen:
    command = [sys.executable, "-m", f"distributed.cli.{module}", "--host", "127.0.0.1", "--no-dashboard", *options]
    calm = {**os.environ, "DASK_CONFIG": str(cluster.CALM)}
    with open(folder / "log", "a") as log:
        return subprocess.Popen(command, cwd=runs.ROOT, stdout=log, stderr=log, env=calm)


def _wait_for_workers(address: str, count: int) -> None:
    from distributed import Client

    with Client(address, timeout=PATIENCE) as client:
        client.wait_for_workers(count, timeout=PATIENCE)
