"""The queue: trainings asked for by pages run in warm worker processes, at most as many at once as there are cores.

A job is a run that waits or is being trained. Its state is in the run folder, where everybody can read it; this module
only knows who asked for it, who watches it and which worker has it. Once a second it looks after all of them:

* nobody has watched for five minutes → stopped; time budget used up → stopped;
* no sign of life for 90 seconds, or no answer to a stop within 5 → its process is ended, and the run says so.

How many run and wait, and whether any do, is said by core/limits.py. One process-wide queue, ``QUEUE``, kept at module
level: Streamlit's caches can be cleared by any visitor.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core import atomic, limits, runs
from core.jobs.processes import Worker
from core.locks import Lock
from core.runs import recorder

LEASE = 300.0  # seconds without a viewer after which a run is stopped; hidden browser tabs wake up once a minute
BUDGET = 1800.0  # seconds that a run may train
SILENCE = 90.0  # seconds without a new record after which a worker counts as hanging; decoding a data set takes 20
GRACE = 5.0  # seconds that a worker has to obey a stop
STARTER_GONE = 10.0  # seconds without a look after which a session counts as gone: others may stop what it started
WARM = 2  # workers started before they are needed; further ones, up to the number of cores, start with their first job


class QueueFull(limits.Refused):
    """Too many trainings wait already."""


@dataclass(eq=False)
class Job:
    """A run that waits or is being trained."""

    path: Path
    owner: str  # session that started it
    queued: Lock  # held as long as the job exists
    watchers: dict[str, float] = field(default_factory=dict)  # session → when it last looked (monotonic seconds)
    started: float | None = None  # when a worker took it
    stopping: float | None = None  # when it was asked to stop
    grown: tuple[int, float] = (-1, 0.0)  # size of its history, and when that was seen to change

    @property
    def name(self) -> str:
        return self.path.name


class Queue:
    """Trainings in worker processes. All methods may be called from any thread and return at once."""

    def __init__(self, slots: int | None = None, most_waiting: int | None = None):
        self.slots = slots or limits.jobs_at_once()
        self.most_waiting = limits.jobs_waiting() if most_waiting is None else most_waiting
        self._jobs: dict[str, Job] = {}
        self._waiting: deque[Job] = deque()
        self._changed = threading.Condition()
        self._workers: list[Worker] = []
        self._closed = False

    # What pages ask for

    def submit(self, topic: str, configs: Sequence[Any], owner: str, again: bool = False) -> list[str]:
        """Ask for the runs of these configs; returns their names in the same order.

        What is recorded already is left as it is, unless ``again``: then it is trained into a second folder, to be
        compared. What somebody else trains is joined. Other jobs of the same owner that nobody else watches stop.

        Raises:
            Refused: this server only replays, or (QueueFull) too many wait. The owner's other jobs go on.
            OSError: a folder could not be made; those before it in the order are asked for.
        """
        if limits.read_only():
            raise limits.Refused(limits.REPLAYS)
        self.warm_up()
        with self._changed:
            names = [runs.run_name(topic, config) + (".again" if again else "") for config in configs]
            asked = dict(zip(names, configs, strict=True))
            new = [name for name in asked if name not in self._jobs and (again or not _is_there(topic, asked[name]))]
            left = self._left(owner, keep=names)
            if new and len(self._jobs) - len(left) + len(new) > self.slots + self.most_waiting:
                waiting = len(self._waiting)
                raise QueueFull(f"The queue is full, with {len(self._jobs) - waiting} trainings running and {waiting} "
                                "waiting: watch a recorded run meanwhile.")  # fmt: skip
            self._leave(owner, left, keep=names)
            try:
                for name in names:
                    if name in new:
                        self._start(name, topic, asked[name], owner)
                    if job := self._jobs.get(name):
                        job.watchers[owner] = time.monotonic()
            finally:
                self._changed.notify_all()
        return names

    def watch(self, name: str, owner: str) -> None:
        """Say that this session looks at the run: it goes on for at least five more minutes."""
        if job := self._jobs.get(name):
            job.watchers[owner] = time.monotonic()

    def place(self, name: str) -> int:
        """The place in the queue, 1 = next; 0 if it does not wait."""
        with self._changed:
            return next((i for i, job in enumerate(self._waiting, 1) if job.name == name), 0)

    def may_stop(self, name: str, owner: str) -> bool:
        """Whether this session may stop the run: it started it, or who did has not looked for ten seconds."""
        job = self._jobs.get(name)
        return job is not None and (owner == job.owner or _since(job.watchers.get(job.owner)) > STARTER_GONE)

    def stop(self, name: str, owner: str) -> None:
        """Stop the run if this session may. It ends within a step; what was recorded stays."""
        with self._changed:
            if self.may_stop(name, owner):
                self._stop(self._jobs[name], "Stopped by its viewer.")

    def active(self, owner: str) -> list[str]:
        """Names of the jobs that this session started and that have not ended."""
        return [job.name for job in list(self._jobs.values()) if job.owner == owner]

    # Life of the workers

    def warm_up(self) -> None:
        """Start the workers, so that the first training need not wait for torch to be imported."""
        with self._changed:
            if not self._workers and not self._closed and not limits.read_only():
                self._workers = [_worker() for _ in range(self.slots)]
                for i, worker in enumerate(self._workers):
                    if i < WARM:
                        with contextlib.suppress(OSError):  # no memory, say: its first job tries again
                            worker.start()
                    threading.Thread(target=self._serve, args=(worker,), name=f"worker-{i}", daemon=True).start()
                threading.Thread(target=self._supervise, name="supervisor", daemon=True).start()

    def shut_down(self) -> None:
        """End all workers at once; their runs read as interrupted."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for worker in self._workers:
            worker.end()

    def _serve(self, worker: Worker) -> None:
        while job := self._next():
            worker.train(job.path)
            with self._changed:
                self._forget(job)
        worker.close()

    def _next(self) -> Job | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if self._closed:
                return None
            job = self._waiting.popleft()
            job.started = time.monotonic()
            job.grown = (-1, job.started)
            return job

    # One job; the lock is held

    def _start(self, name: str, topic: str, config: Any, owner: str) -> None:
        path = runs.runs_dir() / topic / name
        queued = recorder.create(path, topic, config)
        if queued is not None:  # else another process was faster
            self._jobs[name] = Job(path, owner, queued)
            self._waiting.append(self._jobs[name])

    def _left(self, owner: str, keep: Sequence[str]) -> list[Job]:
        """The jobs that nobody watches any more once this session asks for others."""
        return [job for job in self._jobs.values()
                if job.name not in keep and owner in job.watchers and not _watched(job, but=owner)]  # fmt: skip

    def _leave(self, owner: str, left: Sequence[Job], keep: Sequence[str]) -> None:
        for job in self._jobs.values():
            if job.name not in keep:
                job.watchers.pop(owner, None)
        for job in left:
            self._stop(job, "Another training was started in its place.")

    def _stop(self, job: Job, reason: str) -> None:
        if job in self._waiting:
            self._waiting.remove(job)
            _write_end(job.path, "stopped", reason)
            self._forget(job)
        elif job.stopping is None:
            job.stopping = time.monotonic()
            with contextlib.suppress(OSError):  # the folder is gone: the worker will notice
                atomic.write(job.path / recorder.STOP, reason.encode())

    def _forget(self, job: Job) -> None:
        self._jobs.pop(job.name, None)
        job.queued.release()

    # Looking after them

    def _supervise(self) -> None:
        while not self._closed:
            time.sleep(1)
            for job in list(self._jobs.values()):
                with self._changed:
                    self._look_after(job)

    def _look_after(self, job: Job) -> None:
        if job.name not in self._jobs:
            return
        if all(_since(seen) > LEASE for seen in list(job.watchers.values())):  # a copy: watch() adds some
            self._stop(job, "Stopped because nobody watched it for five minutes.")
        if job.started is None:
            return
        if _since(job.started) > BUDGET:
            self._stop(job, f"Stopped because its {BUDGET / 60:.0f} minutes were used up.")
        size = _size(job.path / "history.jsonl")
        if size != job.grown[0]:
            job.grown = (size, time.monotonic())
        if _since(job.grown[1]) > SILENCE:
            self._end(job, "failed", f"It gave no sign of life for {SILENCE:.0f} seconds, so its process was ended.")
        elif job.stopping is not None and _since(job.stopping) > GRACE:
            self._end(job, "stopped", "Stopped; its process did not answer and was ended.")

    def _end(self, job: Job, status: str, reason: str) -> None:
        for worker in self._workers:
            if worker.path == job.path:
                worker.end()
                _write_end(job.path, status, reason)


def _worker() -> Worker:
    """A process of this machine or, where ``EXPLORER_SCHEDULER`` names a Dask cluster, a place there."""
    if address := os.environ.get("EXPLORER_SCHEDULER"):
        from core.jobs.cluster.remote import Remote

        return Remote(address)
    return Worker()


def _is_there(topic: str, config: Any) -> bool:
    """Whether the run of a config is recorded already, or being trained by another process."""
    run = runs.of(topic, config)
    return run is not None and run.status in (*runs.ACTIVE, "done")


def _watched(job: Job, but: str) -> bool:
    """Whether a session other than this one has looked at the job in the last seconds."""
    return any(_since(seen) <= STARTER_GONE for owner, seen in job.watchers.copy().items() if owner != but)


def _since(moment: float | None) -> float:
    """Seconds since a monotonic moment; for ever if there was none."""
    return float("inf") if moment is None else time.monotonic() - moment


def _write_end(path: Path, status: str, reason: str) -> None:
    with contextlib.suppress(OSError, ValueError, TypeError):  # its run.json was removed, or is none any more
        recorder.end(path, status, reason)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


QUEUE = Queue()
warm_up, shut_down = QUEUE.warm_up, QUEUE.shut_down
