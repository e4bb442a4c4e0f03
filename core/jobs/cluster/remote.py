"""The app's trainings on a Dask cluster: where ``EXPLORER_SCHEDULER`` names its scheduler, the queue has these workers.

The run folder on the app's machine follows the one on the cluster twice a second, so that pages see no difference.
"""

from __future__ import annotations

import contextlib
import threading
import time
from concurrent.futures import CancelledError
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from core import runs
from core.jobs import cluster
from core.jobs.cluster import files, tasks
from core.locks import Lock
from core.runs import recorder

if TYPE_CHECKING:
    from distributed import Client, Future

LOOK = 0.5  # seconds between two looks at a run on the cluster
LOST = "The worker of the cluster that trained it was lost."
GONE = "The connection to the cluster was lost."
_CONNECTING = threading.Lock()


class Remote:
    """What ``core.jobs.processes.Worker`` is to the queue, with the training on a cluster."""

    def __init__(self, address: str):
        self.path: Path | None = None  # of the run that it trains
        self._address = address
        self._writing = threading.Lock()  # held while the run folder is written
        self._ended = False  # by the queue: the folder is not ours any more

    def start(self) -> None:
        """Connect, so that the first training need not wait for it; a scheduler that is not there yet is no harm."""
        with contextlib.suppress(ValueError):
            _client(self._address)

    def train(self, path: Path) -> None:
        """Have a run trained on the cluster, and wait until it has ended there."""
        self._ended, self.path = False, path
        try:
            lock = Lock(path / runs.WORKER_LOCK)  # the run counts as running for as long as this process follows it
            try:
                self._follow(path)
            except ValueError as error:  # a sentence
                self._write_end("interrupted", str(error))
            except (OSError, RuntimeError, CancelledError) as error:  # in whichever way Dask puts it
                self._write_end("interrupted", LOST if str(error) == LOST else GONE)
            finally:
                lock.release()
        except OSError:  # the folder was removed
            pass
        self.path = None

    def end(self) -> None:
        """Leave the run alone; whoever waits in ``train`` goes on soon."""
        with self._writing:
            self._ended = True

    def close(self) -> None:
        """Nothing is left open: the connection is everybody's."""

    def _follow(self, path: Path) -> None:
        """Ask for a run and write down what comes of it.

        Raises:
            ValueError: there is no cluster; OSError, RuntimeError, CancelledError: it is lost.
        """
        run, client = runs.read(path), _client(self._address)
        task = cluster.ask(client, f"{run.topic}/{run.name}", (path / "run.json").read_bytes(), run.config, retries=0)
        known: dict[str, int] = {}  # file → bytes that are here
        where, asked_to_stop = None, False
        try:
            while not task.done() and not self._ended:
                where = self._mirror(client, task, where, known)
                if not asked_to_stop and (path / recorder.STOP).exists():
                    asked_to_stop = True
                    reason = (path / recorder.STOP).read_text("utf-8")
                    if where is None:  # it waits for a worker
                        return self._write_end("stopped", reason)
                    client.run(tasks.stop, task.key, reason, workers=[where], on_error="return")
                time.sleep(LOOK)
            if error := None if self._ended else task.exception():
                return self._write_end(*cluster.ending(error))
            found = {} if self._ended else task.result()
            with self._writing:
                if not self._ended:
                    files.write(found, path)
        finally:
            task.release()  # nobody wants it any more; cancel() would wait for a scheduler that is gone

    def _mirror(self, client: Client, task: Future, where: str | None, known: dict[str, int]) -> str | None:
        """Write down what is new; returns the worker that has the run, None if none has it yet."""
        if client.status != "running":
            raise ConnectionError(GONE)
        if where and where not in client.nthreads():  # else the scheduler would try to reach it for half a minute
            raise ConnectionError(LOST)
        answers = client.run(tasks.news, task.key, known, workers=[where] if where else None, on_error="return")
        if where and isinstance(answers.get(where), Exception):
            raise ConnectionError(LOST)
        for name, answer in answers.items():
            if isinstance(answer, dict):
                with self._writing:
                    if not self._ended:
                        files.append(answer, self.path, known)
                return name
        return where

    def _write_end(self, status: str, reason: str) -> None:
        with self._writing:
            if not self._ended:
                recorder.end(self.path, status, reason)


def _client(address: str) -> Client:
    """The one connection of this process to a cluster, made anew when it is lost."""
    with _CONNECTING:
        client = _connected(address)
        if client.status not in ("running", "connecting"):
            _connected.cache_clear()
            client = _connected(address)
        return client


@cache
def _connected(address: str) -> Client:
    return cluster.connect(address)
