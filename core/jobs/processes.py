"""Warm processes that train runs (core/jobs/worker.py), seen from the side that starts and feeds them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from core import runs

ENDING = 5.0  # seconds that a killed process is waited for


class Worker:
    """A process of core/jobs/worker.py, started again when it is gone."""

    def __init__(self):
        self.path: Path | None = None  # of the run that it trains
        self._process: subprocess.Popen | None = None

    def start(self) -> None:
        threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "core.jobs.worker"], cwd=runs.ROOT, env={**os.environ, **threads}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,  # Ctrl+C is for the server
        )  # fmt: skip

    def train(self, path: Path) -> None:
        """Hand over a run and wait until it has ended, or the process has."""
        self.path = path
        with contextlib.suppress(OSError):  # it could not be started, or ended just now
            if self._process is None or self._process.poll() is not None:
                self.close()
                self.start()
            self._process.stdin.write(f"{path}\n")
            self._process.stdin.flush()
            while (line := self._process.stdout.readline()) and line != "done\n":
                pass  # "ready"
            if not line:
                self.end()  # so that the next job sees at once that it is gone
        self.path = None

    def end(self) -> None:
        """End the process; whoever waits in ``train`` goes on."""
        if self._process is not None:
            self._process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):  # it waits for a disk that does not answer
                self._process.wait(ENDING)

    def close(self) -> None:
        """Close what is left of a process that has ended."""
        if self._process is not None:
            for pipe in (self._process.stdin, self._process.stdout):
                with contextlib.suppress(OSError):  # unsent input
                    pipe.close()


class Crew:
    """As many workers as are needed at the same time; who has ended a run stays warm for the next."""

    def __init__(self):
        self._lock = threading.Lock()
        self._all: list[Worker] = []
        self._idle: list[Worker] = []

    @contextlib.contextmanager
    def worker(self) -> Iterator[Worker]:
        """One that nobody else has meanwhile."""
        with self._lock:
            if not self._idle:
                self._idle.append(Worker())
                self._all.append(self._idle[-1])
            worker = self._idle.pop()
        try:
            yield worker
        finally:
            with self._lock:
                self._idle.append(worker)

    def end(self) -> None:
        """End all of them; whoever waits for one goes on."""
        for worker in self._all.copy():
            worker.end()
            if worker.path is None:
                worker.close()
